package engine

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"ipfabric/cmd/ipfabric-agent/internal/reach"
	"ipfabric/inventory/vm"
)

// obstaclesAge is how old an answer may be: a status that is asked for several
// times at once, or by metrics every second, costs one look. It is short, as an
// operator who has removed an obstacle asks again at once.
const obstaclesAge = 250 * time.Millisecond

// obstacles are what keeps packets from the VMs, as last looked for.
type obstacles struct {
	mu     sync.Mutex // one look at a time
	answer reach.Answer
	err    error
	at     time.Time
	logged map[string]bool
}

// lookForObstacles finds what keeps packets from the VMs. The answer is shared:
// it is not changed.
func (e *Engine) lookForObstacles(ctx context.Context) (reach.Answer, error) {
	if e.Reach == nil {
		return reach.Answer{}, nil
	}
	o := &e.obstacles
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.at.IsZero() && time.Since(o.at) < obstaclesAge {
		return o.answer, o.err
	}
	o.answer, o.err = e.Reach(e.question(ctx))
	o.at = time.Now()
	logged := map[string]bool{}
	for _, f := range o.answer.Findings {
		logged[f.Text] = true
		if !o.logged[f.Text] && f.Level != vm.IsNote {
			e.Log.Warn("packets of VMs", string(f.Level), f.String())
		}
	}
	o.logged = logged
	return o.answer, o.err
}

func (e *Engine) question(ctx context.Context) reach.Question {
	q := reach.Question{
		Pools: e.Config.Pools,
		Peers: e.peers(ctx),
		IPv4:  e.Config.Gateway.IPv4.IsValid(),
		IPv6:  e.Config.Gateway.IPv6.IsValid(),
	}
	vms := e.Store.All()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, v := range vms {
		s := e.states[v.Name]
		if s.Present && v.Announced() {
			q.VMs = append(q.VMs, reach.VM{Name: v.Name, Device: s.device, Index: s.Index, Addrs: v.Addrs(), Guest: s.Carrier})
		}
	}
	return q
}

// peers are FRR's neighbors: what comes for the VMs comes from their direction.
// Without FRR they are all hosts of the fabric.
func (e *Engine) peers(ctx context.Context) []netip.Addr {
	sessions, err := e.Sessions(ctx)
	if err != nil || len(sessions) == 0 {
		return e.Config.Infrastructure
	}
	var out []netip.Addr
	for _, s := range sessions {
		if a, err := netip.ParseAddr(s.Peer); err == nil && !a.IsLinkLocalUnicast() {
			out = append(out, a)
		}
	}
	return out
}

// statusOfObstacles reports them.
func (e *Engine) statusOfObstacles(ctx context.Context, s *vm.Status) {
	answer, err := e.lookForObstacles(ctx)
	for _, f := range answer.Findings {
		addFinding(s, f)
	}
	if err != nil {
		s.Warnings = append(s.Warnings, fmt.Sprintf("what keeps packets from VMs is known in part only: %s", oneLine(err)))
	}
}

// silent are the addresses for which a VM's guest does not answer, as last seen.
func (e *Engine) silent(name string) []netip.Addr {
	e.obstacles.mu.Lock()
	defer e.obstacles.mu.Unlock()
	return e.obstacles.answer.Silent[name]
}
