package remote

import (
	"embed"
	"strings"
)

//go:embed sh/*.sh
var scripts embed.FS

// script returns a file of sh/ without its comments: it is sent with every
// command.
func script(name string) string {
	data, err := scripts.ReadFile("sh/" + name)
	if err != nil {
		panic(err) // the name is a constant, and each is used by a test
	}
	var b strings.Builder
	for line := range strings.Lines(string(data)) {
		if text := strings.TrimSpace(line); text != "" && !strings.HasPrefix(text, "#") {
			b.WriteString(text + "\n")
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// What every command line is made of, and what is run by itself.
var (
	prologue     = script("prologue.sh") + "\n"
	skipPassword = script("skip-password.sh") + "\n"
	epilogue     = script("epilogue.sh")
	probeSudo    = script("probe-sudo.sh")
	holdLock     = script("hold-lock.sh")
)
