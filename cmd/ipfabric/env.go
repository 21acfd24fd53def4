package main

// A runEnv is what one call of the program has to do with: its environment, who
// it speaks to, and the flags that all commands have.
type runEnv struct {
	env     lookupEnv
	program string // name and version, for the log
	mask    *masker
	say     *sayer
	signals *interrupts
	ask     *asker // nil: nobody can answer

	// The flags that all commands have.
	file      string
	progress  string
	logFile   string
	acceptNew bool
	askLogin  bool
	askSudo   bool
}
