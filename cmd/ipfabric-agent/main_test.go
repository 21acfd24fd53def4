package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"ipfabric/inventory/vm"
)

// The test binary is also the agent, and what guests and other hosts run, for
// tests that need these as processes of their own.
func TestMain(m *testing.M) {
	if os.Getenv("IPFABRIC_TEST_BE_AGENT") != "" {
		main()
	}
	for name, do := range map[string]func(string) error{
		"IPFABRIC_TEST_FRAMES": sendFrames,
		"IPFABRIC_TEST_SERVE":  serveEcho,
		"IPFABRIC_TEST_DIAL":   dialEcho,
	} {
		arg := os.Getenv(name)
		if arg == "" {
			continue
		}
		if err := do(arg); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// sendFrames sends frames, each in hex, through eth0.
func sendFrames(text string) error {
	link, err := net.InterfaceByName("eth0")
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for _, one := range strings.Fields(text) {
		frame, err := hex.DecodeString(one)
		if err != nil {
			return err
		}
		if err := unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: link.Index}); err != nil {
			return err
		}
	}
	return nil
}

// serveEcho answers on places such as "tcp/:80 udp/:53", until it is killed. It
// prints a line once it listens on all of them.
func serveEcho(places string) error {
	for _, place := range strings.Fields(places) {
		network, address, _ := strings.Cut(place, "/")
		if network == "udp" {
			conn, err := net.ListenPacket(network, address)
			if err != nil {
				return err
			}
			go func() {
				buf := make([]byte, 1500)
				for {
					n, from, err := conn.ReadFrom(buf)
					if err != nil {
						return
					}
					_, _ = conn.WriteTo(buf[:n], from) // or the one who asks finds no answer
				}
			}()
			continue
		}
		listener, err := net.Listen(network, address)
		if err != nil {
			return err
		}
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				go io.Copy(conn, conn)
			}
		}()
	}
	fmt.Println("listening")
	select {}
}

// dialEcho returns nil if an answer comes from a place such as
// "tcp/10.0.0.1:80". What is dropped has no answer for a while; three SYNs or
// datagrams are sent until then. A second word is the address to send from.
func dialEcho(text string) error {
	place, from, _ := strings.Cut(text, " ")
	network, address, _ := strings.Cut(place, "/")
	const patience = 3500 * time.Millisecond // SYNs are sent at 0, 1 and 3 s
	d := net.Dialer{Timeout: patience}
	if from != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	conn, err := d.Dial(network, address)
	if err != nil {
		return err
	}
	defer conn.Close()
	for range 3 {
		if _, err := conn.Write([]byte("hello")); err != nil {
			return err
		}
		if err := conn.SetReadDeadline(time.Now().Add(patience / 3)); err != nil {
			return err
		}
		if _, err = conn.Read(make([]byte, 5)); err == nil {
			return nil
		}
	}
	return err
}

// cmdline runs one command line in this process.
func cmdline(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(context.Background(), args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

func TestCommandLine(t *testing.T) {
	nobody := filepath.Join(t.TempDir(), "agent.sock")
	tests := []struct {
		args []string
		code int
		want string // in what it prints
	}{
		{[]string{"version"}, 0, "ipfabric-agent "},
		{[]string{}, 0, "Keeps a node's VMs connected to the IP fabric"},
		{[]string{"vm", "--help"}, 0, "Add, remove and list the node's VMs"},
		{[]string{"frobnicate"}, 64, `ipfabric-agent has no command "frobnicate"`},
		{[]string{"vm", "ad", "x"}, 64, `ipfabric-agent vm has no command "ad"`},
		{[]string{"status", "--jsno"}, 64, "unknown flag: --jsno"},
		{[]string{"status", "now"}, 64, `takes no argument, but got "now"`},
		{[]string{"vm", "add"}, 64, "takes the name of one VM"},
		{[]string{"vm", "add", "../x", "--ip", "203.0.113.1"}, 64, `VM name "../x": it must begin with a letter or a digit`},
		{[]string{"vm", "add", "x", "--ip", "203.0.113"}, 64, `--ip "203.0.113" is not an address`},
		{[]string{"vm", "add", "x", "--mac", "zz"}, 64, `--mac: mac "zz": write it as`},
		{[]string{"vm", "phase", "x"}, 64, "takes the name of one VM and a phase"},
		{[]string{"--socket", nobody, "status"}, 1, "the agent is not running: nothing listens on " + nobody},
		{[]string{"--socket", nobody, "vm", "list"}, 1, "hint: systemctl status ipfabric-agent"},
		{[]string{"run", "--config", nobody}, 1, "there is no such file\nhint: ipfabric init"},
	}
	for _, tt := range tests {
		code, stdout, stderr := cmdline(tt.args...)
		if code != tt.code || !strings.Contains(stdout+stderr, tt.want) {
			t.Errorf("%q: got %d\n%s%s\nwant %d, %q in it", tt.args, code, stdout, stderr, tt.code, tt.want)
		}
	}
}

// What ipfabric and scripts read: one line on standard error.
func TestErrorsAsJSON(t *testing.T) {
	nobody := filepath.Join(t.TempDir(), "agent.sock")
	tests := []struct {
		args []string
		want vm.Code
	}{
		{[]string{"vm", "list", "--json"}, vm.NotRunning},
		{[]string{"vm", "phase", "web", "live", "--protocol", "1"}, vm.NotRunning},
		{[]string{"vm", "remove", "../x", "--protocol=1"}, vm.Usage},
		{[]string{"vm", "list", "--jsno", "--json"}, vm.Usage},
		{[]string{"run", "--config", nobody, "--json"}, vm.Usage}, // run has no such flag
	}
	for _, tt := range tests {
		code, stdout, stderr := cmdline(append([]string{"--socket", nobody}, tt.args...)...)
		e := vm.ParseError(stderr)
		if e == nil || e.Code != tt.want || code == 0 || stdout != "" || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%q: got %d, %q, %q; want %s", tt.args, code, stdout, stderr, tt.want)
		}
	}
}

func TestVersionAsJSON(t *testing.T) {
	version, committed = "v1.2.3", "1795488351"
	defer func() { version, committed = "", "" }()
	_, stdout, _ := cmdline("version", "--json")
	var b vm.Build
	if err := json.Unmarshal([]byte(stdout), &b); err != nil || b.Version != "v1.2.3" || b.Committed.Unix() != 1795488351 || b.Protocol != vm.Protocol {
		t.Errorf("%s: %+v, %v", stdout, b, err)
	}
}

// libvirt does not start a VM whose hook fails, and takes what the hook prints
// for the VM's new XML.
func TestTheHookNeverFailsAndPrintsNothing(t *testing.T) {
	nobody := filepath.Join(t.TempDir(), "agent.sock")
	for _, args := range [][]string{
		{"sea_gold", "prepare", "begin", "-"},
		{"-x", "migrate", "begin", "-"},
		{},
	} {
		code, stdout, stderr := cmdline(append([]string{"--socket", nobody, "hook", "libvirt", "--"}, args...)...)
		if code != 0 || stdout != "" || stderr == "" {
			t.Errorf("%q: got %d, %q on stdout, %q on stderr", args, code, stdout, stderr)
		}
	}
}

func TestNameProtocol(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rt_protos.d", "ipfabric.conf")
	for range 2 {
		if err := nameProtocol(file); err != nil {
			t.Fatal(err)
		}
	}
	if data, _ := os.ReadFile(file); string(data) != "# Written by ipfabric-agent.\n201\tipfabric\n" {
		t.Errorf("got %q", data)
	}
}

func TestPrintStatus(t *testing.T) {
	s := vm.Status{
		Build: vm.Build{Version: "1.2.3"}, UptimeSec: 90, Problems: []string{"VM a: no such luck"},
		Config:  vm.Config{File: "/etc/ipfabric/agent.yaml", Fabric: "lab", Node: "node1"},
		VMs:     vm.VMCounts{Wanted: 2, Present: 2, Announced: 1},
		Routes:  3,
		FRR:     vm.FRR{Up: true, Sessions: []vm.Session{{Peer: "10.10.0.11", Name: "rr1", Family: "ipv4-unicast", State: "Established", UptimeSec: 60, Received: 7}}},
		Dropped: vm.Dropped{Reasons: map[string]uint64{"spoofed": 4, "bgp": 0, "bfd": 1}, VMs: map[string]uint64{"b": 5}},
	}
	var out bytes.Buffer
	if err := printStatus(&out, s, false); err != nil {
		t.Fatal(err)
	}
	want := `node node1 of fabric lab: NOT HEALTHY
  problem: VM a: no such luck
VMs: 2 wanted, 2 with an interface, 1 announced, 0 about to arrive; 3 routes
BGP with rr1 (ipv4-unicast): Established for 1m0s, 7 prefixes received
packets dropped: 1 bfd, 4 spoofed
  5 of VM b in the last day
agent 1.2.3, up for 1m30s, configuration /etc/ipfabric/agent.yaml
`
	if diff := gocmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
