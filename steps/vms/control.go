package vms

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"ipfabric/inventory"
	"ipfabric/steps/step"
)

// A Control adds, lists, moves and removes the VMs of a fabric, by means of
// the nodes' agents, and asks the route reflectors what came of it.
type Control struct {
	Fabric *inventory.Fabric
	// Connect returns a host of the inventory. Its error names the host.
	Connect func(ctx context.Context, host string) (step.Host, error)
	// Lock keeps every other operator from changing VMs on these hosts. It
	// waits while another does. Hosts that give no answer are returned, and
	// are not locked.
	Lock func(ctx context.Context, hosts []string) (unlock func(), silent []Silent, err error)
	// Note tells the operator what is going on. It may be nil.
	Note func(text string)
	// Stop, once closed, ends a wait with ErrInterrupted. What is being done is
	// done to its end. It may be nil.
	Stop <-chan struct{}
	// Poll is the first time between two looks while something is waited for;
	// it grows. Zero is 20 ms.
	Poll time.Duration
	// Limit is how long the route reflectors may take to hear of a change.
	// Zero is 10 s: under one is usual, but a reflector that starts is slower.
	Limit time.Duration
}

func (c *Control) limit() time.Duration {
	if c.Limit > 0 {
		return c.Limit
	}
	return 10 * time.Second
}

func (c *Control) note(parts ...string) {
	if c.Note != nil {
		c.Note(strings.Join(parts, ""))
	}
}

func (c *Control) nodes() []string {
	var out []string
	for _, n := range c.Fabric.Nodes {
		out = append(out, n.Name)
	}
	return out
}

// A survey is what the nodes' agents said.
type survey struct {
	vms    []VM // by node in the inventory's order, then by name
	silent []Silent
}

// survey asks all of these nodes at once.
func (c *Control) survey(ctx context.Context, nodes []string) survey {
	vms, errs := make([][]VM, len(nodes)), make([]error, len(nodes))
	onAll(nodes, func(i int, node string) {
		vms[i], errs[i] = c.listOn(ctx, node)
	})
	var s survey
	for i, node := range nodes {
		s.vms = append(s.vms, vms[i]...)
		if errs[i] != nil {
			s.silent = append(s.silent, Silent{node, errs[i]})
		}
	}
	return s
}

// connectEarly connects to hosts that are asked later, beside what is done meanwhile,
// and has each run a first command: that one takes an SSH server several times
// as long as those that follow. Whoever cannot be reached is found out then.
func (c *Control) connectEarly(ctx context.Context, hosts []string) (done func()) {
	ctx, cancel := context.WithCancel(ctx)
	var connected sync.WaitGroup
	connected.Add(1)
	go func() {
		defer connected.Done()
		onAll(hosts, func(_ int, host string) {
			if h, err := c.Connect(ctx, host); err == nil {
				_, _ = h.Query(ctx, "true")
			}
		})
	}()
	return func() { cancel(); connected.Wait() }
}

// onAll calls f for all hosts at the same time, and returns when all have ended.
func onAll(hosts []string, f func(i int, host string)) {
	var wg sync.WaitGroup
	for i, host := range hosts {
		wg.Add(1)
		go func() {
			defer wg.Done()
			f(i, host)
		}()
	}
	wg.Wait()
}

// named returns the VMs of that name: one, unless it is being moved. Those that
// are off are left out if there is another: libvirt may keep what it migrated.
func (s survey) named(name string) []VM {
	var out, off []VM
	for _, v := range s.vms {
		switch {
		case v.Name != name:
		case v.Phase == PhaseOff:
			off = append(off, v)
		default:
			out = append(out, v)
		}
	}
	if len(out) == 0 {
		return off
	}
	return out
}

// missing is the error for a name that none of the VMs has. A VM that is not
// known may be on a node that gave no answer.
func (s survey) missing(name string) error {
	if len(s.silent) > 0 {
		return silentError(s.silent, "whether there is a VM %s is not known: no node that answered has it", name)
	}
	e := &NotFoundError{Name: name}
	for _, v := range s.vms {
		if !slices.Contains(e.Names, v.Name) {
			e.Names = append(e.Names, v.Name)
		}
	}
	return e
}

func without(hosts []string, silent []Silent) []string {
	return slices.DeleteFunc(slices.Clone(hosts), func(h string) bool {
		return slices.ContainsFunc(silent, func(s Silent) bool { return s.Host == h })
	})
}

func silentNames(silent []Silent) []string {
	var out []string
	for _, s := range silent {
		if !slices.Contains(out, s.Host) {
			out = append(out, s.Host)
		}
	}
	return out
}

// locked locks the nodes, runs f with what their agents say, and unlocks.
func (c *Control) locked(ctx context.Context, f func(survey) error) error {
	unlock, silent, err := c.Lock(ctx, c.nodes())
	if err != nil {
		return err
	}
	defer unlock()
	s := c.survey(ctx, without(c.nodes(), silent))
	s.silent = append(s.silent, silent...)
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return f(s)
}

// stopped says whether the operator wants nothing more to be begun.
func (c *Control) stopped() bool {
	select {
	case <-c.Stop:
		return true
	default:
		return false
	}
}

// longestPoll is the most time between two looks at the same thing.
const longestPoll = time.Second

// await calls look until it says true, or the time is over.
func (c *Control) await(ctx context.Context, limit time.Duration, look func() bool) (bool, error) {
	every := c.Poll
	if every <= 0 {
		every = 20 * time.Millisecond
	}
	over := time.NewTimer(limit)
	defer over.Stop()
	for {
		if look() {
			return true, nil
		}
		select {
		case <-ctx.Done():
			return false, context.Cause(ctx)
		case <-c.Stop:
			return false, ErrInterrupted
		case <-over.C:
			return look(), nil // the time may have been over because this machine slept
		case <-time.After(every):
		}
		every = min(every*5/4, longestPoll)
	}
}

// Timeout is how long a host may take for all of verify's questions. A daemon
// that hangs must not make verify hang.
const Timeout = 30 * time.Second
