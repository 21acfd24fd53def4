//go:build lab

package main

import (
	"strings"
	"sync"
	"testing"
)

// wayIn is one way to log in and to become root. {4}, {6} and {name} stand for the machine's addresses and name.
type wayIn struct {
	name string
	ssh  string   // of the machine in fabric.yaml; its address, if it names none, is {4}
	env  []string // of the operator
	args []string // flags
	tty  string   // what is typed, line by line, if the operator has a terminal
	want []string // parts of the error and its hint; none is that all is done
}

var waysIn = []wayIn{
	{name: "root", ssh: "{user: root}"},
	{name: "a user with sudo without a password", ssh: "{user: nopass}"},
	{name: "a user with a sudo password from the environment", ssh: "{user: withpass}", env: sudoIs("sudo of withpass")},
	{name: "a user with a sudo password from the terminal", ssh: "{user: withpass}", tty: "sudo of withpass\n"},
	{name: "a sudo password that is wrong at first", ssh: "{user: withpass}", tty: "wrong\nsudo of withpass\n"},
	{name: "a sudo password that is asked for at once", ssh: "{user: withpass}", args: []string{"--ask-sudo-password"}, tty: "sudo of withpass\n"},
	{name: "sudo with a lecture, a terminal of its own and logs", ssh: "{user: strict}", env: sudoIs("sudo of strict")},
	{name: "a login shell and a sudo that print", ssh: "{user: noisy}", env: sudoIs("sudo of noisy")},
	{name: "fish", ssh: "{user: fishy}", env: sudoIs("sudo of fishy")},
	{name: "csh", ssh: "{user: cshy}", env: sudoIs("sudo of cshy")},
	{name: "tcsh", ssh: "{user: tcshy}", env: sudoIs("sudo of tcshy")},
	{name: "root by another name", ssh: "{user: toor}"},

	{name: "no password for sudo", ssh: "{user: withpass}", want: []string{"wants the password of withpass for sudo", "IPFABRIC_SUDO_PASSWORD"}},
	{name: "the wrong password for sudo", ssh: "{user: withpass}", env: sudoIs("wrong"), want: []string{"refused the password of withpass for sudo"}},
	{name: "single commands only", ssh: "{user: limited}", want: []string{"a sudo right is missing", "limited ALL=(ALL) ALL", "visudo"}},
	{name: "single commands only, with a password", ssh: "{user: limitedpass}", env: sudoIs("sudo of limitedpass"), want: []string{"a sudo right is missing", "visudo"}},
	{name: "not in sudoers", ssh: "{user: stranger}", env: sudoIs("sudo of stranger"), want: []string{"stranger is not in the sudoers file", "visudo"}},
	{name: "requiretty", ssh: "{user: ttyonly}", want: []string{"requiretty", "Defaults:ttyonly !requiretty"}},
	{name: "no sudo", ssh: "{user: nopass, sudo: false}", want: []string{"permission denied"}},

	{name: "a password at the login", ssh: "{user: withpass, keys: []}", env: loginIs("sudo of withpass")},
	{name: "a password at the login from the terminal", ssh: "{user: withpass, keys: []}", tty: "wrong\nsudo of withpass\n"},
	{name: "a password at the login and another for sudo", ssh: "{user: rootpass, keys: []}", env: append(loginIs("sudo of rootpass"), sudoIs("root of the machine")...)},
	{name: "a server that only asks questions", ssh: "{user: withpass, keys: [], port: 2022}", env: loginIs("sudo of withpass")},
	{name: "a server that allows few tries", ssh: "{user: withpass, keys: [], port: 2023}", env: append(loginIs("sudo of withpass"), "SSH_AUTH_SOCK={agent}")},
	{name: "the wrong password at the login", ssh: "{user: withpass, keys: []}", env: loginIs("wrong"), want: []string{"refused the login of withpass with the password"}},
	{name: "a password that root may not use", ssh: "{user: root, keys: []}", env: loginIs("root of the machine"), want: []string{"refused the login of root", "PermitRootLogin"}},

	{name: "an encrypted key", ssh: "{user: nopass, keys: [../encrypted]}", tty: "of the key\n"},
	{name: "the agent", ssh: "{user: nopass, keys: [../encrypted]}", env: []string{"SSH_AUTH_SOCK={agent}"}},
	{name: "another port", ssh: "{user: nopass, port: 2022}"},
	{name: "one jump host", ssh: `{user: nopass, jump: ["hop1@{4}"]}`},
	{name: "two jump hosts", ssh: `{user: nopass, jump: ["hop1@{4}:2022", "hop2@[{6}]"], address: "{6}"}`},
	{name: "a jump host that takes a password", ssh: `{user: withpass, keys: [], jump: ["hop1@{4}"]}`, env: loginIs("sudo of withpass")},
	{name: "an alias of ~/.ssh/config", ssh: "{address: {name}-mgmt, keys: []}"},
	{name: "IPv6", ssh: `{user: nopass, address: "{6}"}`},
}

func sudoIs(password string) []string  { return []string{"IPFABRIC_SUDO_PASSWORD=" + password} }
func loginIs(password string) []string { return []string{"IPFABRIC_SSH_PASSWORD=" + password} }

// TestLabWaysIn does the same over each way in: see what differs, put it right, see that nothing does.
func TestLabWaysIn(t *testing.T) {
	beside(t, 120)
	machines := newWaysIn(t)
	f := machines[0]
	t.Run("no sudo there", func(t *testing.T) {
		f.in(t).fails(wayIn{ssh: "{user: nopass}", want: []string{"has no sudo", "install sudo there"}})
	})
	next := make(chan wayIn)
	var all sync.WaitGroup
	for _, m := range machines {
		m.installSudo()
		all.Add(1)
		go func() {
			defer all.Done()
			for w := range next {
				t.Run(w.name, func(t *testing.T) { m.in(t).tries(w) })
			}
		}()
	}
	for _, w := range waysIn {
		next <- w
	}
	close(next)
	all.Wait()
	t.Run("a wrong password is tried once a run", func(t *testing.T) {
		f := f.in(t)
		const failures = "journalctl --no-pager -q _COMM=sudo _COMM=sshd | grep -c 'authentication failure' || true"
		for _, way := range []wayIn{
			{ssh: "{user: withpass}", env: sudoIs("wrong"), want: []string{"refused"}},
			{ssh: "{user: withpass, keys: []}", env: loginIs("wrong"), want: []string{"refused"}},
		} {
			before := count(t, f.ssh("rr1", failures))
			f.fails(way)
			if n := count(t, f.ssh("rr1", failures)) - before; n != 1 {
				t.Errorf("%s: PAM has seen %d failures, want 1", way.ssh, n)
			}
		}
	})
	t.Run("no password is left anywhere", func(t *testing.T) {
		f := f.in(t)
		for _, secret := range []string{"sudo of ", "of the key", "root of the machine"} {
			if out, code := f.exec2("grep", "-rl", secret, f.dir+"/state"); code != 1 {
				t.Errorf("%q is in the operator's logs: %s", secret, out)
			}
			for _, m := range machines {
				if out := f.ssh(m.machine, "journalctl --no-pager -q | grep -F '"+secret+"' | head -3; grep -rlF '"+secret+"' /var/log /run/sudo /var/lib/sudo 2>/dev/null; true"); strings.TrimSpace(out) != "" {
					t.Errorf("%q is on %s: %s", secret, m.machine, out)
				}
			}
		}
	})
}
