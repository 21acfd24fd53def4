//go:build lab

package main

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// A system is what a machine of the mixed fabric is.
type system struct{ machine, os, codename, frr string }

// matrix has each operating system that the lab has, and each FRR.
var matrix = []system{
	{"rr1", "debian11", "bullseye", "7.5"},
	{"rr2", "debian13", "trixie", "10.3"},
	{"node1", "debian12", "bookworm", "8.4"},
	{"node2", "debian13", "trixie", "10.3"},
	{"node3", "el8-like", "", "7.5"},
}

// testMatrix makes one fabric of all systems.
func testMatrix(t *testing.T, f *fabric) {
	t.Run("the mirrors of FRR are signed", func(t *testing.T) {
		f := f.in(t)
		for _, s := range matrix {
			if s.codename != "" {
				f.aptMirror(s)
			}
		}
		f.dnfMirror("node3")
	})

	t.Run("one init makes a fabric of them", func(t *testing.T) {
		f := f.in(t)
		f.ipfabric(0, "init", "--yes")
		f.report(0, "--wait", "60s")
		for _, s := range matrix {
			if got := f.ssh(s.machine, "vtysh -c 'show version'"); !strings.Contains(got, "FRRouting "+s.frr) {
				t.Errorf("%s (%s) runs another FRR than %s:\n%s", s.machine, s.os, s.frr, got)
			}
		}
	})

	var vms []labVM
	allReach := func(t *testing.T) {
		f := f.in(t)
		var pairs sync.WaitGroup
		reaches := func(machine, guest, addr string) {
			pairs.Add(1)
			go func() {
				defer pairs.Done()
				for range 3 { // the first packet may be one too early
					if f.pings(machine, guest, addr) {
						return
					}
				}
				t.Errorf("%s %s does not reach %s", machine, guest, addr)
			}()
		}
		for _, v := range vms {
			for _, other := range vms {
				for _, addr := range other.addrs() {
					if v.Name == other.Name {
						reaches("core1", "", addr)
						continue
					}
					reaches(v.Node, v.Name, addr)
				}
			}
			pairs.Wait()
		}
	}
	t.Run("VMs on each of them are reached", func(t *testing.T) {
		f := f.in(t)
		vms = append(vms, f.addVM("a", "node1"), f.addVM("b", "node2"), f.addVM("c", "node3"))
		allReach(t)
	})

	t.Run("a VM moves to each of them and back", func(t *testing.T) {
		f := f.in(t)
		f.move(vms[0], "node1", "node2")
		f.move(vms[0], "node2", "node3", "b")
		f.move(vms[0], "node3", "node1", "c")
	})

	t.Run("a second init changes nothing", func(t *testing.T) {
		f := f.in(t)
		before := map[string]string{}
		for _, s := range matrix {
			before[s.machine] = f.ssh(s.machine, everyFile+`; systemctl show -p ExecMainStartTimestamp frr ipfabric-agent`)
		}
		if out := f.ipfabric(0, "init", "--yes"); !strings.Contains(out, "0 changes") {
			t.Errorf("init does not say 0 changes:\n%s", tail(out))
		}
		for _, s := range matrix {
			if after := f.ssh(s.machine, everyFile+`; systemctl show -p ExecMainStartTimestamp frr ipfabric-agent`); after != before[s.machine] {
				t.Errorf("%s changed:\n%s\n%s", s.machine, before[s.machine], after)
			}
		}
		f.report(0)
	})

	t.Run("each of them boots into the fabric", func(t *testing.T) {
		f := f.in(t)
		for _, s := range matrix {
			f.lab("stop", s.machine, "--kill")
			f.lab("start", s.machine)
			if strings.HasPrefix(s.machine, "rr") {
				f.report(0, "--wait", "60s") // the other one goes only when this one is back
			}
		}
		for _, v := range vms {
			f.lab("guest", "add", v.Node, v.Name)
			f.announced(v, v.Node)
		}
		f.report(0, "--wait", "60s")
		f.ipfabric(0, "plan")
	})
	t.Run("and the VMs are reached again", allReach)
}

// aptMirror asserts that a machine's apt takes FRR from the mirror, the newer
// one from the other component, and nothing if the key is wrong. Nothing of
// the machine is changed.
func (f *fabric) aptMirror(s system) {
	f.t.Helper()
	url := fmt.Sprintf("http://%s/%s", address(f, "core1"), s.os)
	candidate := func(key, component string) string {
		out, code := f.exec("ipfabric-lab", "ssh", s.machine, fmt.Sprintf(`set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
chmod 755 "$dir"
mkdir "$dir/lists"
python3 -c 'import sys, urllib.request; sys.stdout.write(urllib.request.urlopen(sys.argv[1]).read().decode())' %[1]s/%[2]s >"$dir/key.asc"
echo "deb [signed-by=$dir/key.asc] %[1]s %[3]s %[4]s" >"$dir/sources.list"
apt() { "$@" -o "Dir::Etc::SourceList=$dir/sources.list" -o Dir::Etc::SourceParts=/nonexistent -o "Dir::State::Lists=$dir/lists"; }
apt apt-get -q update >&2
apt apt-get -q --simulate install --no-install-recommends frr frr-pythontools >&2
apt apt-cache policy frr | sed -n 's/ *Candidate: //p'`, url, key, s.codename, component))
		if code != 0 {
			return "refused: " + out
		}
		return lastLine(out)
	}
	old, next := candidate("key.asc", "main"), candidate("key.asc", "main next")
	if !strings.HasPrefix(old, s.frr) || next != old+"+next1" {
		f.t.Errorf("%s: the mirror has FRR %q, and the newer one is %q", s.machine, old, next)
	}
	if got := candidate("wrong-key.asc", "main"); !strings.HasPrefix(got, "refused: ") || !strings.Contains(got, "is not signed") {
		f.t.Errorf("%s: with a wrong key: %s", s.machine, got)
	}
}

// dnfMirror asserts the same of a machine with dnf.
func (f *fabric) dnfMirror(machine string) {
	f.t.Helper()
	url := fmt.Sprintf("http://%s/el8-like", address(f, "core1"))
	newest := func(key string) string {
		out, code := f.exec("ipfabric-lab", "ssh", machine, fmt.Sprintf(`set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
dnf() { command dnf -q -y --setopt="cachedir=$dir" --setopt="reposdir=$dir" \
	--repofrompath=lab-os,%[1]s/os/ --repofrompath=lab-next,%[1]s/next/ \
	--setopt=lab-*.repo_gpgcheck=1 --setopt=lab-*.gpgkey=%[1]s/%[2]s "$@"; }
dnf repoquery --qf "%%{version}-%%{release}" frr`, url, key))
		if code != 0 {
			return "refused: " + out
		}
		return strings.Join(strings.Fields(out), " ")
	}
	if got := newest("key.asc"); !strings.HasSuffix(got, "7.5.1-13.el8 7.5.1-14.el8") {
		f.t.Errorf("%s: the repositories have %q", machine, got)
	}
	if got := newest("wrong-key.asc"); !strings.HasPrefix(got, "refused: ") {
		f.t.Errorf("%s: metadata with a wrong key: %s", machine, got)
	}
	out, code := f.exec("ipfabric-lab", "ssh", machine, "dnf -y --setopt=appstream.gpgkey="+url+"/wrong-key.asc install frr; rc=$?; rpm -e gpg-pubkey; exit $rc")
	if code == 0 || !strings.Contains(out, "GPG check FAILED") {
		f.t.Errorf("%s: packages with a wrong key: exit %d\n%s", machine, code, tail(out))
	}
	if out := f.ssh(machine, "rpm -q frr || true"); !strings.Contains(out, "not installed") {
		f.t.Errorf("%s: %s", machine, out)
	}
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}
