package bgp

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"ipfabric/assets"
)

// BIRDQuestion asks BIRD for its clock, as it gives the start of a session and
// not its age, and for its protocols. -r lets it look only.
var BIRDQuestion = assets.Script("bird-state.sh")

var (
	// A protocol begins at the start of a line: name, "BGP", table, up or down,
	// since when, and words such as "Established" or "Active  Socket: …".
	birdProtocolRE = regexp.MustCompile(`^\S+\s+BGP\s+\S+\s+\S+\s+(\d\S*(?: \d\S*)?)(.*)$`)
	birdClockRE    = regexp.MustCompile(`(?m)^Current server time is (.+)$`)
	birdRoutesRE   = regexp.MustCompile(`(\d+) (imported|exported)`)
)

// ParseBIRD reads the answer of BIRD 2 to BIRDQuestion. It returns nil if BIRD
// gave none.
func ParseBIRD(out string) Peers {
	m := birdClockRE.FindStringSubmatch(out)
	if m == nil {
		return nil
	}
	now, _ := birdTime(m[1], time.Time{}) // zero if it cannot be read: then no age is known
	peers := Peers{}
	var block []string
	flush := func() {
		if len(block) == 0 {
			return
		}
		// A neighbor can have several protocols, of which one is in use.
		if addr, p := birdPeer(block, now); addr != "" && !peers[addr].Up() {
			peers[addr] = p
		}
		block = nil
	}
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, " \r\n")
		if line != "" && line[0] != ' ' {
			flush()
			if !birdProtocolRE.MatchString(line) {
				continue
			}
			block = []string{line}
			continue
		}
		if len(block) > 0 {
			block = append(block, line)
		}
	}
	flush()
	return peers
}

// birdPeer reads one BGP protocol.
func birdPeer(block []string, now time.Time) (addr string, p Peer) {
	head := birdProtocolRE.FindStringSubmatch(block[0])
	p = Peer{Since: -1, Families: map[string]Family{}}
	offered, wanted := map[string]bool{}, map[string]bool{}
	var announced map[string]bool // whose capabilities are being read
	family := ""                  // whose channel is being read
	for _, line := range block[1:] {
		line = strings.TrimSpace(line)
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch {
		case key == "BGP state":
			p.State = value
		case key == "Neighbor address":
			addr = PeerKey(value)
		case key == "Last error":
			p.LastError = strings.TrimPrefix(value, "Error: ")
		case line == "Local capabilities":
			announced = offered
		case line == "Neighbor capabilities":
			announced = wanted
		case key == "AF announced" && announced != nil:
			for _, name := range strings.Fields(value) {
				announced[birdFamily(name)] = true
			}
		case strings.HasPrefix(line, "Channel "):
			family = birdFamily(strings.TrimPrefix(line, "Channel "))
			p.Families[family] = Family{Offered: offered[family], Wanted: wanted[family], Sent: -1}
		case family == "":
		case key == "State":
			f := p.Families[family]
			f.Negotiated = p.Up() && value == "UP"
			p.Families[family] = f
		case key == "Routes":
			f := p.Families[family]
			for _, m := range birdRoutesRE.FindAllStringSubmatch(value, -1) {
				n, _ := strconv.Atoi(m[1]) // digits only
				if m[2] == "imported" {
					f.Accepted = n
				} else {
					f.Sent = n
				}
			}
			p.Families[family] = f
		}
	}
	p.Shutdown = p.State == "Down" // `disable`, or disabled in the configuration
	if start, ok := birdTime(head[1], now); ok && !now.IsZero() {
		p.Since = now.Sub(start)
	}
	return addr, p
}

// birdFamily gives the report's name of one of BIRD's channels.
func birdFamily(name string) string {
	switch name {
	case "ipv4":
		return IPv4Unicast
	case "ipv6":
		return IPv6Unicast
	}
	return name
}

// birdTime reads a time in one of the forms that BIRD has: a time of day is
// within the last day before now. In its "short" format BIRD leaves out the
// time of day of what is older, which makes an age wrong by up to a day.
func birdTime(s string, now time.Time) (time.Time, bool) {
	s = strings.TrimSpace(s)
	for _, layout := range []string{time.DateTime, time.DateOnly} { // a fraction of the second is taken, too
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	t, err := time.Parse(time.TimeOnly, s)
	if err != nil || now.IsZero() {
		return time.Time{}, false
	}
	t = time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	if t.After(now) {
		t = t.AddDate(0, 0, -1)
	}
	return t, true
}
