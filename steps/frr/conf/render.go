package conf

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"text/template"

	"ipfabric/assets"
	"ipfabric/inventory"
)

// confData is what the templates of assets/frr see: values, no decisions.
type confData struct {
	Header, Fabric, Host string
	ResolveViaDefault    bool // the default since FRR 9.1, so written before that only
	NoRIB, TableMap      bool // either keeps a reflector's routes out of the kernel
	AS                   inventory.ASN
	RouterID, ClusterID  netip.Addr
	Communities          string
	BFDProfile           *bfdProfile
	Groups               []group
	Neighbors            []neighbor
	Families             []family
	EVPN                 []group
	Extra                string
}

type bfdProfile struct {
	Multiplier int
	IntervalMS int64
}

// A group is a peer group. remote-as stands on the group alone: FRR refuses
// it on a member, and frr-reload of 8.3 and 8.5.0 loses it there.
type group struct {
	Name                              string
	AS                                inventory.ASN
	Keepalive, HoldTime, ConnectRetry int // seconds
	Password                          string
	BFD                               bool
	BFDProfile                        string // "" is bfdd's own default, 3 x 300 ms
	Client                            bool
	In, Out                           string
	MaxPrefixes                       int
}

type neighbor struct {
	Address     netip.Addr
	Group, Name string
}

// A family is one address family: sessions over IPv4 carry IPv4 and sessions
// over IPv6 carry IPv6, each with peer groups of its own.
type family struct {
	Name    string // "ipv4"
	Version string // "4"
	Match   string // "ip"
	Pools   []poolEntry
	Groups  []group
	// NextHop is what a node announces its VMs with, "" if FRR finds it out. In
	// IPv6 it is told: FRR takes it from the interface of the session, and keeps
	// "::ffff:IPv4" for good if the interface's IPv6 address is removed and added
	// again, as networkctl reconfigure does.
	NextHop string
}

type poolEntry struct {
	Seq   int
	Match string // "203.0.113.0/24 ge 32"
}

// Reflector renders frr.conf of a route reflector.
func Reflector(f *inventory.Fabric, rr inventory.RouteReflector, v Version) ([]byte, error) {
	d := newConfData(f, rr.Host, v)
	d.ClusterID = rr.ClusterID
	d.NoRIB, d.TableMap = v.AtLeast(8, 0), !v.AtLeast(8, 0)
	for _, t := range f.Transports() {
		if !t.Addr(rr.Host).IsValid() {
			continue
		}
		fam := newFamily(t)
		nodes := newGroup(f, "NODE"+t.Version, v)
		nodes.noticeBy(f.BGP, v)
		nodes.Client, nodes.In, nodes.MaxPrefixes = true, "IPFABRIC-VM"+t.Version+"-IN", f.BGP.MaxPrefixes
		// The cores are clients too: a route that came from the other
		// reflector goes to clients only, and the core must have it when its
		// own session to that reflector is down.
		cores := newGroup(f, "CORE"+t.Version, v)
		cores.Client, cores.In = true, "IPFABRIC-DENY"
		others := newGroup(f, "RRS"+t.Version, v)
		others.noticeBy(f.BGP, v)
		others.In, others.MaxPrefixes = nodes.In, f.BGP.CoreMaxPrefixes

		members := map[string][]inventory.Host{}
		for _, n := range f.Nodes {
			members[nodes.Name] = append(members[nodes.Name], n.Host)
		}
		for _, c := range f.CoreGateways {
			members[cores.Name] = append(members[cores.Name], c.Host)
		}
		for _, r := range f.RouteReflectors {
			if r.Name != rr.Name {
				members[others.Name] = append(members[others.Name], r.Host)
			}
		}
		for _, g := range []group{nodes, cores, others} {
			d.addGroup(&fam, g, members[g.Name], t)
		}
		d.Families = append(d.Families, fam)
	}
	if f.VXLAN {
		d.EVPN = evpnGroups(d.Families, func(name string) bool { return !strings.HasPrefix(name, "CORE") })
	}
	return render("reflector.conf.tmpl", d, v)
}

// Node renders frr.conf of a node.
func Node(f *inventory.Fabric, n inventory.Node, v Version) ([]byte, error) {
	d := newConfData(f, n.Host, v)
	for _, t := range f.Transports() {
		if !t.Addr(n.Host).IsValid() {
			continue
		}
		fam := newFamily(t)
		rrs := newGroup(f, "RR"+t.Version, v)
		rrs.noticeBy(f.BGP, v)
		rrs.In, rrs.Out = "IPFABRIC-VM"+t.Version+"-IN", "IPFABRIC-VM"+t.Version+"-OUT"
		rrs.MaxPrefixes = f.BGP.CoreMaxPrefixes
		var hosts []inventory.Host
		for _, r := range f.RouteReflectors {
			hosts = append(hosts, r.Host)
		}
		d.addGroup(&fam, rrs, hosts, t)
		if t.Version == "6" {
			fam.NextHop = t.Addr(n.Host).String()
		}
		d.Families = append(d.Families, fam)
	}
	if f.VXLAN {
		d.EVPN = evpnGroups(d.Families, func(string) bool { return true })
	}
	return render("node.conf.tmpl", d, v)
}

// addGroup adds a peer group with its members, those that have an address in
// that IP version. A group of nobody is left out.
func (d *confData) addGroup(fam *family, g group, members []inventory.Host, t inventory.Transport) {
	var peers []neighbor
	for _, m := range members {
		if a := t.Addr(m); a.IsValid() {
			peers = append(peers, neighbor{Address: a, Group: g.Name, Name: m.Name})
		}
	}
	if len(peers) == 0 {
		return
	}
	d.Groups = append(d.Groups, g)
	d.Neighbors = append(d.Neighbors, peers...)
	fam.Groups = append(fam.Groups, g)
}

// evpnGroups picks the peer groups that carry EVPN: those of one transport,
// IPv4 where there is one, as every route needs to travel once only.
func evpnGroups(families []family, carries func(name string) bool) []group {
	for _, fam := range families {
		var out []group
		for _, g := range fam.Groups {
			if carries(g.Name) {
				out = append(out, g)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

func newConfData(f *inventory.Fabric, h inventory.Host, v Version) *confData {
	d := &confData{
		Header: Header, Fabric: f.Name, Host: h.Name,
		ResolveViaDefault: !v.AtLeast(9, 1),
		AS:                f.AS,
		RouterID:          h.RouterID,
		Extra:             strings.TrimRight(h.FRR.Extra, "\n"),
	}
	d.Communities = f.CommunityList()
	if v.bfdRecovers() && needsProfile(f.BGP.BFD) {
		d.BFDProfile = &bfdProfile{f.BGP.BFD.Multiplier, f.BGP.BFD.Interval.Milliseconds()}
	}
	return d
}

func newFamily(t inventory.Transport) family {
	fam := family{Name: "ipv" + t.Version, Version: t.Version, Match: "ip"}
	bits := 32
	if t.Version == "6" {
		fam.Match, bits = "ipv6", 128
	}
	for i, p := range t.Pools {
		m := p.String()
		if p.Bits() < bits {
			m = fmt.Sprintf("%s ge %d", p, bits)
		}
		fam.Pools = append(fam.Pools, poolEntry{Seq: 10 * (i + 1), Match: m})
	}
	return fam
}

func render(name string, data any, v Version) ([]byte, error) {
	t, err := template.New(name).Option("missingkey=error").ParseFS(assets.Templates("frr"), name, "common.tmpl")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return nil, err
	}
	if v.AtLeast(8, 1) {
		return b.Bytes(), nil
	}
	return withoutExit(b.Bytes()), nil
}

// withoutExit leaves out what ends a block. FRR writes that line since 8.1 only,
// and an older frr-reload.py loses track at it: it would put what follows into
// the block that has ended.
func withoutExit(conf []byte) []byte {
	var out bytes.Buffer
	for line := range bytes.Lines(conf) {
		if string(line) != "exit\n" {
			out.Write(line)
		}
	}
	return out.Bytes()
}
