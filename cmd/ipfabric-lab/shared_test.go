//go:build lab

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestLabFabric is one fabric of the usual size that many tests share, as
// machines take longest to be made a fabric of. The first finds them new.
func TestLabFabric(t *testing.T) {
	share(t, nil,
		part{"init", testInit, false},
		part{"faults", testFaults, false},
		part{"VM faults", testVMFaults, false},
		part{"LXD", testLXD, false},
		part{"VMs", testVMs, false},
		part{"QEMU", testQEMU, false},
		part{"moves", testMoves, true},
		part{"migration", testMigration, true}, // last, as it leaves libvirt open to all
	)
}

// TestLabSystems is one fabric of all operating systems and versions of FRR.
func TestLabSystems(t *testing.T) {
	share(t, []string{"--mirror", "--rr-os", "debian11,debian13", "--node-os", "debian12,debian13,el8-like"},
		part{"matrix", testMatrix, false},
		part{"goldens", testGoldens, false},
		part{"recovery", testRecovery, false},
		part{"silence", testSilence, true},
	)
}

// A part is a test that shares a fabric with others.
type part struct {
	name  string
	test  func(*testing.T, *fabric)
	alone bool // it measures: nothing else runs beside it
}

// share runs parts one after the other on a lab. The first has it as it is; for
// the others the fabric is made what it was. Those that are alone come last:
// they wait for all tests and parts that are not. So they hold what measures, and
// little else.
func share(t *testing.T, up []string, parts ...part) {
	others.Add(1)
	done := sync.OnceFunc(others.Done)
	t.Parallel()
	t.Cleanup(done)
	f := newFabric(t, up...)
	files := map[string][]byte{}
	for _, name := range []string{"fabric.yaml", "bgp.password", "known_hosts"} {
		data, err := os.ReadFile(filepath.Join(f.dir, ".lab", name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = data
	}
	for i, p := range parts {
		t.Run(p.name, func(t *testing.T) {
			f := f.in(t)
			first := p.alone && !parts[i-1].alone
			if first {
				f.reset(files) // while others run
				done()
				others.Wait()
			}
			if p.alone {
				only.Lock()
				defer only.Unlock()
			}
			if i > 0 && !first {
				f.reset(files)
			}
			p.test(t, f)
		})
	}
}

// reset makes a fabric what it was before its first VM: the operator's files
// are those that the lab wrote, all machines run, init has nothing to do, every
// session is up, no guest and no VM is left.
func (f *fabric) reset(files map[string][]byte) {
	f.t.Helper()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(f.dir, ".lab", name), data, 0o600); err != nil {
			f.t.Fatal(err)
		}
	}
	f.lab("up")
	var guests []struct{ Node, VM string }
	f.json(&guests, "ipfabric-lab", "guest", "list", "--json")
	for _, g := range guests {
		f.lab("guest", "remove", g.Node, g.VM)
	}
	f.ipfabric(0, "init", "--yes", "--accept-session-loss")
	var list struct{ VMs []struct{ Name string } }
	f.json(&list, "ipfabric", "vm", "list", "--json")
	for _, v := range list.VMs {
		f.ipfabric(0, "vm", "remove", v.Name, "--yes")
	}
	if r := f.report(0, "--wait", "60s"); !r.Healthy {
		f.t.Fatalf("not healthy:\n%s", r.bad())
	}
	f.ipfabric(0, "plan")
}

// json reads what a program prints with --json.
func (f *fabric) json(into any, program string, args ...string) {
	f.t.Helper()
	out, err := f.command(program, args...).Output()
	if err != nil {
		f.t.Fatalf("%s %s: %v", program, strings.Join(args, " "), err)
	}
	if err := json.Unmarshal(out, into); err != nil {
		f.t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
}
