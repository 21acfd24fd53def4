package session

import "ipfabric/cmd/ipfabric/internal/ui"

// A Env is what one call of the program has to do with: its environment, who
// it speaks to, and the flags that all commands have.
type Env struct {
	LookupEnv ui.LookupEnv
	Program   string // name and version, for the log
	Mask      *ui.Masker
	Say       *ui.Sayer
	Signals   *interrupts
	Ask       *ui.Asker // nil: nobody can answer

	// The flags that all commands have.
	File      string
	Progress  string
	LogFile   string
	AcceptNew bool
	AskLogin  bool
	AskSudo   bool
}

// DefaultFile is the inventory that is read where --file names none.
func (e *Env) DefaultFile() string {
	if file, _ := e.LookupEnv("IPFABRIC_FILE"); file != "" {
		return file
	}
	return "fabric.yaml"
}
