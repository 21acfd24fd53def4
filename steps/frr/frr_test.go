package frr

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"ipfabric/steps/bgp"
	"ipfabric/steps/frr/conf"
	"ipfabric/steps/step/steptest"
)

const summaryUp = `{"ipv4Unicast":{"peers":{"10.10.0.21":{"state":"Established"},"10.10.0.22":{"state":"Active"}}}}`

// FrrHost is a Debian 12 with FRR running a configuration of ours.
func FrrHost() *steptest.Host {
	q := steptest.Line(append([]string{"dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Package} ${Version}\n"}, "frr", "frr-pythontools")...)
	return &steptest.Host{
		Files: map[string]string{
			"/etc/os-release": "ID=debian\nVERSION_ID=\"12\"\n",
			confPath:          conf.Header + "\nold\n",
			daemonsPath:       "bgpd=yes\nbfdd=yes\n",
		},
		Answers: map[string]string{
			q:                              "installed frr 8.4.4-1.1~deb12u2\ninstalled frr-pythontools 8.4.4-1.1~deb12u2\n",
			"vtysh -C -f " + stagedPath:    "",
			steptest.Line(lookQuestion...): " zebra bgpd watchfrr staticd bfdd\nBuilding configuration...\n\nCurrent configuration:\n!\nold\n",
			steptest.Line(bgp.Vtysh("show bgp summary json")...): summaryUp,
			steptest.Line(reloadCommand("--help")...):            "usage",
			steptest.Settled("frr:frr") + stagedPath:             "", steptest.Settled("frr:frr") + confPath: "",
			steptest.Settled("frr:frr") + rollbackDir + "/running.conf": "", steptest.Settled("root:root") + rollbackArmed: "",
			"backup-conf.sh " + confPath + " " + backupDir:                      "",
			"install -d -m 0700 " + rollbackDir:                                 "",
			"keep-files.sh " + rollbackDir + " " + confPath + " " + daemonsPath: "",
			"rm -f " + stagedPath:                                               "",
			"rm -f " + rollbackArmed + " " + upgradedFrom:                       "",
			"rm -f " + rolledBack:                                               "",
			scriptPath + " rollback":                                            "",
			scriptPath + " reload " + confPath:                                  "",
			"stop-timer.sh " + rollbackUnit:                                     "",
			timerStart:                                                          "",
		},
		Status: map[string]int{},
	}
}

var timerStart = steptest.Line(startTimer()...)

func newConf(conf.Version) ([]byte, error) { return []byte(conf.Header + "\nnew\n"), nil }

func TestFRRConfIsCheckedBackedUpAndGuardedBeforeItIsReplaced(t *testing.T) {
	h := FrrHost()
	if err := (confFileCurrent{render: newConf}).Apply(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	order := []string{"write " + stagedPath + " 640", "vtysh -C", "backup-conf.sh", "write " + rollbackArmed, timerStart, "write " + confPath + " 640"}
	for i := range order[1:] {
		if steptest.Position(t, h, order[i]) > steptest.Position(t, h, order[i+1]) {
			t.Errorf("%q came after %q", order[i], order[i+1])
		}
	}
	if h.Files[confPath] != conf.Header+"\nnew\n" {
		t.Errorf("frr.conf is %q", h.Files[confPath])
	}
}

func TestFRRConfThatFRRRefusesIsNotInstalled(t *testing.T) {
	h := FrrHost()
	h.Status["vtysh -C -f "+stagedPath] = 2
	err := (confFileCurrent{render: newConf}).Apply(t.Context(), h)
	if err == nil || !strings.Contains(err.Error(), "does not accept") {
		t.Errorf("got %v", err)
	}
	if h.Files[confPath] != conf.Header+"\nold\n" {
		t.Error("frr.conf was replaced")
	}
}

func TestFRRConfOfSomebodyElseNeedsAdopt(t *testing.T) {
	h := FrrHost()
	h.Files[confPath] = "router ospf\n"
	err := (confFileCurrent{render: newConf}).Apply(t.Context(), h)
	if hint := (interface{ Hint() string })(nil); !errors.As(err, &hint) || !strings.Contains(hint.Hint(), "--adopt") {
		t.Errorf("got %v, want a hint that names --adopt", err)
	}
	if h.Files[confPath] != "router ospf\n" {
		t.Error("somebody's frr.conf was replaced")
	}
	if err := (confFileCurrent{render: newConf, Options: Options{Adopt: true}}).Apply(t.Context(), h); err != nil {
		t.Errorf("with adopt: %v", err)
	}
}

func TestReloadThatFailsIsRolledBackAtOnce(t *testing.T) {
	h := FrrHost()
	h.Status[scriptPath+" reload "+confPath] = 1
	if err := (runsConf{render: newConf}).Apply(t.Context(), h); err == nil {
		t.Error("no error")
	}
	if steptest.Position(t, h, timerStart) > steptest.Position(t, h, scriptPath+" reload") {
		t.Error("the rollback was armed after the reload")
	}
	steptest.Position(t, h, scriptPath+" rollback")
}

func TestConfirmedOverANewConnection(t *testing.T) {
	h := FrrHost()
	up := netip.MustParseAddr("10.10.0.21")
	h.Files[rollbackArmed] = `{"Peers":["10.10.0.21","10.10.0.99"]}` // .99 is no neighbor any more
	if err := (confirmed{neighbors: []netip.Addr{up}}).Apply(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	if h.Closed != 1 {
		t.Errorf("the connection was closed %d times, want once", h.Closed)
	}
	steptest.Position(t, h, "rm -f "+rollbackArmed)
}

// The operator's machine may die between any two commands.
func TestAGuardedHostIsNeverWithoutItsTimer(t *testing.T) {
	h := FrrHost()
	h.Files[rollbackArmed] = `{"Peers":["10.10.0.21"]}`
	if err := (rollback{}).arm(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	for _, line := range h.Log {
		if strings.LastIndex(line, "systemctl stop") > strings.LastIndex(line, "systemd-run") {
			t.Errorf("after %q no timer runs", line)
		}
	}
	steptest.Position(t, h, timerStart)
}

func TestLostSessionsCanBeAccepted(t *testing.T) {
	h := FrrHost()
	down := netip.MustParseAddr("10.10.0.22")
	h.Files[rollbackArmed] = `{"Peers":["10.10.0.22"]}`
	if err := (confirmed{neighbors: []netip.Addr{down}, acceptLoss: true}).Apply(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	steptest.Position(t, h, "rm -f "+rollbackArmed)
}

// An FRR that does not run has nothing to go back to.
func TestNothingIsArmedForAnFRRThatIsDown(t *testing.T) {
	h := FrrHost()
	h.Status[steptest.Line(lookQuestion...)] = 1
	if err := (rollback{}).arm(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	if _, ok := h.Files[rollbackArmed]; ok {
		t.Error("a rollback was armed")
	}
}

// What frr-reload.py says counts for nothing if FRR runs what it should.
func TestReloadIsJudgedByWhatRuns(t *testing.T) {
	h := FrrHost()
	h.Status[scriptPath+" reload "+confPath] = 1
	h.Answers[steptest.Line(lookQuestion...)] = " zebra bgpd\nnew\n"
	if err := (runsConf{render: newConf}).Apply(t.Context(), h); err != nil {
		t.Errorf("got %v", err)
	}
	if slices.Contains(h.Log, scriptPath+" rollback") {
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
		h := FrrHost()
		h.Answers[steptest.Line(lookQuestion...)] = " zebra bgpd\nnew\n" + left
		h.Answers["systemctl reset-failed frr.service"], h.Answers["systemctl restart frr.service"] = "", ""
		if err := (runsConf{render: newConf}).Apply(t.Context(), h); err != nil {
			t.Errorf("%q: %v", left, err)
		}
		reloads := 0
		for _, line := range h.Log {
			if line == scriptPath+" reload "+confPath {
				reloads++
			}
		}
		if got := slices.Contains(h.Log, "systemctl restart frr.service"); reloads != 2 || got != restarts {
			t.Errorf("%q: reloaded %d times, restarted: %v", left, reloads, got)
		}
	}
}

func TestNothingIsTouchedWhereReloadCannotRun(t *testing.T) {
	h := FrrHost()
	h.Status[steptest.Line(reloadCommand("--help")...)] = 127
	err := (confFileCurrent{render: newConf}).Apply(t.Context(), h)
	if err == nil || h.Files[confPath] != conf.Header+"\nold\n" {
		t.Errorf("got %v, frr.conf is %q", err, h.Files[confPath])
	}
}

// A change that ends all sessions is refused before anything is touched.
func TestANewPasswordNeedsLeave(t *testing.T) {
	const old = conf.Header + "\nrouter bgp 65000\n neighbor NODE4 password one\n"
	render := func(conf.Version) ([]byte, error) {
		return []byte(strings.ReplaceAll(old, "one", "two") + " neighbor CORE4 password two\n"), nil
	}
	h := FrrHost()
	h.Files[confPath] = old
	err := (confFileCurrent{render: render}).Apply(t.Context(), h)
	if hint := (interface{ Hint() string })(nil); !errors.As(err, &hint) || !strings.Contains(hint.Hint(), "--accept-session-loss") {
		t.Errorf("got %v", err)
	}
	if h.Files[confPath] != old {
		t.Error("frr.conf was replaced")
	}
	if err := (confFileCurrent{render: render, Options: Options{AcceptSessionLoss: true}}).Apply(t.Context(), h); err != nil {
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
	h := FrrHost()
	there := "present-files.sh /usr/lib/frr/frr-reload.py /usr/libexec/frr/frr-reload.py"
	h.Answers[there] = "/usr/lib/frr/frr-reload.py\n"
	s := runsConf{render: newConf}
	if diff, err := s.Check(t.Context(), h); err != nil || len(diff) == 0 {
		t.Errorf("got %v, %v", diff, err)
	}
	h.Status[steptest.Line(reloadCommand("--help")...)] = 127
	const want = "frr-reload.py does not run, so FRR's configuration cannot be changed: `frr-reload.py --help` ended with status 127"
	if _, err := s.Check(t.Context(), h); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	h.Answers[there] = "" // it comes with FRR's packages
	if diff, err := s.Check(t.Context(), h); err != nil || len(diff) == 0 {
		t.Errorf("without frr-reload.py: %v, %v", diff, err)
	}
}
