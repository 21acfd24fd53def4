package conf

import (
	"time"

	"ipfabric/inventory"
)

// bfdRecovers says whether a session of this FRR comes back after BFD went
// down, and goes down at once with it. FRR 10.2 and 10.3 do not even try to
// connect, and refuse the neighbor, until BFD is up again; but a neighbor with
// another FRR, or another router, begins with BFD only once BGP is up: both
// wait for ever. FRR 10.4 to 10.6 wait up to 30 s before they act on BFD. 10.0
// and 10.1 have got parts of that code in later releases.
func (v Version) bfdRecovers() bool {
	return !v.AtLeast(10, 0) || v.AtLeast(10, 7)
}

func newGroup(f *inventory.Fabric, name string, v Version) group {
	b := f.BGP
	g := group{
		Name: name, AS: f.AS, Password: b.Password.Reveal(),
		Keepalive: seconds(b.Keepalive), HoldTime: seconds(b.HoldTime), ConnectRetry: seconds(b.ConnectRetry),
	}
	if !b.BFD.Enabled || !v.bfdRecovers() {
		return g
	}
	g.BFD = true
	if needsProfile(b.BFD) {
		g.BFDProfile = "IPFABRIC"
		g.BFD = v.AtLeast(8, 0) // FRR 7.5 has one line for both
	}
	return g
}

// noticeBy is for the sessions among reflectors and nodes: a dead node must
// leave the fabric within seconds, also what a dead reflector knew of it. Where
// BFD cannot see to that, keepalives do, as fast as BGP allows. A core gateway
// keeps its times: it has no routes for the fabric, and may be busy for seconds.
func (g *group) noticeBy(b inventory.BGP, v Version) {
	if !b.BFD.Enabled || v.bfdRecovers() {
		return
	}
	detection := time.Duration(b.BFD.Multiplier) * b.BFD.Interval
	g.HoldTime = min(g.HoldTime, max(3, seconds(detection+time.Second-1)))
	g.Keepalive = min(g.Keepalive, max(1, g.HoldTime/3))
}

// needsProfile says whether BFD is to run with other times than bfdd's own.
func needsProfile(b inventory.BFD) bool {
	return b.Enabled && (b.Multiplier != 3 || b.Interval != 300*time.Millisecond)
}

func seconds(d time.Duration) int { return int(d / time.Second) }
