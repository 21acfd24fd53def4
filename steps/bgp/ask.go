package bgp

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ipfabric/steps/step"
)

// Vtysh is the command that gives these commands to FRR's vtysh. A daemon that
// hangs makes vtysh hang, hence the limit of 8 s.
func Vtysh(commands ...string) []string {
	argv := []string{"timeout", "8", "vtysh"}
	for _, c := range commands {
		argv = append(argv, "-c", c)
	}
	return argv
}

// HungError is a vtysh that gave no answer in time.
type HungError struct{}

func (HungError) Error() string { return "FRR does not answer: one of its daemons hangs" }

// ExitStatus is that of timeout(1).
func (HungError) ExitStatus() int { return 124 }

// FRRError says in a few words why FRR does not tell what it is asked.
type FRRError string

func (e FRRError) Error() string { return string(e) }

// noBGPD is what vtysh says of a bgpd that does not run. It is no failure to it.
const noBGPD = "bgpd is not running"

const errNoBGPD = FRRError("its bgpd does not run")

// ShortError makes an error of vtysh a short sentence: its command line, which
// may be long, is in the log.
func ShortError(err error) error {
	status := step.ExitStatus(err)
	switch said := step.SaidBy(err); {
	case status < 0:
		return err
	case step.TimedOut(err):
		return HungError{}
	case step.NotThere(err):
		return FRRError("FRR is not installed")
	case strings.Contains(said, "failed to connect to any daemons"):
		return FRRError("FRR does not run")
	case said != "":
		return FRRError(fmt.Sprintf("vtysh ended with status %d: %s", status, said))
	}
	return FRRError(fmt.Sprintf("vtysh ended with status %d", status))
}

// Ask asks FRR for all its neighbors. A bgpd that does not run gives nil.
func Ask(ctx context.Context, r step.Reader) (Peers, error) {
	out, err := r.Query(ctx, Question...)
	if err != nil {
		return nil, err
	}
	return ParseFRR(out)
}

// A Session is what FRR's summary says of an Established session.
type Session struct {
	Messages int              // received so far; 0 where FRR does not say
	Up       time.Duration    // for how long
	Families map[string]Count // by the families that are in use
}

// A Count is how many prefixes a session carries in one address family.
type Count struct {
	Accepted int // left by the inbound policy
	Sent     int
}

// A summaryPeer is a neighbor in one address family of FRR's summary.
type summaryPeer struct {
	State          string
	MsgRcvd        int
	PeerUptimeMsec int64
	PfxRcd, PfxSnt int
}

// eachSummary asks FRR for its summary, and gives each neighbor of each family to
// f, the families as FRR names them. It is a small question: Ask's answer is longer
// by far. A bgpd that does not run, or has no BGP instance, has no neighbors.
func eachSummary(ctx context.Context, r step.Reader, f func(family string, neighbor netip.Addr, p summaryPeer)) error {
	out, err := r.Query(ctx, Vtysh("show bgp summary json")...)
	if err != nil && step.ExitStatus(err) < 0 {
		return err
	}
	var families map[string]struct{ Peers map[string]summaryPeer }
	if json.Unmarshal([]byte(out), &families) != nil {
		return nil // it says so in words
	}
	for name, fam := range families {
		for key, p := range fam.Peers {
			if addr, err := netip.ParseAddr(key); err == nil {
				f(name, addr, p)
			}
		}
	}
	return nil
}

// Sessions asks FRR for its Established sessions, by the neighbors' addresses.
func Sessions(ctx context.Context, r step.Reader) (map[netip.Addr]Session, error) {
	sessions := map[netip.Addr]Session{}
	err := eachSummary(ctx, r, func(family string, addr netip.Addr, p summaryPeer) {
		if p.State != established {
			return
		}
		s, ok := sessions[addr]
		if !ok {
			s = Session{Messages: p.MsgRcvd, Up: time.Duration(p.PeerUptimeMsec) * time.Millisecond, Families: map[string]Count{}}
			sessions[addr] = s
		}
		if family := frrFamilies[family]; family != "" {
			s.Families[family] = Count{Accepted: p.PfxRcd, Sent: p.PfxSnt}
		}
	})
	return sessions, err
}

// Overflowed asks FRR for the neighbors whose session it keeps closed because too
// many prefixes came in, in order.
func Overflowed(ctx context.Context, r step.Reader) ([]netip.Addr, error) {
	found := map[netip.Addr]bool{}
	err := eachSummary(ctx, r, func(_ string, addr netip.Addr, p summaryPeer) {
		if strings.Contains(p.State, "PfxCt") { // "Idle (PfxCt)"
			found[addr] = true
		}
	})
	return slices.SortedFunc(maps.Keys(found), netip.Addr.Compare), err
}

// Established asks FRR for the neighbors that it has a session with, in order.
func Established(ctx context.Context, r step.Reader) ([]netip.Addr, error) {
	sessions, err := Sessions(ctx, r)
	return slices.SortedFunc(maps.Keys(sessions), netip.Addr.Compare), err
}
