package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"ipfabric/inventory"
	"ipfabric/steps/bgp"
	"ipfabric/steps/frr"
	"ipfabric/steps/host"
	"ipfabric/steps/run"
	"ipfabric/steps/step"
	"ipfabric/steps/vms"
)

// Names of the checks of a host.
const (
	checkReachable = "reachable"
	checkFRR       = "frr-running"
	checkSync      = "config-in-sync"
	checkAgent     = "agent-healthy"
)

// An examiner asks one host everything at once, and then judges the answers in
// order.
type examiner struct {
	f        *inventory.Fabric
	sight    *sight
	steps    []step.Step
	stepsErr error // there is no plan to compare the host with
}

// answers is what a host said.
type answers struct {
	unit    host.UnitState
	unitErr error

	daemons    []string
	daemonsErr error

	peers    bgp.Peers
	peersErr error

	differs []string
	syncErr error

	node vms.NodeFacts
	view vms.View
}

func (e examiner) examine(parent context.Context, connect connector) {
	ctx, cancel := context.WithTimeout(parent, vms.Timeout)
	defer cancel()
	h, err := connect(ctx, e.sight.host.Name)
	if err != nil {
		e.unreachable(err)
		return
	}
	if e.sight.isCore() {
		e.lookThroughGlass(ctx, h)
		return
	}
	e.judge(e.ask(ctx, run.CacheOf(h)))
}

// ask puts all questions at the same time. Those that steps put as well are
// asked once.
func (e examiner) ask(ctx context.Context, r *run.Cache) answers {
	var a answers
	questions := []func(){
		func() { a.unit, a.unitErr = host.ShowUnit(ctx, r, "frr.service") },
		func() { a.daemons, a.daemonsErr = frr.RunningDaemons(ctx, r) },
		func() { a.peers, a.view, a.peersErr = e.askBGP(ctx, r) },
	}
	diffs, errs := make([]step.Diff, len(e.steps)), make([]error, len(e.steps))
	for i, s := range e.steps {
		questions = append(questions, func() { diffs[i], errs[i] = s.Check(ctx, r) })
	}
	if e.sight.host.Role == inventory.RoleNode {
		questions = append(questions, func() { a.node = vms.AskNode(ctx, r, e.sight.node.Node) })
	}
	r.Look(questions...)
	a.differs, a.syncErr = outOfSync(e.steps, diffs, errs)
	return a
}

// askBGP asks bgpd for its neighbors, and on a reflector for its routes.
func (e examiner) askBGP(ctx context.Context, r step.Reader) (bgp.Peers, vms.View, error) {
	if e.sight.host.Role == inventory.RoleRouteReflector {
		return vms.AskReflector(ctx, r, e.f, e.sight.view.RR)
	}
	peers, err := bgp.Ask(ctx, r)
	return peers, vms.View{}, err
}

// judge turns the answers into checks, each depending on those before it.
func (e examiner) judge(a answers) {
	s := e.sight
	if a.unitErr != nil && step.ExitStatus(a.unitErr) < 0 {
		e.unreachable(a.unitErr)
		return
	}
	s.peers, s.node, s.view = a.peers, a.node, a.view
	if s.peers == nil {
		s.blind = "bgpd on " + s.host.Name + " gives no answer"
	}
	s.check(checkReachable, func() Check { return Check{Status: OK} })
	s.check(checkFRR, func() Check { return e.frrRunning(a) })
	s.check(checkSync, func() Check { return e.inSync(a) })
	if s.host.Role == inventory.RoleNode {
		s.check(checkAgent, func() Check {
			f := vms.JudgeAgent(e.f, s.node)
			return Check{Status: f.Status, Detail: f.Text, Hint: f.Hint}
		})
	}
}

// check adds a check, unless one before it has failed.
func (s *sight) check(name string, answer func() Check) {
	for _, before := range s.checks {
		if before.Status == Bad {
			s.checks = append(s.checks, Check{Name: name, Status: NotChecked, Detail: "because " + before.Name + " failed"})
			return
		}
	}
	c := answer()
	c.Name = name
	s.checks = append(s.checks, c)
}

// failed says whether a check of that name has failed.
func (s *sight) failed(name string) bool {
	return slices.ContainsFunc(s.checks, func(c Check) bool { return c.Name == name && c.Status == Bad })
}

// unreachable is a host that gave no answer at all.
func (e examiner) unreachable(err error) {
	s := e.sight
	s.down, s.blind = true, s.host.Name+" cannot be reached"
	s.node, s.view = vms.Unreached(s.node.Node, err), vms.UnreachedReflector(s.view.RR, err)
	s.check(checkReachable, func() Check {
		return Check{Status: Bad, Detail: err.Error(), Hint: step.HintOf(err, "to see it for yourself: "+e.f.SSHLine(s.host.Host, "true"))}
	})
	if s.isCore() {
		return
	}
	later := []string{checkFRR, checkSync}
	if s.host.Role == inventory.RoleNode {
		later = append(later, checkAgent)
	}
	for _, name := range later {
		s.check(name, nil)
	}
}

func (e examiner) frrRunning(a answers) Check {
	host := e.sight.host
	journal := "what it says: " + e.f.SSHLine(host.Host, "journalctl -u frr -n 50 --no-pager")
	switch {
	case a.unitErr != nil:
		return Check{Status: Bad, Detail: "systemd gives no answer: " + a.unitErr.Error(), Hint: step.HintOf(a.unitErr, "")}
	case a.unit["LoadState"] == "not-found" || step.NotThere(a.daemonsErr):
		return Check{Status: Bad, Detail: "FRR is not installed", Hint: fmt.Sprintf("`ipfabric init --limit %s` installs it", host.Name)}
	case !a.unit.Active():
		return Check{Status: Bad, Detail: "frr.service is " + orUnknown(a.unit["ActiveState"]), Hint: journal}
	case a.daemonsErr != nil:
		return Check{Status: Bad, Detail: "vtysh gives no answer: " + a.daemonsErr.Error(), Hint: step.HintOf(a.daemonsErr, journal)}
	}
	var dead []string
	for _, name := range append([]string{"zebra"}, frr.WantedDaemons...) {
		if !slices.Contains(a.daemons, name) {
			dead = append(dead, name)
		}
	}
	if len(dead) > 0 {
		return Check{
			Status: Bad, Detail: strings.Join(dead, " and ") + doesNotRun(len(dead)),
			Hint: "FRR's watchfrr starts a daemon that died again within seconds; if it does not, " + journal,
		}
	}
	if a.peers == nil {
		detail := "bgpd says nothing of its neighbors"
		if a.peersErr != nil {
			detail = "bgpd gives no answer about its neighbors: " + a.peersErr.Error()
		}
		return Check{Status: Bad, Detail: detail, Hint: "to see it for yourself: " + e.f.SSHLine(host.Host, "vtysh -c 'show bgp neighbors json'")}
	}
	return Check{Status: OK}
}

func doesNotRun(n int) string {
	if n == 1 {
		return " does not run"
	}
	return " do not run"
}

// lookThroughGlass asks a core gateway for its sessions. It is asked nothing
// else: it is not ipfabric's.
func (e examiner) lookThroughGlass(ctx context.Context, h step.Host) {
	s := e.sight
	try := "birdc -r show protocols all"
	if s.glass == "frr" {
		try = "vtysh -c 'show bgp neighbors json'"
	}
	var err error
	s.peers, err = s.askPeers(ctx, h)
	if err != nil && step.ExitStatus(err) < 0 {
		e.unreachable(err)
		return
	}
	s.check(checkReachable, func() Check {
		if s.peers != nil {
			return Check{Status: OK}
		}
		s.blind = fmt.Sprintf("the looking glass of %s (%s) gives no answer", s.host.Name, s.glass)
		detail := s.blind
		if err != nil {
			detail += ": " + err.Error()
		}
		return Check{Status: Bad, Detail: detail, Hint: step.HintOf(err, "to see it for yourself: "+e.f.SSHLine(s.host.Host, try))}
	})
}

// askPeers asks a host for its sessions alone; nil peers are no answer.
func (s *sight) askPeers(ctx context.Context, r step.Reader) (bgp.Peers, error) {
	if s.glass != "bird" {
		return bgp.Ask(ctx, r)
	}
	out, err := r.Query(ctx, bgp.BIRDQuestion...)
	if err != nil {
		return nil, err
	}
	return bgp.ParseBIRD(out), nil
}

func orUnknown(s string) string {
	if s == "" {
		return "in an unknown state"
	}
	return s
}
