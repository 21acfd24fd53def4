package assets

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// frrHost is a host whose frr-config.sh is run. Its frr-reload.py keeps the file
// that it is given in "loaded".
func frrHost(s sandbox) {
	s.write("config", s.inside(string(File("node/frr-config.sh"))))
	s.mkdir("run")
	s.mkdir("var/lib/ipfabric/rollback")
	s.write("proc/sys/net/ipv4/ip_forward", "1\n")
	s.write("proc/sys/net/ipv6/conf/all/forwarding", "0\n")
	s.write("etc/frr/frr.conf", "new\n")
	s.program("systemctl", "")
	s.program("vtysh", `case $1 in -c) cat `+s.root+`/running ;; -f) cat "$2" >`+s.root+`/sent ;; esac`)
	s.program("usr/lib/frr/frr-reload.py", `for f; do :; done
cat "$f" >`+s.root+`/loaded
for a; do [ "$last" != --rundir ] || rundir=$a; last=$a; done
: >"$rundir/reload-ABC.txt"
ls -ld "$rundir" "$rundir/reload-ABC.txt" "$f" | cut -c1-10 >`+s.root+`/modes
echo "INFO: neighbor RR4 password hunter2"; echo "% refused" ; exit ${RELOAD:-0}`)
	s.write("running", "")
}

func (s sandbox) config(args ...string) ran {
	s.t.Helper()
	return s.exec(append([]string{s.shell, s.path("config")}, args...)...)
}

// armed is a host with a change that waits for its confirmation.
func armedHost(s sandbox) {
	frrHost(s)
	const rb = "var/lib/ipfabric/rollback/"
	s.write(rb+"armed", `{"Since":"2026-03-01T10:00:00.5Z"}`)
	s.write(rb+"running.conf", "old running\n")
	s.write(rb+"frr.conf", "old\n")
	s.write(rb+"daemons", "bgpd=no\n")
	s.write("etc/frr/frr.conf.ipfabric-rollback", "old\n")
	s.write("etc/frr/daemons.ipfabric-rollback", "bgpd=no\n")
	s.write("etc/frr/daemons", "bgpd=yes\n")
}

func (s sandbox) files(folder string) string {
	s.t.Helper()
	entries, err := os.ReadDir(s.path(folder))
	if err != nil {
		s.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func TestReloadLeavesNothingAndTellsNoPassword(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		frrHost(s)
		got := s.config("reload", s.path("etc/frr/frr.conf"))
		if got.status != 0 || strings.Contains(got.out+got.said, "hunter2") || !strings.Contains(got.out, "password ******") {
			t.Errorf("got %+v", got)
		}
		// zebra shows what it is not to be told to change.
		if got := s.read("loaded"); got != "new\nno ipv6 forwarding\n" {
			t.Errorf("loaded %q", got)
		}
		// What frr-reload.py writes holds the password.
		if got := s.read("modes"); got != "drwx------\n-rw-------\n-rw-------\n" {
			t.Errorf("other users may read\n%s", got)
		}
		if left := s.files("run"); left != "" {
			t.Errorf("left %s", left)
		}
	})
}

func TestReloadOfAFileThatIsNotThere(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		frrHost(s)
		if got := s.config("reload", s.path("gone")); got.status == 0 || s.read("loaded") != "absent" {
			t.Errorf("got %+v, loaded %q", got, s.read("loaded"))
		}
		if left := s.files("run"); left != "" {
			t.Errorf("left %s, which may hold the password", left)
		}
	})
}

func TestReloadIsTriedThreeTimes(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		frrHost(s)
		t.Setenv("RELOAD", "1")
		got := s.config("reload", s.path("etc/frr/frr.conf"))
		if got.status != 1 || !strings.Contains(got.said, "% refused") || strings.Contains(got.said, "hunter2") {
			t.Errorf("got %+v", got)
		}
		if n := strings.Count(s.read("log"), "frr-reload.py "); n != 3 {
			t.Errorf("tried %d times", n)
		}
	})
}

// Every user of a host can read the arguments of its processes.
func TestPasswordsAreOnNoCommandLine(t *testing.T) {
	const head = "router bgp 65000\n neighbor RR4 peer-group\n"
	for name, tt := range map[string]struct{ running, want, sent string }{
		"the same":  {head + " neighbor RR4 password old\n", head + " neighbor RR4 password old\n", "absent"},
		"changed":   {head + " neighbor RR4 password old\n", head + " neighbor RR4 password new\n", "router bgp 65000\n neighbor RR4 password new\n"},
		"removed":   {head + " neighbor RR4 password old\n neighbor RR6 password old\n", head, "router bgp 65000\n no neighbor RR4 password\n no neighbor RR6 password\n"},
		"new":       {head, head + " neighbor RR4 password new\n", "absent"}, // frr-reload.py puts it into a file
		"no BGP":    {"hostname x\n", head + " neighbor RR4 password new\n", "absent"},
		"other AS":  {"router bgp 65001\n neighbor RR4 password old\n", head + " neighbor RR4 password new\n", "router bgp 65001\n no neighbor RR4 password\n"},
		"elsewhere": {head + "!\nroute-map X\n neighbor RR4 password old\n", head, "absent"},
	} {
		t.Run(name, func(t *testing.T) {
			inSandbox(t, func(s sandbox) {
				frrHost(s)
				s.write("running", tt.running)
				s.write("etc/frr/frr.conf", tt.want)
				if got := s.config("reload", s.path("etc/frr/frr.conf")); got.status != 0 {
					t.Errorf("got %+v", got)
				}
				if got := s.read("sent"); got != tt.sent {
					t.Errorf("sent %q, want %q", got, tt.sent)
				}
				if log := s.read("log"); strings.Contains(log, "password old") || strings.Contains(log, "password new") {
					t.Errorf("on a command line: %s", log)
				}
			})
		})
	}
}

func TestConfirmTakesAwayWhatWasArmed(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		armedHost(s)
		if got := s.config("confirm", "2026-03-01T09:00:00Z"); got.status != 3 || s.read("var/lib/ipfabric/rollback/armed") == "absent" {
			t.Errorf("another run's change is confirmed: %+v", got)
		}
		s.is(s.config("confirm", "2026-03-01T10:00:00.5Z"), "")
		if got := s.files("var/lib/ipfabric/rollback"); got != "daemons frr.conf running.conf" {
			t.Errorf("left %s", got)
		}
		if got := s.files("etc/frr"); got != "daemons frr.conf" || s.read("etc/frr/frr.conf") != "new\n" {
			t.Errorf("left %s", got)
		}
		if got := s.read("log"); !strings.Contains(got, "systemctl stop ipfabric-rollback.timer\n") {
			t.Errorf("ran %q", got)
		}
		if got := s.config("confirm", "2026-03-01T10:00:00.5Z"); got.status != 3 {
			t.Errorf("what is not armed is confirmed: %+v", got)
		}
	})
}

func TestRollback(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		armedHost(s)
		if got := s.config("rollback"); got.status != 0 {
			t.Errorf("got %+v", got)
		}
		for name, want := range map[string]string{"etc/frr/frr.conf": "old\n", "etc/frr/daemons": "bgpd=no\n", "loaded": "old running\nno ipv6 forwarding\n"} {
			if got := s.read(name); got != want {
				t.Errorf("%s is %q", name, got)
			}
		}
		if got := s.files("var/lib/ipfabric/rollback"); got != "daemons frr.conf rolled-back running.conf" {
			t.Errorf("left %s", got)
		}
		if strings.Contains(s.read("log"), "systemctl restart") {
			t.Error("FRR was restarted, though the reload was enough")
		}
		s.write("etc/frr/frr.conf", "newer\n")
		s.is(s.config("rollback"), "") // a timer that comes late
		if got := s.read("etc/frr/frr.conf"); got != "newer\n" {
			t.Errorf("a confirmed change is rolled back: %q", got)
		}
	})
}

func TestRollbackRestartsAnFRRThatCannotBeReloaded(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		armedHost(s)
		t.Setenv("RELOAD", "1")
		if got := s.config("rollback"); got.status != 0 || !strings.Contains(s.read("log"), "systemctl restart frr.service\n") {
			t.Errorf("got %+v, %s", got, s.read("log"))
		}
	})
}

// A rollback is a rename where the disk is full; where even that fails it says
// so, is not called done, and is done when it is tried again.
func TestRollbackOnAFullDisk(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		armedHost(s)
		s.program("cp", `case $* in *etc/frr/*.conf.ipfabric*|*etc/frr/daemons.ipfabric*) echo "No space left on device" >&2; exit 1 ;; esac; exec /bin/cp "$@"`)
		if got := s.config("rollback"); got.status != 0 || s.read("etc/frr/frr.conf") != "old\n" {
			t.Errorf("got %+v, frr.conf is %q", got, s.read("etc/frr/frr.conf"))
		}

		armedHost(s)
		s.write("etc/frr/frr.conf", "new\n")
		_ = os.Remove(s.path("var/lib/ipfabric/rollback/rolled-back"))
		for _, f := range []string{"frr.conf", "daemons"} { // of an older ipfabric
			if err := os.Remove(s.path("etc/frr/" + f + ".ipfabric-rollback")); err != nil {
				t.Fatal(err)
			}
		}
		t.Setenv("RELOAD", "1")
		got := s.config("rollback")
		if got.status == 0 || !strings.Contains(got.said, "could not be put back: is there no room in") {
			t.Errorf("got %+v", got)
		}
		if strings.Contains(s.read("log"), "systemctl restart") {
			t.Error("FRR was restarted with the new configuration")
		}
		if left := s.files("var/lib/ipfabric/rollback"); !strings.Contains(left, "restoring") || strings.Contains(left, "rolled-back") || strings.Contains(left, "armed") {
			t.Errorf("left %s", left)
		}
		if parts, err := filepath.Glob(s.path("etc/frr/*ipfabric*")); err != nil || len(parts) > 0 {
			t.Errorf("left %s, %v", parts, err)
		}
		if err := os.Remove(s.path("bin/cp")); err != nil { // there is room
			t.Fatal(err)
		}
		t.Setenv("RELOAD", "0")
		if got := s.config("rollback"); got.status != 0 || s.read("etc/frr/frr.conf") != "old\n" || s.read("etc/frr/daemons") != "bgpd=no\n" {
			t.Errorf("again: %+v", got)
		}
		if left := s.files("var/lib/ipfabric/rollback"); !strings.Contains(left, "rolled-back") || strings.Contains(left, "restoring") {
			t.Errorf("left %s", left)
		}
	})
}

func TestConfigSaysHowItIsUsed(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		frrHost(s)
		got := s.config()
		if got.status != 64 || slices.ContainsFunc([]string{"reload FILE", "confirm SINCE", "rollback"}, func(w string) bool { return !strings.Contains(got.said, w) }) {
			t.Errorf("got %+v", got)
		}
	})
}

// libvirt takes the exit status for leave, and what is printed for a domain.
func TestLibvirtsHookSaysNothing(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		s.write("hook", strings.ReplaceAll(string(File("hooks/qemu")), "/usr/local/bin/", s.path("bin")+"/"))
		s.program("ipfabric-agent", "echo much; exit 1")
		s.is(s.exec(s.shell, s.path("hook"), "web", "started", "begin", "-"), "")
		if got := s.read("log"); got != "ipfabric-agent hook libvirt -- web started begin -\n" {
			t.Errorf("ran %q", got)
		}
	})
}
