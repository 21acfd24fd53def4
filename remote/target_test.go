package remote

import (
	"fmt"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func currentUser(tb testing.TB) string {
	tb.Helper()
	me, err := user.Current()
	if err != nil {
		tb.Fatal(err)
	}
	return me.Username
}

// describe puts what a route says that matters into a line for each hop.
func describe(route []endpoint) []string {
	var out []string
	for _, e := range route {
		out = append(out, fmt.Sprintf("%s: %s@%s keys %s only %v", e.name, e.user, e.addr(), strings.Join(e.keys, ","), e.onlyKeys))
	}
	return out
}

func TestRoute(t *testing.T) {
	t.Setenv("HOME", "/home/anna")
	const config = `
User nobody-in-particular

Host rr1
  HostName 192.0.2.11
  User admin
  Port 2222
  IdentityFile ~/.ssh/fabric
  IdentityFile "/keys/%h-%r"
  IdentitiesOnly yes
Host 10.0.0.*
  ProxyJump bastion
Host bastion
  HostName bastion.example.net
  Port 2022
  User jump
  ProxyJump outer@gate
Match exec "test -e /nowhere"
  User wrong
Match host direct
  ProxyJump none
Host loop
  ProxyJump loop
`
	path := filepath.Join(t.TempDir(), "config")
	writeFile(t, path, strings.Replace(config, "User nobody-in-particular", "", 1))
	c := newClient(t, Config{SSHConfig: path})
	defaults := "/home/anna/.ssh/id_ed25519,/home/anna/.ssh/id_ecdsa,/home/anna/.ssh/id_rsa"
	tests := []struct {
		name   string
		target Target
		want   []string
	}{
		{"nothing said", Target{Name: "a", Address: "192.0.2.1"}, []string{"a: root@192.0.2.1:22 keys " + defaults + " only false"}},
		{"all from the config", Target{Name: "rr1"}, []string{"rr1: admin@192.0.2.11:2222 keys /home/anna/.ssh/fabric,/keys/192.0.2.11-admin only true"}},
		{"the target wins", Target{Name: "x", Address: "rr1", Port: 22, User: "root", Keys: []string{"/k"}}, []string{"x: root@192.0.2.11:22 keys /k only true"}},
		{"ProxyJump, and the jump host's own", Target{Name: "b", Address: "10.0.0.9"}, []string{
			"jump host gate: outer@gate:22 keys " + defaults + " only false",
			"jump host bastion: jump@bastion.example.net:2022 keys " + defaults + " only false",
			"b: root@10.0.0.9:22 keys " + defaults + " only false"}},
		{"jump hosts of the target", Target{Name: "b", Address: "10.0.0.9", Keys: []string{"/k"}, Jump: []string{"me@one:2201", "[fd00::2]:2202"}}, []string{
			"jump host one: me@one:2201 keys /k only true",
			"jump host fd00::2: root@[fd00::2]:2202 keys /k only true",
			"b: root@10.0.0.9:22 keys /k only true"}},
		{"none", Target{Name: "b", Address: "10.0.0.9", Jump: []string{"none"}}, []string{"b: root@10.0.0.9:22 keys " + defaults + " only false"}},
		{"IPv6", Target{Name: "v6", Address: "2001:db8::1"}, []string{"v6: root@[2001:db8::1]:22 keys " + defaults + " only false"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			route, err := c.route(tt.target)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, describe(route)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	for _, bad := range []Target{{Name: "l", Address: "loop"}, {Name: "x", Jump: []string{"a b"}}, {Name: "x", Jump: []string{"a:70000"}}, {Name: "x", Jump: []string{"@"}}} {
		if _, err := c.route(bad); err == nil {
			t.Errorf("%+v: got no error", bad)
		} else {
			t.Log(err)
		}
	}
}

func TestSSHConfigThatCannotBeRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	writeFile(t, path, "Host a\n  Port twenty\n")
	has(t, connectFails(t, newClient(t, Config{SSHConfig: path}).Host(Target{Name: "a"}), Setup), path, "twenty")

	writeFile(t, path, "Host a\n  ProxyCommand ssh -W %h:%p b\n")
	has(t, connectFails(t, newClient(t, Config{SSHConfig: path}).Host(Target{Name: "a"}), Setup), path, "ProxyJump")
}

func TestDropMatchKeepsTheRest(t *testing.T) {
	kept, dropped := dropMatch([]byte("Host a\n Port 1\nMatch  user=x\n Port 2\nMATCH all\n Port 3\nmatch final all\n Port 4\nHost b\n Port 5"))
	want := "Host a\n Port 1\n\n\nMATCH all\n Port 3\n\n\nHost b\n Port 5"
	if diff := cmp.Diff(want, string(kept)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Match  user=x", "match final all"}, dropped); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The whole way with nothing but the configuration file: name, port, user, key, known_hosts.
func TestSSHConfigReachesTheHost(t *testing.T) {
	s := startSSHD(t)
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("SSH_AUTH_SOCK", "")
	writeFile(t, filepath.Join(dir, "known"), s.knownLine())
	writeFile(t, filepath.Join(dir, ".ssh", "config"), fmt.Sprintf("Host node2\nHostName %s\nPort %d\nUser %s\nIdentityFile %s\nUserKnownHostsFile ~/known\n",
		s.address, s.port, s.user, s.key))
	c, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Host(Target{Name: "node2"}).Open(testContext(t)); err != nil {
		t.Error(err)
	}
}

// Operators split their configuration up, and have blocks in it that only ssh understands.
func TestSSHConfigIncludes(t *testing.T) {
	bastion, s := startSSHD(t), startSSHD(t)
	bastion.authorize(t, publicOf(t, s.key))
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("SSH_AUTH_SOCK", "")
	writeFile(t, filepath.Join(home, "known"), s.knownLine()+bastion.knownLine())
	for name, content := range map[string]string{
		".ssh/config":         "Include conf.d/*.conf none.conf\nUserKnownHostsFile ~/known\nHost node*\n Include ~/keys\n ProxyJump bastion\nHost other\n Port 1\n",
		".ssh/conf.d/a.conf":  fmt.Sprintf("Host node2\n HostName %s\n Port %d\n User %s\n", s.address, s.port, s.user),
		".ssh/conf.d/b.conf":  fmt.Sprintf("Match exec \"true\"\n Port 1\nHost bastion\n HostName %s\n Port %d\n User %s\n Include ~/keys\n", bastion.address, bastion.port, bastion.user),
		".ssh/conf.d/ignored": "Host node2\n Port 2\n",
		"keys":                "IdentityFile " + s.key + "\n",
	} {
		writeFile(t, filepath.Join(home, name), content)
	}
	c, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Host(Target{Name: "node2"}).Open(testContext(t)); err != nil {
		t.Error(err)
	}
	if !strings.Contains(bastion.log(t), "Accepted publickey") {
		t.Error("it did not go over the jump host")
	}
	writeFile(t, filepath.Join(home, ".ssh/conf.d/a.conf"), "Include conf.d/*.conf\n")
	again, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	has(t, connectFails(t, again.Host(Target{Name: "node2"}), Setup), "include each other")
}

func TestJumpHosts(t *testing.T) {
	one, two, end := startSSHD(t), startSSHD(t), startSSHD(t)
	for _, s := range []*server{one, two} {
		key := publicOf(t, end.key)
		s.authorize(t, key)
	}
	c := newClient(t, Config{}, one, two, end)
	for _, jump := range [][]string{{one.hop()}, {one.hop(), two.hop()}} {
		target := end.target()
		target.Jump = jump
		first, second := c.Host(target), c.Host(target)
		for _, h := range []*Host{first, second} {
			if out, err := h.Query(testContext(t), "echo", "here"); err != nil || out != "here\n" {
				t.Errorf("over %v: got %q, %v", jump, out, err)
			}
		}
	}
	if n := strings.Count(one.log(t), "Accepted publickey"); n != 1 {
		t.Errorf("there were %d logins on the first jump host, want 1 that all share", n)
	}
}

func TestJumpHostsKeyIsChecked(t *testing.T) {
	one, end := startSSHD(t), startSSHD(t)
	one.authorize(t, publicOf(t, end.key))
	target := end.target()
	target.Jump = []string{one.hop()}
	has(t, connectFails(t, newClient(t, Config{}, end).Host(target), HostKeyUnknown), "jump host 127.0.0.1", one.addr())
	has(t, connectFails(t, newClient(t, Config{}, one).Host(target), HostKeyUnknown), "node2 ("+end.addr())
}

func TestJumpHostInTheWay(t *testing.T) {
	one, end := startSSHD(t, "AllowTcpForwarding no"), startSSHD(t)
	one.authorize(t, publicOf(t, end.key))
	target := end.target()
	target.Jump = []string{one.hop()}
	has(t, connectFails(t, newClient(t, Config{}, one, end).Host(target), Unreachable), "AllowTcpForwarding")

	open := startSSHD(t)
	open.authorize(t, publicOf(t, end.key))
	target.Jump, target.Port = []string{open.hop()}, freePort(t, "127.0.0.1")
	has(t, connectFails(t, newClient(t, Config{}, open).Host(target), Unreachable), "from the jump host "+open.hop(), "refused")
}

func TestJumpHostThatCameBack(t *testing.T) {
	one, end := startSSHD(t), startSSHD(t)
	one.authorize(t, publicOf(t, end.key))
	p := startProxy(t, one)
	target := end.target()
	target.Jump = []string{p.hop()}
	h := newClient(t, Config{}, p.server, end).Host(target)
	if err := h.Open(testContext(t)); err != nil {
		t.Fatal(err)
	}
	p.sever()
	waitFor(t, "the loss to be noticed", func() bool { return h.Run(testContext(t), "true") == nil && p.connections() == 2 })
}
