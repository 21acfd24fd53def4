package steps

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

const summaryUp = `{"ipv4Unicast":{"peers":{"10.10.0.21":{"state":"Established"},"10.10.0.22":{"state":"Active"}}}}`

// frrHost is a Debian 12 with FRR running a configuration of ours.
func frrHost() *fakeHost {
	q := Line(append([]string{"dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Package} ${Version}\n"}, "frr", "frr-pythontools")...)
	return &fakeHost{
		files: map[string]string{
			"/etc/os-release": "ID=debian\nVERSION_ID=\"12\"\n",
			confPath:          confHeader + "\nold\n",
			daemonsPath:       "bgpd=yes\nbfdd=yes\n",
		},
		answers: map[string]string{
			q:                                       "installed frr 8.4.4-1.1~deb12u2\ninstalled frr-pythontools 8.4.4-1.1~deb12u2\n",
			"vtysh -C -f " + stagedPath:             "",
			Line(frrLook...):                        " zebra bgpd watchfrr staticd bfdd\nBuilding configuration...\n\nCurrent configuration:\n!\nold\n",
			Line(vtysh("show bgp summary json")...): summaryUp,
			Line(frrReload("--help")...):            "usage",
			settled("frr:frr") + stagedPath:         "", settled("frr:frr") + confPath: "",
			settled("frr:frr") + rollbackDir + "/running.conf": "", settled("root:root") + rollbackArmed: "",
			"backup-conf.sh " + confPath + " " + backupDir:                      "",
			"install -d -m 0700 " + rollbackDir:                                 "",
			"keep-files.sh " + rollbackDir + " " + confPath + " " + daemonsPath: "",
			"rm -f " + stagedPath:                                               "",
			"rm -f " + rollbackArmed + " " + upgradedFrom:                       "",
			"rm -f " + rolledBack:                                               "",
			frrScript + " rollback":                                             "",
			frrScript + " reload " + confPath:                                   "",
			"stop-timer.sh " + rollbackUnit:                                     "",
			timerStart:                                                          "",
		},
		status: map[string]int{},
	}
}

var timerStart = Line(startTimer()...)

// settled is the command that follows each file that is written, but for its path.
func settled(owner string) string { return "settle-file.sh " + owner + " " }

func newConf(frrVersion) ([]byte, error) { return []byte(confHeader + "\nnew\n"), nil }

// position returns where a command or written file stands in the log.
func position(t *testing.T, h *fakeHost, prefix string) int {
	t.Helper()
	i := slices.IndexFunc(h.log, func(l string) bool { return strings.HasPrefix(l, prefix) })
	if i < 0 {
		t.Fatalf("%q was not done:\n%s", prefix, strings.Join(h.log, "\n"))
	}
	return i
}

func TestFRRConfIsCheckedBackedUpAndGuardedBeforeItIsReplaced(t *testing.T) {
	h := frrHost()
	if err := (frrConf{render: newConf}).Apply(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	order := []string{"write " + stagedPath + " 640", "vtysh -C", "backup-conf.sh", "write " + rollbackArmed, timerStart, "write " + confPath + " 640"}
	for i := range order[1:] {
		if position(t, h, order[i]) > position(t, h, order[i+1]) {
			t.Errorf("%q came after %q", order[i], order[i+1])
		}
	}
	if h.files[confPath] != confHeader+"\nnew\n" {
		t.Errorf("frr.conf is %q", h.files[confPath])
	}
}

func TestFRRConfThatFRRRefusesIsNotInstalled(t *testing.T) {
	h := frrHost()
	h.status["vtysh -C -f "+stagedPath] = 2
	err := (frrConf{render: newConf}).Apply(t.Context(), h)
	if err == nil || !strings.Contains(err.Error(), "does not accept") {
		t.Errorf("got %v", err)
	}
	if h.files[confPath] != confHeader+"\nold\n" {
		t.Error("frr.conf was replaced")
	}
}

func TestFRRConfOfSomebodyElseNeedsAdopt(t *testing.T) {
	h := frrHost()
	h.files[confPath] = "router ospf\n"
	err := (frrConf{render: newConf}).Apply(t.Context(), h)
	if hint := (interface{ Hint() string })(nil); !errors.As(err, &hint) || !strings.Contains(hint.Hint(), "--adopt") {
		t.Errorf("got %v, want a hint that names --adopt", err)
	}
	if h.files[confPath] != "router ospf\n" {
		t.Error("somebody's frr.conf was replaced")
	}
	if err := (frrConf{render: newConf, Options: FRROptions{Adopt: true}}).Apply(t.Context(), h); err != nil {
		t.Errorf("with adopt: %v", err)
	}
}

func TestReloadThatFailsIsRolledBackAtOnce(t *testing.T) {
	h := frrHost()
	h.status[frrScript+" reload "+confPath] = 1
	if err := (frrRunsConf{render: newConf}).Apply(t.Context(), h); err == nil {
		t.Error("no error")
	}
	if position(t, h, timerStart) > position(t, h, frrScript+" reload") {
		t.Error("the rollback was armed after the reload")
	}
	position(t, h, frrScript+" rollback")
}

func TestConfirmedOverANewConnection(t *testing.T) {
	h := frrHost()
	up := netip.MustParseAddr("10.10.0.21")
	h.files[rollbackArmed] = `{"Peers":["10.10.0.21","10.10.0.99"]}` // .99 is no neighbor any more
	if err := (frrConfirmed{neighbors: []netip.Addr{up}}).Apply(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	if h.closed != 1 {
		t.Errorf("the connection was closed %d times, want once", h.closed)
	}
	position(t, h, "rm -f "+rollbackArmed)
}

// The operator's machine may die between any two commands.
func TestAGuardedHostIsNeverWithoutItsTimer(t *testing.T) {
	h := frrHost()
	h.files[rollbackArmed] = `{"Peers":["10.10.0.21"]}`
	if err := (rollback{}).arm(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	for _, line := range h.log {
		if strings.LastIndex(line, "systemctl stop") > strings.LastIndex(line, "systemd-run") {
			t.Errorf("after %q no timer runs", line)
		}
	}
	position(t, h, timerStart)
}

func TestLostSessionsCanBeAccepted(t *testing.T) {
	h := frrHost()
	down := netip.MustParseAddr("10.10.0.22")
	h.files[rollbackArmed] = `{"Peers":["10.10.0.22"]}`
	if err := (frrConfirmed{neighbors: []netip.Addr{down}, acceptLoss: true}).Apply(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	position(t, h, "rm -f "+rollbackArmed)
}

// An FRR that does not run has nothing to go back to.
func TestNothingIsArmedForAnFRRThatIsDown(t *testing.T) {
	h := frrHost()
	h.status[Line(frrLook...)] = 1
	if err := (rollback{}).arm(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	if _, ok := h.files[rollbackArmed]; ok {
		t.Error("a rollback was armed")
	}
}

// What frr-reload.py says counts for nothing if FRR runs what it should.
func TestReloadIsJudgedByWhatRuns(t *testing.T) {
	h := frrHost()
	h.status[frrScript+" reload "+confPath] = 1
	h.answers[Line(frrLook...)] = " zebra bgpd\nnew\n"
	if err := (frrRunsConf{render: newConf}).Apply(t.Context(), h); err != nil {
		t.Errorf("got %v", err)
	}
	if slices.Contains(h.log, frrScript+" rollback") {
		t.Error("rolled back")
	}
}

// frr-reload.py of FRR 7.5 says that all is well and leaves BFD's old times: only
// a restart takes them back. Of anything else that is left nothing is restarted.
func TestOldBFDTimesNeedARestart(t *testing.T) {
	for left, restarts := range map[string]bool{
		"bfd\n profile IPFABRIC\n  transmit-interval 500\n": true,
		"bfd\n profile IPFABRIC\n!\nold\n":                  false,
	} {
		h := frrHost()
		h.answers[Line(frrLook...)] = " zebra bgpd\nnew\n" + left
		h.answers["systemctl reset-failed frr.service"], h.answers["systemctl restart frr.service"] = "", ""
		if err := (frrRunsConf{render: newConf}).Apply(t.Context(), h); err != nil {
			t.Errorf("%q: %v", left, err)
		}
		reloads := 0
		for _, line := range h.log {
			if line == frrScript+" reload "+confPath {
				reloads++
			}
		}
		if got := slices.Contains(h.log, "systemctl restart frr.service"); reloads != 2 || got != restarts {
			t.Errorf("%q: reloaded %d times, restarted: %v", left, reloads, got)
		}
	}
}

func TestNothingIsTouchedWhereReloadCannotRun(t *testing.T) {
	h := frrHost()
	h.status[Line(frrReload("--help")...)] = 127
	err := (frrConf{render: newConf}).Apply(t.Context(), h)
	if err == nil || h.files[confPath] != confHeader+"\nold\n" {
		t.Errorf("got %v, frr.conf is %q", err, h.files[confPath])
	}
}

// A change that ends all sessions is refused before anything is touched.
func TestANewPasswordNeedsLeave(t *testing.T) {
	const old = confHeader + "\nrouter bgp 65000\n neighbor NODE4 password one\n"
	render := func(frrVersion) ([]byte, error) {
		return []byte(strings.ReplaceAll(old, "one", "two") + " neighbor CORE4 password two\n"), nil
	}
	h := frrHost()
	h.files[confPath] = old
	err := (frrConf{render: render}).Apply(t.Context(), h)
	if hint := (interface{ Hint() string })(nil); !errors.As(err, &hint) || !strings.Contains(hint.Hint(), "--accept-session-loss") {
		t.Errorf("got %v", err)
	}
	if h.files[confPath] != old {
		t.Error("frr.conf was replaced")
	}
	if err := (frrConf{render: render, Options: FRROptions{AcceptSessionLoss: true}}).Apply(t.Context(), h); err != nil {
		t.Errorf("with leave: %v", err)
	}
}

// A peer group more is no new password.
func TestSessionKeys(t *testing.T) {
	a := sessionKeys([]byte("router bgp 65000\n neighbor NODE4 password x\n"))
	b := sessionKeys([]byte("router bgp 65000\n neighbor CORE4 password x\n neighbor NODE4 password x\n"))
	if !slices.Equal(a, b) {
		t.Errorf("%q and %q differ", a, b)
	}
}

// What could not be reloaded in the end is told before anything is changed.
func TestAReloadThatCannotWorkIsToldFirst(t *testing.T) {
	h := frrHost()
	there := "present-files.sh /usr/lib/frr/frr-reload.py /usr/libexec/frr/frr-reload.py"
	h.answers[there] = "/usr/lib/frr/frr-reload.py\n"
	s := frrRunsConf{render: newConf}
	if diff, err := s.Check(t.Context(), h); err != nil || len(diff) == 0 {
		t.Errorf("got %v, %v", diff, err)
	}
	h.status[Line(frrReload("--help")...)] = 127
	const want = "frr-reload.py does not run, so FRR's configuration cannot be changed: `frr-reload.py --help` ended with status 127"
	if _, err := s.Check(t.Context(), h); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	h.answers[there] = "" // it comes with FRR's packages
	if diff, err := s.Check(t.Context(), h); err != nil || len(diff) == 0 {
		t.Errorf("without frr-reload.py: %v, %v", diff, err)
	}
}
