package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"ipfabric/cmd/ipfabric-lab/internal/hint"
	"ipfabric/cmd/ipfabric-lab/internal/machine"
)

// SSHArgs returns the command line that logs in to a machine as root.
func (l *Lab) SSHArgs(m *machine.Machine, command ...string) []string {
	quoted := func(name string) string {
		return `"` + strings.ReplaceAll(filepath.Join(l.Dir, name), "%", "%%") + `"`
	}
	return append([]string{
		"ssh", "-F", "none",
		"-o", "IdentityFile=" + quoted("id_ed25519"), "-o", "IdentitiesOnly=yes",
		"-o", "UserKnownHostsFile=" + quoted("known_hosts"), "-o", "GlobalKnownHostsFile=none",
		"-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=10", "-o", "LogLevel=ERROR",
		// The default is secure against quantum computers and costs ten times as much
		// processor time: 150 ms a login, where nobody listens.
		"-o", "KexAlgorithms=curve25519-sha256",
		"root@" + m.IPv4.String(),
	}, command...)
}

// CheckReachable says why a machine cannot be logged in to, if that is plain.
func (l *Lab) CheckReachable(m *machine.Machine) error {
	if !m.Running() {
		return hint.Add(fmt.Errorf("%s does not run", m.Name), "`ipfabric-lab start %s` boots it", m.Name)
	}
	key, err := os.Open(l.path("id_ed25519"))
	if err != nil {
		return hint.Add(err, "the lab's key belongs to the user who made the lab: try with sudo")
	}
	return key.Close()
}
