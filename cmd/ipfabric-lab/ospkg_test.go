//go:build lab

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// packageFiles prints what tells whether a run touched a machine's packages or
// their sources.
const packageFiles = everyFile + `
find /etc/apt /etc/yum.repos.d /etc/pki /var/lib/apt/lists /tmp -newer /etc/machine-id -type f 2>/dev/null | sort
if command -v dpkg >/dev/null; then dpkg -l; else rpm -qa | sort; fi | cksum`

// TestLabPackages is about where FRR comes from: the mirror of a site without
// a way out, all that can be wrong with it, and upgrades.
func TestLabPackages(t *testing.T) {
	beside(t, 200)
	f := newFabric(t, "--mirror", "--rr-os", "debian11,debian13", "--nodes", "2", "--node-os", "debian12,el8-like")
	systems := map[string]string{"rr1": "debian11", "rr2": "debian13", "node1": "debian12", "node2": "el8-like"}
	mirror := "http://" + address(f, "core1")

	// refused runs init, which must leave the machine as it is, with one error.
	refused := func(t *testing.T, host, want, hint string) {
		t.Helper()
		f := f.in(t)
		before := f.ssh(host, packageFiles)
		out := f.ipfabric(3, "init", "--yes", "--no-verify", "--limit", host)
		if !strings.Contains(out, want) || !strings.Contains(out, hint) {
			t.Errorf("init says neither %q nor %q:\n%s", want, hint, tail(out))
		}
		if n := strings.Count(out, "error: "+host+": "); n != 1 {
			t.Errorf("%d errors of %s:\n%s", n, host, tail(out))
		}
		if after := f.ssh(host, packageFiles); after != before {
			t.Errorf("%s was changed:\n%s\n%s", host, before, after)
		}
	}

	t.Run("a mirror with a wrong key", func(t *testing.T) {
		for host := range systems {
			f.in(t).source(host, mirrorOf(f, mirror, systems[host], "", "wrong-key.asc"))
			refused(t, host, "is not signed with the key that is given for it", "name the repository's public key in frr.mirror.")
		}
	})

	t.Run("a mirror that does not answer", func(t *testing.T) {
		for _, host := range []string{"rr1", "node2"} {
			f.in(t).source(host, mirrorOf(f, mirror+":81", systems[host], "", "key.asc"))
			refused(t, host, "cannot be used by this host", "may the host reach it?")
		}
	})

	t.Run("a mirror without FRR", func(t *testing.T) {
		for _, host := range []string{"rr1", "node2"} {
			f.in(t).source(host, mirrorOf(f, mirror+"/nothing", systems[host], "", "key.asc"))
			refused(t, host, "has no FRR for this host", "is the URL right")
		}
	})

	t.Run("a full disk", func(t *testing.T) {
		f := f.in(t)
		f.source("node1", "")
		f.ssh("node1", "rm -f /var/cache/apt/*.bin") // which apt would write anew, and fill the disk
		for _, dir := range []string{"/usr", "/var"} {
			f.ssh("node1", `mkdir /run/full && mount -t tmpfs -o size=60m full /run/full && mkdir /run/full/u /run/full/w &&
				mount -t overlay overlay -o lowerdir=`+dir+`,upperdir=/run/full/u,workdir=/run/full/w `+dir)
			refused(t, "node1", "there is no room for FRR's packages: "+dir+" has", "make room on the host")
			f.ssh("node1", "umount -l "+dir+" && umount -l /run/full && rmdir /run/full")
		}
	})

	t.Run("a python3 that does not run", func(t *testing.T) {
		f := f.in(t)
		f.source("node1", "")
		f.ssh("node1", `mv /usr/bin/python3 /usr/bin/python3.away`)
		refused(t, "node1", "frr-reload.py does not run", "is python3 installed")
		f.ssh("node1", `mv /usr/bin/python3.away /usr/bin/python3`)
	})

	t.Run("FRR comes from the mirror, once dpkg is free, and what it left half installed is completed", func(t *testing.T) {
		f := f.in(t)
		for host, os := range systems {
			f.source(host, mirrorOf(f, mirror, os, "", "key.asc"))
		}
		f.ssh("node1", cutOffDpkg)
		f.ssh("node1", holdDpkg(15*time.Second))
		out := f.ipfabric(2, "plan")
		if !strings.Contains(out, "package frr") || !strings.Contains(out, "from "+mirror+"/debian12 bookworm main") || !strings.Contains(out, mirror+"/el8-like/os") {
			t.Errorf("the plan does not say what FRR the hosts get:\n%s", tail(out))
		}
		f.ipfabric(0, "init", "--yes")
		if out := f.ssh("node1", "dpkg --audit"); out != "" {
			t.Errorf("dpkg is still half done:\n%s", out)
		}
		f.report(0, "--wait", "60s")
		if out := f.ipfabric(0, "init", "--yes"); !strings.Contains(out, "0 changes") {
			t.Errorf("a second init changes something:\n%s", tail(out))
		}
	})

	t.Run("a newer FRR in the source is no upgrade", func(t *testing.T) {
		f := f.in(t)
		for host, os := range systems {
			f.source(host, mirrorOf(f, mirror, os, "next", "key.asc"))
		}
		before := f.frrVersions(systems)
		f.ipfabric(0, "init", "--yes")
		if after := f.frrVersions(systems); after != before {
			t.Errorf("FRR was upgraded:\n%s\n%s", before, after)
		}
		f.ipfabric(0, "plan")
		if out := f.ipfabric(2, "plan", "--upgrade-frr"); strings.Count(out, "package frr: ") != 4 || !strings.Contains(out, "+next1") || !strings.Contains(out, "7.5.1-14") {
			t.Errorf("the plan does not show the upgrade:\n%s", tail(out))
		}
	})

	t.Run("an upgrade goes from host to host", func(t *testing.T) {
		f := f.in(t)
		out := f.ipfabric(0, "init", "--yes", "--upgrade-frr")
		for host := range systems {
			want := "+next1"
			if systems[host] == "el8-like" {
				want = "7.5.1-14"
			}
			if got := f.frrVersion(host, systems[host]); !strings.Contains(got, want) {
				t.Errorf("%s has FRR %s, want %s", host, got, want)
			}
		}
		// One host's change is confirmed before the next one begins.
		var order []string
		for _, m := range regexp.MustCompile(`(?m)^(\w+) +(FRR is the newest of its source|FRR's change is confirmed): changed`).FindAllStringSubmatch(out, -1) {
			order = append(order, m[1])
		}
		if got := strings.Join(order, " "); got != "rr1 rr1 rr2 rr2 node1 node1 node2 node2" {
			t.Errorf("upgraded and confirmed in the order %q:\n%s", got, tail(out))
		}
		f.report(0, "--wait", "60s")
		f.ipfabric(0, "plan", "--upgrade-frr")
	})

	t.Run("a source that does not answer has no newest FRR", func(t *testing.T) {
		f := f.in(t)
		f.source("rr2", "")
		f.ipfabric(0, "init", "--yes", "--limit", "rr2")
		const off = "/etc/apt/apt.conf.d/zz-dead-proxy"
		f.ssh("rr2", `echo 'Acquire::http::Proxy "http://127.0.0.1:9"; Acquire::https::Proxy "http://127.0.0.1:9";' >`+off)
		out := f.ipfabric(3, "init", "--yes", "--upgrade-frr", "--limit", "rr2")
		if !strings.Contains(out, "Failed to fetch") || !strings.Contains(out, "may the host reach its package sources?") {
			t.Errorf("init does not say that the source gave no answer:\n%s", tail(out))
		}
		f.ssh("rr2", "rm "+off)
	})

	t.Run("no python3", func(t *testing.T) {
		f := f.in(t)
		f.source("node1", "    frr: {source: preinstalled, extra: \"ip prefix-list MINE seq 5 deny any\\n\"}\n")
		f.ssh("node1", `mv /usr/bin/python3 /usr/bin/python3.away`)
		refused(t, "node1", "frr-reload.py does not run", "is python3 installed")
		f.ssh("node1", `mv /usr/bin/python3.away /usr/bin/python3`)
		f.source("rr1", "    frr: {source: preinstalled}\n") // 7.5, whose vtysh does not tell its version
		f.ipfabric(0, "init", "--yes")
	})
}

// cutOffDpkg ends apt and dpkg by force while FRR is unpacked.
const cutOffDpkg = `mv /usr/bin/dpkg-deb /usr/bin/dpkg-deb.real
printf '%s\n' '#!/bin/sh' 'case "$*" in *--fsys-tarfile*frr_*) touch /run/unpacking; exec sleep 300 ;; esac' 'exec /usr/bin/dpkg-deb.real "$@"' >/usr/bin/dpkg-deb
chmod 755 /usr/bin/dpkg-deb
apt-get -q -y install --no-install-recommends frr >/dev/null 2>&1 &
for try in $(seq 300); do [ -e /run/unpacking ] && break; sleep 0.2; done
kill -9 $(pidof apt-get dpkg sleep)
wait
rm /run/unpacking
mv /usr/bin/dpkg-deb.real /usr/bin/dpkg-deb
dpkg-query --show --showformat '${db:Status-Eflag}' frr | grep -q reinstreq`

// holdDpkg holds dpkg's lock in the background, as unattended upgrades do.
func holdDpkg(d time.Duration) string {
	return fmt.Sprintf(`systemd-run --quiet python3 -c 'import fcntl, time
f = open("/var/lib/dpkg/lock-frontend", "w")
fcntl.lockf(f, fcntl.LOCK_EX)
time.sleep(%d)'`, int(d.Seconds()))
}

// mirrorOf gives a host's frr key for the lab's mirror of its system, with the
// part of it that has a newer FRR, or not.
func mirrorOf(f *fabric, url, os, part, key string) string {
	key = filepath.Join(f.dir, ".lab", "mirror", os, key)
	url += "/" + os
	if os == "el8-like" {
		if part == "" {
			part = "os"
		}
		return fmt.Sprintf("    frr: {source: mirror, mirror: {rpm: {url: %q, key: %q}}}\n", url+"/"+part, key)
	}
	if part == "" {
		part = "main"
	}
	return fmt.Sprintf("    frr: {source: mirror, mirror: {apt: {url: %q, component: %s, key: %q}}}\n", url, part, key)
}

// source sets a host's frr key in the inventory; "" removes it.
func (f *fabric) source(host, frr string) {
	f.t.Helper()
	path := filepath.Join(f.dir, ".lab", "fabric.yaml")
	data, err := os.ReadFile(path)
	if err != nil {
		f.t.Fatal(err)
	}
	var out strings.Builder
	inHost := false
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(strings.TrimSpace(line), "- name: ") {
			inHost = strings.TrimSpace(line) == "- name: "+host
		}
		if inHost && strings.HasPrefix(line, "    frr: ") {
			continue
		}
		out.WriteString(line)
		if inHost && strings.Contains(line, "- name: ") {
			out.WriteString(frr)
		}
	}
	if err := os.WriteFile(path, []byte(out.String()), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fabric) frrVersion(host, os string) string {
	f.t.Helper()
	if os == "el8-like" {
		return f.ssh(host, "rpm -q frr; pidof bgpd zebra")
	}
	return f.ssh(host, "dpkg-query --show frr frr-pythontools; pidof bgpd zebra")
}

func (f *fabric) frrVersions(systems map[string]string) string {
	f.t.Helper()
	var out strings.Builder
	for _, host := range []string{"rr1", "rr2", "node1", "node2"} {
		out.WriteString(host + " " + f.frrVersion(host, systems[host]))
	}
	return out.String()
}
