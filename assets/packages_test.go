package assets

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// apt-cache's own files are large: a plan must not fill a disk.
func TestAptCacheLeavesAFullDiskAlone(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		s.program("df", "echo Filesystem; echo /dev/sda1 1000 900 $FREE 90% /")
		s.program("apt-cache", `echo "$*"`)
		for free, want := range map[string]string{
			"149": "-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= policy frr\n",
			"150": "policy frr\n",
		} {
			t.Setenv("FREE", free)
			s.is(s.script("apt-cache.sh", "150", "policy", "frr"), want)
		}
		if got := s.read("log"); !strings.Contains(got, "df -P -m "+s.root+"/var/cache/apt\n") {
			t.Errorf("ran %q", got)
		}
	})
}

func TestAptLists(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		s.program("sleep", "")
		for _, tt := range []struct {
			must, does string
			status     int
			said       string
			runs       int
		}{
			{"any", "", 0, "", 1},
			{"any", "echo 'W: Failed to fetch http://x'", 0, "", 1},
			{"all", "", 0, "", 1},
			{"all", "echo 'W: Failed to fetch http://x'", 1, "W: Failed to fetch http://x\n", 1},
			{"any", "echo 'Reading'; echo 'E: broken'; exit 100", 1, "E: broken\n", 1},
			{"any", "echo 'E: Could not get lock /var/lib/apt/lists/lock' | sed s,x,x,; exit 100", 1, "", 12},
		} {
			_ = os.Remove(s.path("log"))
			script := "#!/bin/sh\necho \"apt-get $*\" >>" + s.path("log") + "\n" + tt.does + "\n"
			if err := os.WriteFile(s.path("bin/apt-get"), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
			argv := Script("apt-lists.sh", tt.must, "apt-get", "-q")
			argv[0] = s.shell
			got := s.exec(argv...)
			if got.status != tt.status || tt.said != "" && got.said != tt.said {
				t.Errorf("%s, %s: %+v", tt.must, tt.does, got)
			}
			if runs := strings.Count(s.read("log"), "apt-get -q update\n"); runs != tt.runs {
				t.Errorf("%s, %s: ran %d times, want %d", tt.must, tt.does, runs, tt.runs)
			}
		}
	})
}

func TestAptTry(t *testing.T) {
	const source = "Types: deb\nURIs: http://m\nSigned-By: \n"
	inSandbox(t, func(s sandbox) {
		// It looks at the folder that apt is given, and prints it.
		s.program("apt-get", `[ "$1 $2" = "-q update" ] || exit 9
for a; do case $a in Dir::Etc::sourceparts=*) p=${a#*=} ;; Dir::State::lists=*) [ -d "${a#*=}/partial" ] || exit 9 ;; esac; done
cat "$p/try.sources" "${p%/*}/key.asc" >`+s.root+`/seen; echo "$SAYS"`)
		s.program("apt-cache", `case "$1 $2" in "madison frr") echo " frr | 8.4.4-1 | http://m" ; echo " frr | 7.5 | http://m" ;; esac`)
		s.is(s.script("apt-try.sh", "the key\n", source, "frr", "frr-pythontools"), "frr 8.4.4-1\n")
		seen := s.read("seen")
		if !strings.Contains(seen, "URIs: http://m\nSigned-By: "+s.root+"/tmp.") || !strings.HasSuffix(seen, "/key.asc\nthe key\n") {
			t.Errorf("apt saw %q", seen)
		}
		t.Setenv("SAYS", "E: The repository is not signed.")
		s.program("apt-cache", "")
		s.is(s.script("apt-try.sh", "k", source, "frr"), "failed\nE: The repository is not signed.\n")
		t.Setenv("SAYS", "")
		s.is(s.script("apt-try.sh", "k", source, "frr"), "failed\nno package frr\n")
		entries, err := os.ReadDir(s.root)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), "tmp.") {
				t.Errorf("%s is left", e.Name())
			}
		}
	})
}

func TestDNFTry(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		s.program("dnf", `case "$*" in
*repoquery*) [ -n "$VERSIONS" ] || { printf 'Error: x:\n  - Status code: 404\n' >&2; exit 1; }; echo "$VERSIONS" ;;
*--downloadonly*) for a; do case $a in --downloaddir=*) : >"${a#*=}/frr-10.3.rpm" ;; esac; done ;;
esac`)
		s.program("rpmkeys", `case "$*" in *--checksig*) echo "x/frr-10.3.rpm: $SIG" ;; esac`)
		t.Setenv("VERSIONS", "frr 10.3-1.el8")
		t.Setenv("SIG", "digests signatures OK")
		s.is(s.script("dnf-try.sh", "no", "key", "[x]", "frr"), "frr 10.3-1.el8\n")
		if strings.Contains(s.read("log"), "downloadonly") {
			t.Error("a short trial downloads packages")
		}
		s.is(s.script("dnf-try.sh", "yes", "key", "[x]", "frr"), "frr 10.3-1.el8\n")
		t.Setenv("SIG", "digests SIGNATURES NOT OK")
		s.is(s.script("dnf-try.sh", "yes", "key", "[x]", "frr"), "failed\nfrr-10.3.rpm: digests SIGNATURES NOT OK\n")
		t.Setenv("VERSIONS", "")
		s.is(s.script("dnf-try.sh", "no", "key", "[x]", "frr"), "failed\n  - Status code: 404\n")
	})
}

func TestDpkgState(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		s.mkdir("var/lib/dpkg/updates")
		s.program("dpkg-query", "echo 'ok installed a=1'")
		s.is(s.script("dpkg-state.sh"), "")
		s.write("var/lib/dpkg/updates/0001", "")
		s.write("var/lib/dpkg/updates/0002", "")
		s.program("dpkg-query", "printf 'ok installed a=1\\nreinstreq half-installed frr=8.4\\nok unpacked b=2\\nok half-configured c=3\\nok config-files d=4\\n'")
		s.is(s.script("dpkg-state.sh"), "journal\nfrr=8.4\nconfigure\nconfigure\n")
	})
}

func TestDpkgConfigure(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		s.program("apt-get", "exit 100")
		s.program("dpkg", "exit 1") // what follows says why
		s.is(s.script("dpkg-configure.sh", "apt-get", "-q"), "")
		if got := s.read("log"); got != "apt-get -q check\ndpkg --configure -a --force-confdef --force-confold\n" {
			t.Errorf("ran %q", got)
		}
	})
}

func TestDpkgsOwnReasonIsTold(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		s.mkdir("run")
		s.program("apt-get", `echo "Unpacking frr ..."
echo "dpkg: error processing archive frr.deb (--unpack):"
echo " cannot copy: failed to write (No space left on device)"
echo "Errors were encountered"
echo "E: Sub-process dpkg returned an error code (1)" >&2; exit 100`)
		got := s.script("to-the-end.sh", "apt-get", "install")
		const want = "dpkg: error processing archive frr.deb (--unpack):\n cannot copy: failed to write (No space left on device)\nE: Sub-process dpkg returned an error code (1)\n"
		if got.status != 100 || got.said != want || got.out != "" {
			t.Errorf("got %+v", got)
		}
		s.program("apt-get", "echo much")
		s.is(s.script("to-the-end.sh", "apt-get"), "")
		if entries, err := os.ReadDir(s.path("run")); err != nil || len(entries) > 0 {
			t.Errorf("left %v, %v", entries, err)
		}
	})
}

// A run that is stopped ends its command's process group.
func TestAPackageManagerOutlivesTheRunThatStartedIt(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		s.mkdir("run")
		if err := syscall.Mkfifo(s.path("go"), 0o600); err != nil {
			t.Fatal(err)
		}
		s.program("manager", `: >`+s.root+`/began; read -r _ <`+s.root+`/go; echo much; : >`+s.root+`/ended`)
		argv := Script("to-the-end.sh", s.path("bin/manager"))
		argv[0], argv[2] = s.shell, s.inside(argv[2])
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		s.await("began")
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err == nil {
			t.Error("the run was not stopped")
		}
		if err := os.WriteFile(s.path("go"), []byte("on\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		s.await("ended")
	})
}

// await waits until a file is there.
func (s sandbox) await(name string) {
	s.t.Helper()
	for end := time.Now().Add(10 * time.Second); s.read(name) == "absent"; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("no file %s", name)
		}
	}
}
