package inventory

import (
	"os/exec"
	"testing"

	"al.essio.dev/pkg/shellescape"
)

func TestSSHLine(t *testing.T) {
	tests := []struct {
		ssh        SSH
		knownHosts string
		command    string
		want       string
	}{
		{SSH{Address: "10.0.0.22"}, "", "systemctl status frr", "ssh root@10.0.0.22 systemctl status frr"},
		{SSH{Address: "fd00::1", User: "ops", Port: 2222}, "", "true", "ssh -p 2222 ops@fd00::1 true"},
		{
			SSH{Address: "h", Port: 22, Keys: []string{"/home/a b/.ssh/id"}, Jump: []string{"a@b:22", "c"}}, "/lab/known_hosts",
			"vtysh -c 'show bgp summary'",
			`ssh -i '/home/a b/.ssh/id' -o UserKnownHostsFile=/lab/known_hosts -J a@b:22,c root@h "vtysh -c 'show bgp summary'"`,
		},
		{SSH{Address: "h", Jump: []string{"a@[fd00::1]:22"}}, "", "true", "ssh -J 'a@[fd00::1]:22' root@h true"},
		{SSH{Address: "n1", User: "ops", Sudo: true}, "", "systemctl status frr", "ssh -t ops@n1 sudo systemctl status frr"},
		{SSH{Address: "n1", User: `LAN\ops`}, "", "true", `ssh 'LAN\ops@n1' true`},
		{SSH{Address: "h"}, "", "echo $HOME'", `ssh root@h 'echo $HOME'"'"''`},
	}
	for _, tt := range tests {
		f := &Fabric{KnownHosts: tt.knownHosts}
		if got := f.SSHLine(Host{SSH: tt.ssh}, tt.command); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

// The line goes through two shells: the operator's, and the one on the host.
func TestSSHLineKeepsTheCommand(t *testing.T) {
	for _, argv := range [][]string{
		{"printf", "%s|", "it's", "$HOME", `\`},
		{"printf", "%s|", "it's", "so"},
		{"printf", "%s|", "a b", "*"},
		{"printf", "%s|", "a", "b"},
	} {
		line := new(Fabric).SSHLine(Host{SSH: SSH{Address: "h"}}, shellescape.QuoteCommand(argv))
		got, err := exec.Command("/bin/sh", "-c", "ssh() { shift; eval \"$*\"; }; "+line).Output()
		want, err2 := exec.Command(argv[0], argv[1:]...).Output()
		if err != nil || err2 != nil || string(got) != string(want) {
			t.Errorf("%s: got %q, %v; want %q, %v", line, got, err, want, err2)
		}
	}
}
