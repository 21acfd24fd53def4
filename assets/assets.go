package assets

import (
	"embed"
	"errors"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

//go:embed frr/*.tmpl gateway/*.tmpl node sh agent.service hooks/qemu
var files embed.FS

//go:embed agent
var agents embed.FS

// Templates returns the templates of that folder ("frr" or "gateway").
func Templates(folder string) fs.FS {
	sub, err := fs.Sub(files, folder)
	if err != nil {
		panic(err) // the folders are embedded: only a typo in this repository gets here
	}
	return sub
}

// File returns a file that goes to a host as it is, such as
// "node/60-ipfabric.conf".
func File(name string) []byte {
	data, err := files.ReadFile(name)
	if err != nil {
		panic(err) // as above
	}
	return data
}

// Script returns the command that runs a script of the folder sh on a host, with
// these arguments. The script's name is its $0. Comments stay here: what is sent
// is short.
func Script(name string, args ...string) []string {
	var text strings.Builder
	for line := range strings.Lines(string(File("sh/" + name))) {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			text.WriteString(line)
		}
	}
	return append([]string{"sh", "-c", strings.TrimSpace(text.String()), name}, args...)
}

// ErrNoAgent says that this program was built with "go build" alone: make
// builds the agent first and then embeds it.
var ErrNoAgent = errors.New("built without the agent: run make")

// Agent returns the agent's binary for a Go architecture, "amd64" or "arm64".
func Agent(arch string) ([]byte, error) {
	data, err := agents.ReadFile("agent/ipfabric-agent-" + arch)
	if err != nil {
		return nil, ErrNoAgent
	}
	return data, nil
}

// AgentVersion says what make built the agents from: the version as git
// describe names it, and when its commit was made. Both are zero if this program
// was built without the agents, or from a tree without git's data.
func AgentVersion() (version string, committed time.Time) {
	data, _ := agents.ReadFile("agent/ipfabric-agent-version")
	version, seconds, _ := strings.Cut(strings.TrimSpace(string(data)), " ")
	if n, err := strconv.ParseInt(seconds, 10, 64); err == nil && n > 0 {
		committed = time.Unix(n, 0).UTC()
	}
	return version, committed
}
