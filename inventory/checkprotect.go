package inventory

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

func (p Ports) String() string {
	if p.First == p.Last {
		return fmt.Sprintf("%d/%s", p.First, p.Protocol)
	}
	return fmt.Sprintf("%d-%d/%s", p.First, p.Last, p.Protocol)
}

// closedToVMs are the ports that VMs reach on no host of the fabric, protected or not:
// BGP, BFD and VXLAN.
var closedToVMs = []Ports{{"tcp", 179, 179}, {"udp", 3784, 3785}, {"udp", 4784, 4784}, {"udp", 4789, 4789}}

// protect reads what of the fabric's hosts VMs reach. metrics is where the agents
// serve them, which is closed too.
func (c *checker) protect(raw *rawProtect, metrics string) Protect {
	if !raw.given() || raw.bad || raw.Enabled.bad {
		return Protect{}
	}
	written := raw.Enabled.given() || raw.Allow.given()
	out := Protect{Enabled: written && c.boolean(raw.Enabled, "protect", true)}
	if raw.Allow.given() && !out.Enabled {
		c.warnf(raw.Allow.at, "write enabled: true, or remove it", "protect.allow is not used: protect is not enabled")
	}
	never := slices.Clone(closedToVMs)
	if _, port, err := net.SplitHostPort(metrics); err == nil {
		if n, err := parseDigits(port, 16); err == nil {
			never = append(never, Ports{"tcp", uint16(n), uint16(n)})
		}
	}
	for _, t := range raw.Allow.items {
		p, ok := c.ports(t)
		if !ok {
			continue
		}
		if slices.Contains(out.Allow, p) {
			c.errorf(t.at, "remove it", "protect.allow: %s is there twice", p)
			continue
		}
		if i := slices.IndexFunc(never, p.overlaps); i >= 0 {
			c.errorf(t.at, "remove it", "protect.allow: %s cannot be opened: %s is the fabric's own", p, never[i])
			continue
		}
		out.Allow = append(out.Allow, p)
	}
	return out
}

func (p Ports) overlaps(o Ports) bool {
	return p.Protocol == o.Protocol && p.First <= o.Last && o.First <= p.Last
}

// ports accepts "53/udp" and "8000-8010/tcp".
func (c *checker) ports(t text) (Ports, bool) {
	if t.bad {
		return Ports{}, false
	}
	const hint = "write a port and its protocol, such as 53/udp or 8000-8010/tcp"
	numbers, protocol, found := strings.Cut(t.s, "/")
	protocol = strings.ToLower(protocol)
	first, last, isRange := strings.Cut(numbers, "-")
	if !isRange {
		last = first
	}
	from, err1 := parseDigits(first, 16)
	to, err2 := parseDigits(last, 16)
	switch {
	case !found || protocol != "tcp" && protocol != "udp" || err1 != nil || err2 != nil || from == 0:
		c.errorf(t.at, hint, "protect.allow: %s is not a port of TCP or UDP", quote(t.s))
	case from > to:
		c.errorf(t.at, "write "+strconv.FormatUint(uint64(to), 10)+"-"+strconv.FormatUint(uint64(from), 10)+"/"+protocol, "protect.allow: %s ends before it begins", quote(t.s))
	default:
		return Ports{protocol, uint16(from), uint16(to)}, true
	}
	return Ports{}, false
}
