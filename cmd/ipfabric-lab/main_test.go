package main

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"ipfabric/cmd/ipfabric-lab/internal/hint"
)

// runLab runs a command line in a lab's folder that is not there.
func runLab(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errout bytes.Buffer
	args = append([]string{"--dir", filepath.Join(t.TempDir(), "lab")}, args...)
	code = run(t.Context(), args, strings.NewReader(""), &out, &errout)
	return code, out.String(), errout.String()
}

func TestUsageErrors(t *testing.T) {
	for _, tt := range []struct {
		args, want string
	}{
		{"upp", "ipfabric-lab: unknown command \"upp\"\nhint: did you mean `ipfabric-lab up`?\n"},
		{"frobnicate", "ipfabric-lab: unknown command \"frobnicate\"\nhint: `ipfabric-lab --help` lists the commands\n"},
		{"up --node 3", "ipfabric-lab: unknown flag: --node\nhint: `ipfabric-lab up --help` lists the flags\n"},
		{"up --nodes many", "ipfabric-lab: invalid argument \"many\" for \"--nodes\" flag: strconv.ParseInt: parsing \"many\": invalid syntax\nhint: `ipfabric-lab up --help` lists the flags\n"},
		{"up --rrs 0", "ipfabric-lab: --rrs 0 is out of range: 1 to 10\n"},
		{"up --nodes 101", "ipfabric-lab: --nodes 101 is out of range: 0 to 100\n"},
		{"up --os debian99", "ipfabric-lab: --os \"debian99\" is not known; use one of debian11, debian12, debian13, el8-like, ubuntu2204, ubuntu2404\n"},
		{"up --node-os debian12,debian99", "ipfabric-lab: --node-os \"debian99\" is not known; use one of debian11, debian12, debian13, el8-like, ubuntu2204, ubuntu2404\n"},
		{"up now", "ipfabric-lab: up takes no arguments, but there is \"now\"\nhint: usage: ipfabric-lab up [flags]\n"},
		{"ssh", "ipfabric-lab: ssh wants the name of a machine\nhint: `ipfabric-lab list` names them; usage: ipfabric-lab ssh NAME [COMMAND…] [flags]\n"},
		{"ssh rr1 --dir", "ipfabric-lab: flag needs an argument: --dir\nhint: `ipfabric-lab ssh --help` lists the flags\n"},
		{"stop", "ipfabric-lab: stop wants the name of one machine\nhint: `ipfabric-lab list` names them; usage: ipfabric-lab stop NAME [flags]\n"},
		{"guest frob", "ipfabric-lab: guest has no command frob\nhint: `ipfabric-lab guest --help` lists them\n"},
		{"guest add node1", "ipfabric-lab: guest add wants the name of a node and that of a VM\nhint: usage: ipfabric-lab guest add NODE VM [flags]\n"},
		{"guest add node1 web --kind docker", "ipfabric-lab: --kind cannot be \"docker\"; write ns, qemu, lxd\n"},
		{"guest add node1 web --flavour bridge", "ipfabric-lab: --flavour cannot be \"bridge\"; write tap or veth\n"},
		{"guest add node1 web --kind qemu --flavour veth", "ipfabric-lab: --flavour is for --kind ns: others have what they have\n"},
		{"guest add node1 web --ip 203.0.113.1", "ipfabric-lab: --ip and --ip6 are for --kind qemu and lxd: a namespace has no configuration of its own; add the VM with ipfabric vm add\n"},
		{"guest add node1 web --kind lxd --ip 2001:db8::1", "ipfabric-lab: --ip: \"2001:db8::1\" is not an IPv4 address\n"},
		{"guest add node1 web --kind lxd --ip6 fe80::1%eth0", "ipfabric-lab: --ip6: \"fe80::1%eth0\" is not an IPv6 address\n"},
		{"start rr1 rr2", "ipfabric-lab: start wants the name of one machine\nhint: `ipfabric-lab list` names them; usage: ipfabric-lab start NAME [flags]\n"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			code, stdout, stderr := runLab(t, strings.Fields(tt.args)...)
			if code != exitUsage || stdout != "" || stderr != tt.want {
				t.Errorf("exit %d, stdout %q, stderr:\n%s\nwant exit 64 and:\n%s", code, stdout, stderr, tt.want)
			}
		})
	}
}

func TestNoLab(t *testing.T) {
	if code, stdout, _ := runLab(t, "list", "--json"); code != 0 || stdout != "[]\n" {
		t.Errorf("list --json: exit %d, %q", code, stdout)
	}
	if code, stdout, stderr := runLab(t, "list"); code != 0 || stdout != "" || !strings.Contains(stderr, "`ipfabric-lab up`") {
		t.Errorf("list: exit %d, %q, %q", code, stdout, stderr)
	}
	code, _, stderr := runLab(t, "ssh", "rr1", "--", "true")
	if code != exitError || !strings.Contains(stderr, `there is no machine "rr1"`) || !strings.Contains(stderr, "hint: ") {
		t.Errorf("ssh: exit %d, %q", code, stderr)
	}
}

// Flags of ipfabric-lab may stand after the machine's name, too.
func TestSSHFlagsAfterTheName(t *testing.T) {
	other := filepath.Join(t.TempDir(), "other")
	for _, flags := range [][]string{{"--dir", other}, {"--dir=" + other}, {"--dir", "elsewhere", "--dir", other}} {
		code, _, stderr := runLab(t, append(append([]string{"ssh", "rr1"}, flags...), "true")...)
		if code != exitError || !strings.Contains(stderr, `no machine "rr1" in the lab `+other+"\n") {
			t.Errorf("%q: exit %d, %q", flags, code, stderr)
		}
	}
	if code, stdout, _ := runLab(t, "ssh", "rr1", "--help"); code != 0 || !strings.Contains(stdout, "ipfabric-lab ssh NAME") {
		t.Errorf("--help: exit %d, %q", code, stdout)
	}
}

func TestSSHPassesTheCommandOn(t *testing.T) {
	for _, tt := range []struct{ words, want []string }{
		{[]string{"--dir", "x", "ls", "--dir", "y"}, []string{"ls", "--dir", "y"}},
		{[]string{"-t", "--dir", "x"}, []string{"-t", "--dir", "x"}}, // flags of ssh begin
		{[]string{"--dir=x", "--", "--dir"}, []string{"--", "--dir"}},
		{[]string{"--dir=x"}, []string{}},
	} {
		root := rootCommand(newSay(nil, nil), nil)
		cmd, _, err := root.Find([]string{"ssh"})
		if err != nil {
			t.Fatal(err)
		}
		cmd.InitDefaultHelpFlag()
		if err := cmd.ParseFlags(nil); err != nil { // adds the flags of root
			t.Fatal(err)
		}
		got, err := ownFlags(cmd, tt.words)
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%q: got %q, %v, want %q", tt.words, got, err, tt.want)
		}
	}
}

func TestHelpTeaches(t *testing.T) {
	code, stdout, _ := runLab(t)
	for _, want := range []string{"ipfabric -f .lab/fabric.yaml init", "stop rr1 --kill", "--dir"} {
		if code != 0 || !strings.Contains(stdout, want) {
			t.Errorf("exit %d, no %q in:\n%s", code, want, stdout)
		}
	}
}

func TestNeedRoot(t *testing.T) {
	a := &app{uid: func() int { return 1000 }}
	err := a.needRoot(&cobra.Command{Use: "up"}, nil)
	if err == nil || hint.Of(err) != "sudo up" {
		t.Errorf("got %v, hint %q", err, hint.Of(err))
	}
	a.uid = func() int { return 0 }
	if err := a.needRoot(&cobra.Command{Use: "up"}, nil); err != nil {
		t.Error(err)
	}
}

func TestExitCodes(t *testing.T) {
	for _, tt := range []struct {
		err  error
		code int
		want string
	}{
		{nil, 0, ""},
		{errors.New("no"), 1, "ipfabric-lab: no\n"},
		{hint.Add(usageError{errors.New("no")}, "yes"), 64, "ipfabric-lab: no\nhint: yes\n"},
		{exitStatus(7), 7, ""}, // the command has spoken for itself
	} {
		var errout bytes.Buffer
		s := newSay(nil, &errout)
		if code := s.exit(t.Context(), tt.err); code != tt.code || errout.String() != tt.want {
			t.Errorf("%v: exit %d, %q, want %d, %q", tt.err, code, errout.String(), tt.code, tt.want)
		}
	}
}
