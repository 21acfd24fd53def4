package engine

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"ipfabric/inventory/vm"
)

// sessionsUp are the node's sessions, each for some seconds; -1 is down.
func sessionsUp(seconds ...int64) func(context.Context) ([]vm.Session, error) {
	var out []vm.Session
	for _, s := range seconds {
		x := vm.Session{Family: "ipv4-unicast", State: "Active"}
		if s >= 0 {
			x.State, x.Established, x.UptimeSec = "Established", true, s
		}
		out = append(out, x)
	}
	return func(context.Context) ([]vm.Session, error) { return out, nil }
}

// resolved is what one second of the engine's loop does.
func (n *node) resolved(t *testing.T) []string {
	t.Helper()
	names := n.resolve(ctx)
	n.work.Lock()
	defer n.work.Unlock()
	if err := n.sync(ctx, places{names: names}); err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(names))
}

func TestABootedNodeAsksBeforeItAnnounces(t *testing.T) {
	moved := netip.MustParseAddr("203.0.113.1")
	n := newNode(t)
	n.mustAdd(t, "moved", "203.0.113.1")
	n.mustAdd(t, "mine", "203.0.113.2")
	n.reboot(t)
	n.wantRoutes(t, "booted")
	for what, sessions := range map[string]func(context.Context) ([]vm.Session, error){
		"FRR does not run":                   func(context.Context) ([]vm.Session, error) { return nil, errors.New("bgpd is not running") },
		"there is none":                      sessionsUp(),
		"all are down":                       sessionsUp(-1, -1),
		"both have just come up":             sessionsUp(3, 3),
		"one is up, the other is down":       sessionsUp(-1, 20),
		"one is up, the other has just come": sessionsUp(20, 2),
	} {
		n.Sessions = sessions
		if got := n.resolved(t); len(got) > 0 {
			t.Errorf("%s: %v are announced", what, got)
		}
	}
	if v, _ := n.VM(ctx, "mine"); v.Announced || !strings.Contains(v.Unannounced, "is not known") {
		t.Errorf("got %+v", v)
	}
	if s := n.Status(ctx); !s.Healthy || s.VMs.Announced != 0 || len(s.Findings) != 2 || s.Findings[0].Code != vm.Waits || s.Findings[0].Level != vm.IsNote {
		t.Errorf("while it is not known: %+v", s.Findings)
	}
	n.Sessions = sessionsUp(12, 11)
	n.kernel.bgp[moved] = "10.10.0.22"
	if got := n.resolved(t); !slices.Equal(got, []string{"mine"}) {
		t.Errorf("announced: %v", got)
	}
	n.wantRoutes(t, "the other node has one of them", "203.0.113.2/32 live")
	s := n.Status(ctx)
	if len(s.Findings) != 1 || s.Findings[0].Code != vm.AnnouncedElsewhere || s.Findings[0].Level != vm.IsWarning || !strings.Contains(s.Warnings[len(s.Warnings)-1], "another node announces 203.0.113.1 (by way of 10.10.0.22)") {
		t.Errorf("it is elsewhere: %+v", s)
	}
	// The agent is restarted: what was announced is, what was not is not.
	n.boot(t)
	n.wantRoutes(t, "the agent was restarted", "203.0.113.2/32 live")
	n.Sessions = sessionsUp(-1, 61)
	delete(n.kernel.bgp, moved)
	if got := n.resolved(t); !slices.Equal(got, []string{"moved"}) {
		t.Errorf("the other node has withdrawn it: %v", got)
	}
	n.wantRoutes(t, "the other node has withdrawn it", "203.0.113.1/32 live", "203.0.113.2/32 live")
}

func TestAGuestAfterABootIsAnnouncedAtOnce(t *testing.T) {
	n := newNode(t)
	n.mustAdd(t, "a", "203.0.113.1")
	n.mustAdd(t, "b", "203.0.113.2")
	n.mustAdd(t, "c", "203.0.113.3")
	n.reboot(t)
	n.kernel.bgp[netip.MustParseAddr("203.0.113.1")] = "10.10.0.22"
	n.kernel.mu.Lock()
	n.kernel.links["a_net0"].Carrier = true
	n.kernel.mu.Unlock()
	n.work.Lock()
	err := n.sync(ctx, places{names: map[string]bool{"a": true}})
	n.work.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	n.wantRoutes(t, "its guest starts", "203.0.113.1/32 live")
	// An operator's word ends the doubt as well.
	if _, err := n.SetPhase(ctx, "b", vm.Live); err != nil {
		t.Fatal(err)
	}
	n.wantRoutes(t, "the operator says so", "203.0.113.1/32 live", "203.0.113.2/32 live")
}

func TestAPowerCutWhileAVMArrives(t *testing.T) {
	n := newNode(t)
	n.mustAdd(t, "a", "203.0.113.1")
	if _, err := n.SetPhase(ctx, "a", vm.Migrating); err != nil {
		t.Fatal(err)
	}
	n.boot(t)
	n.wantRoutes(t, "the agent was restarted", "203.0.113.1/32 migrating")
	n.reboot(t)
	n.Sessions = sessionsUp(100, 100)
	n.resolved(t)
	n.wantRoutes(t, "the node was booted")
	if v, _ := n.VM(ctx, "a"); v.Phase != vm.Waiting {
		t.Errorf("phase %s", v.Phase)
	}
	n.guests <- struct{}{}
	eventually(t, "its first packet announces it", func() bool { return slices.Equal(n.kernel.announced(), []string{"203.0.113.1/32 migrating"}) })
}

func TestADrainedNodeIsBooted(t *testing.T) {
	n := newNode(t)
	n.mustAdd(t, "a", "203.0.113.1")
	if err := n.Drain(ctx, true); err != nil {
		t.Fatal(err)
	}
	n.boot(t)
	if err := n.Drain(ctx, false); err != nil {
		t.Fatal(err)
	}
	n.wantRoutes(t, "only the agent was restarted", "203.0.113.1/32 live")
	if err := n.Drain(ctx, true); err != nil {
		t.Fatal(err)
	}
	n.reboot(t)
	n.kernel.bgp[netip.MustParseAddr("203.0.113.1")] = "10.10.0.22"
	n.Sessions = sessionsUp(100, 100)
	if err := n.Drain(ctx, false); err != nil {
		t.Fatal(err)
	}
	n.resolved(t)
	n.wantRoutes(t, "it runs elsewhere by now")
}
