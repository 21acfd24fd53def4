package frr

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"ipfabric/steps/frr/conf"
	"ipfabric/steps/step/steptest"
)

func TestFRRConfIsCheckedBackedUpAndGuardedBeforeItIsReplaced(t *testing.T) {
	h := frrHost()
	if err := guard(confFileCurrent{render: newConf}).Apply(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	order := []string{
		"write /etc/frr/frr.conf.ipfabric-staged 640", tryStaged, "rm -f /etc/frr/frr.conf.ipfabric-staged",
		"backup-conf.sh /etc/frr/frr.conf /var/lib/ipfabric/backup", keepCopies,
		"write /var/lib/ipfabric/rollback/armed 600", armTimer, "write /etc/frr/frr.conf 640",
	}
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
	h := frrHost()
	h.Status[tryStaged] = 2
	err := guard(confFileCurrent{render: newConf}).Apply(t.Context(), h)
	if err == nil || !strings.Contains(err.Error(), "does not accept") {
		t.Errorf("got %v", err)
	}
	if h.Files[confPath] != conf.Header+"\nold\n" {
		t.Error("frr.conf was replaced")
	}
	if slices.Contains(h.Log, armTimer) {
		t.Error("a rollback was armed, though there is nothing to roll back")
	}
}

func TestFRRConfOfSomebodyElseNeedsAdopt(t *testing.T) {
	h := frrHost()
	h.Files[confPath] = "router ospf\n"
	h.Answers["stat-files.sh /etc/frr/frr.conf"] = "640 frr:frr 0\n"
	for adopt, want := range map[bool]string{false: "ipfabric (needs --adopt)", true: "ipfabric"} {
		diff, err := (confFileCurrent{render: newConf, options: Options{Adopt: adopt}}).Check(t.Context(), h)
		if err != nil || len(diff) != 2 || diff[1].Item != ConfAuthor || diff[1].Want != want {
			t.Errorf("adopt %v: got %v, %v", adopt, diff, err)
		}
	}
	err := guard(confFileCurrent{render: newConf}).Apply(t.Context(), h)
	if !strings.Contains(hintOf(err), "--adopt") {
		t.Errorf("got %v, want a hint that names --adopt", err)
	}
	if h.Files[confPath] != "router ospf\n" {
		t.Error("somebody's frr.conf was replaced")
	}
	if err := guard(confFileCurrent{render: newConf, options: Options{Adopt: true}}).Apply(t.Context(), h); err != nil {
		t.Errorf("with adopt: %v", err)
	}
	if h.Files[confPath] != conf.Header+"\nnew\n" {
		t.Error("with adopt frr.conf was not replaced")
	}
}

func TestNothingIsTouchedWhereReloadCannotRun(t *testing.T) {
	h := frrHost()
	h.Status[runsReload] = 127
	err := guard(confFileCurrent{render: newConf}).Apply(t.Context(), h)
	if err == nil || h.Files[confPath] != conf.Header+"\nold\n" {
		t.Errorf("got %v, frr.conf is %q", err, h.Files[confPath])
	}
}

// A change that ends all sessions is refused before anything is touched, and
// is not called rolled back.
func TestANewPasswordNeedsLeave(t *testing.T) {
	const old = conf.Header + "\nrouter bgp 65000\n neighbor NODE4 password one\n"
	render := func(conf.Version) ([]byte, error) {
		return []byte(strings.ReplaceAll(old, "one", "two") + " neighbor CORE4 password two\n"), nil
	}
	h := frrHost()
	h.Files[confPath] = old
	err := guard(confFileCurrent{render: render}).Apply(t.Context(), h)
	var refused interface{ Refused() bool }
	if !errors.As(err, &refused) || !refused.Refused() || wasRolledBack(err) {
		t.Errorf("refused and not rolled back: got %v", err)
	}
	if !strings.Contains(hintOf(err), "--accept-session-loss") || !strings.Contains(err.Error(), "ends the sessions with 1 neighbors") {
		t.Errorf("got %v", err)
	}
	if h.Files[confPath] != old || slices.Contains(h.Log, armTimer) {
		t.Error("something was changed")
	}
	// The plan says so before anybody agrees to it.
	h.Answers["stat-files.sh /etc/frr/frr.conf"] = "640 frr:frr 0\n"
	diff, err := confFileCurrent{render: render}.Check(t.Context(), h)
	if last := diff[len(diff)-1]; err != nil || !strings.Contains(last.Want, "(needs --accept-session-loss)") || last.Have != "1 Established" {
		t.Errorf("the plan says %s, %v", diff, err)
	}
	diff, err = confFileCurrent{render: render, options: Options{AcceptSessionLoss: true}}.Check(t.Context(), h)
	if err != nil || strings.Contains(diff.String(), "needs") {
		t.Errorf("with leave the plan says %s, %v", diff, err)
	}
	if err := guard(confFileCurrent{render: render, options: Options{AcceptSessionLoss: true}}).Apply(t.Context(), h); err != nil {
		t.Errorf("with leave: %v", err)
	}
	// Where no session is up none is lost.
	h = frrHost()
	h.Files[confPath] = old
	h.Answers[askSummary] = `{"ipv4Unicast":{"peers":{"10.10.0.22":{"state":"Active"}}}}`
	if err := guard(confFileCurrent{render: render}).Apply(t.Context(), h); err != nil {
		t.Errorf("without sessions: %v", err)
	}
}

// A peer group more is no new password.
func TestSessionKeys(t *testing.T) {
	const old = "router bgp 65000\n neighbor NODE4 password x\n"
	for text, same := range map[string]bool{
		"router bgp 65000\n neighbor CORE4 password x\n neighbor NODE4 password x\n": true,
		"router bgp 65000\n neighbor NODE4 password y\n":                             false,
		"router bgp 65001\n neighbor NODE4 password x\n":                             false,
		"router bgp 65000\n": false,
	} {
		if got := slices.Equal(sessionKeys([]byte(old)), sessionKeys([]byte(text))); got != same {
			t.Errorf("%q has the same keys: %v", text, got)
		}
	}
}

// An ipfabric whose first line of frr.conf reads otherwise changes a comment: FRR
// goes on as it is.
func TestANewFirstLineNeedsNoReload(t *testing.T) {
	h := frrHost()
	h.Files[confPath] = "! Written by ipfabric: changes made here are overwritten. Put lines of your own into frr.extra of the inventory.\nold\n"
	render := func(conf.Version) ([]byte, error) { return []byte(conf.Header + "\nold\n"), nil }
	if err := guard(confFileCurrent{render: render}).Apply(t.Context(), h); err != nil {
		t.Fatalf("ipfabric's own file is taken for somebody else's: %v", err)
	}
	if diff, err := (runsConf{render: render}).Check(t.Context(), h); err != nil || len(diff) > 0 {
		t.Errorf("FRR is to be reloaded: %v, %v", diff, err)
	}
}
