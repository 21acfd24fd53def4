package assets

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

func TestStartTimer(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		s.program("systemctl", "exit 5") // there is no such timer yet
		s.program("systemd-run", "")
		s.write("armed", "{}")
		s.is(s.script("start-timer.sh", "u", "180", "/x/config", s.path("armed")), "")
		const want = "systemctl stop u.timer\nsystemctl reset-failed u.timer u.service\n" +
			"systemd-run --quiet --unit=u --on-active=180 --timer-property=AccuracySec=1s --property=Restart=on-failure --property=RestartSec=10 /x/config rollback\n"
		if got := s.read("log"); got != want {
			t.Errorf("ran\n%swant\n%s", got, want)
		}
		if got := s.script("start-timer.sh", "u", "180", "/x/config", s.path("gone")); got.status != 1 || !strings.Contains(got.said, "put the old configuration back just now") {
			t.Errorf("nothing is armed any more: %+v", got)
		}
		s.program("systemd-run", "exit 4")
		if got := s.script("start-timer.sh", "u", "180", "/x/config", s.path("armed")); got.status != 4 {
			t.Errorf("no timer: %+v", got)
		}
	})
}

func TestStopTimer(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		s.program("systemctl", "exit 5")
		s.is(s.script("stop-timer.sh", "u"), "")
		if got := s.read("log"); got != "systemctl stop u.timer\nsystemctl reset-failed u.timer u.service\n" {
			t.Errorf("ran %q", got)
		}
	})
}

// A real process whose program was replaced.
func TestStaleDaemons(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		sleep, err := exec.LookPath("sleep")
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(sleep)
		if err != nil {
			t.Fatal(err)
		}
		var pids []string
		for _, name := range []string{"bgpd", "zebra"} {
			if err := os.WriteFile(s.path(name), data, 0o755); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(s.path(name), "600")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
			pids = append(pids, strconv.Itoa(cmd.Process.Pid))
		}
		s.program("pidof", "echo "+strings.Join(pids, " ")+" 999999999")
		argv := Script("stale-daemons.sh") // with the real /proc
		argv[0] = s.shell
		s.is(s.exec(argv...), "")
		if err := os.Remove(s.path("bgpd")); err != nil {
			t.Fatal(err)
		}
		s.is(s.exec(argv...), "bgpd\n")
		if got := s.read("log"); !strings.Contains(got, "pidof watchfrr zebra bgpd bfdd staticd mgmtd\n") {
			t.Errorf("ran %q", got)
		}
	})
}

func TestFirewalldState(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		s.program("systemctl", "exit 3")
		s.is(s.script("firewalld-state.sh", "p", "s"), "off\n")
		s.program("systemctl", "")
		// As firewalld's D-Bus interface is documented.
		s.program("busctl", `o="org.fedoraproject.FirewallD1 /org/fedoraproject/FirewallD1 org.fedoraproject.FirewallD1"
case "$*" in
"get-property $o version") echo 's "0.9.3"' ;;
"get-property $o IPSetTypes") echo "as 2 $TYPES" ;;
"call $o.policy getPolicySettings s p") echo 'a{sv} 1 "priority" i -50' ;;
"call $o.ipset getEntries s s4") echo 'as 1 "10.10.0.1"' ;;
*) echo "Call failed: INVALID_POLICY" >&2; exit 1 ;;
esac`)
		t.Setenv("TYPES", `"hash:ip" "hash:net"`)
		s.is(s.script("firewalld-state.sh", "p q", "s4 s6"), "version 0.9.3\npolicy p a{sv} 1 \"priority\" i -50\npolicy q none\nset s4 as 1 \"10.10.0.1\"\nset s6 none\n")
		t.Setenv("TYPES", `"hash:mac"`)
		s.is(s.script("firewalld-state.sh", "", ""), "version 0.9.3\nno sets\n")
	})
}

func TestBIRDState(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		s.program("birdc", `echo "said $*"`)
		s.is(s.script("bird-state.sh"), "said -r show status\nsaid -r show protocols all\n")
	})
}

func TestRoutesTo(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		s.program("ip", `echo "$*"`)
		s.is(s.script("routes-to.sh", "10.0.0.1", "fd00::1"), "-o route get 10.0.0.1\n-o route get fd00::1\n")
	})
}

func TestFRRReloadIsInOneOfTwoFolders(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		if got := s.script("frr-reload.sh", "--help"); got.status != 127 {
			t.Errorf("got %+v", got)
		}
		s.program("usr/libexec/frr/frr-reload.py", `echo "$*"`)
		s.is(s.script("frr-reload.sh", "--test", "a b"), "--test a b\n")
	})
}

func TestZebraVersion(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		s.program("zebra", `echo "of the path: $*"`)
		s.is(s.script("zebra-version.sh"), "of the path: --version\n")
		s.program("usr/lib/frr/zebra", `echo "of the package: $*"`)
		s.is(s.script("zebra-version.sh"), "of the package: --version\n")
	})
}
