package bgp

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Question asks bgpd for all that verify wants to know. The neighbors have
// everything but one: how long a session has been down. The field that looks
// like it, lastResetTimerMsecs, starts anew after a day.
var Question = []string{"timeout", "15", "vtysh", "-c", "show bgp summary json", "-c", "show bgp neighbors json"}

// frrFamilies are FRR's names in JSON.
var frrFamilies = map[string]string{
	"ipv4Unicast": IPv4Unicast,
	"ipv6Unicast": IPv6Unicast,
	"l2VpnEvpn":   EVPN,
}

// frrNeighbor is what verify needs of a neighbor. Fields that an FRR does not
// have stay zero: 7.5, 8.4 and 10.3 all differ.
type frrNeighbor struct {
	BGPState               string
	AdminShutDown          bool
	BGPTimerUpMsec         int64
	ConnectionsDropped     int
	LastReset              string // "never"
	LastResetDueTo         string
	LastNotificationReason string
	NeighborCapabilities   struct {
		MultiprotocolExtensions map[string]struct{ Advertised, Received, AdvertisedAndReceived bool }
	}
	AddressFamilyInfo map[string]struct {
		AcceptedPrefixCounter int
		SentPrefixCounter     *int
	}
	PeerBFDInfo struct{ Status string }
}

// frrSummary is one address family of the summary.
type frrSummary struct {
	Peers map[string]struct {
		PeerUptime     string // "never"
		PeerUptimeMsec int64
	}
}

// ParseFRR reads the answer to Question: two JSON documents, with lines of
// text between them where FRR has something to say. It returns nil if there
// is no document at all, as from a bgpd that does not run.
func ParseFRR(out string) (Peers, error) {
	var peers Peers
	since := map[string]time.Duration{}
	err := eachDocument(out, func(_ int, dec *json.Decoder) error {
		var doc map[string]json.RawMessage
		if err := dec.Decode(&doc); err != nil {
			return fmt.Errorf("its JSON cannot be read: %v", err)
		}
		if peers == nil {
			peers = Peers{}
		}
		for key, raw := range doc {
			if err := readFRR(key, raw, peers, since); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for key, d := range since {
		if p, ok := peers[key]; ok && !p.Up() {
			p.Since = d
			peers[key] = p
		}
	}
	return peers, nil
}

// readFRR reads one member of a document: a neighbor, a family of the summary,
// or something else that does not matter.
func readFRR(key string, raw json.RawMessage, peers Peers, since map[string]time.Duration) error {
	var member struct {
		frrNeighbor
		frrSummary
	}
	// A field of another type than in the FRRs seen so far stays zero.
	var other *json.UnmarshalTypeError
	if err := json.Unmarshal(raw, &member); err != nil && !errors.As(err, &other) {
		return err
	}
	for addr, p := range member.Peers {
		since[PeerKey(addr)] = -1
		if p.PeerUptime != "never" {
			since[PeerKey(addr)] = time.Duration(p.PeerUptimeMsec) * time.Millisecond
		}
	}
	if member.BGPState != "" {
		peers[PeerKey(key)] = member.frrNeighbor.peer()
	}
	return nil
}

func (n frrNeighbor) peer() Peer {
	p := Peer{
		State: n.BGPState, Since: -1, Shutdown: n.AdminShutDown, BFD: n.PeerBFDInfo.Status,
		LastError: n.lastError(), Families: map[string]Family{},
	}
	if p.Up() {
		p.Since = time.Duration(n.BGPTimerUpMsec) * time.Millisecond
	}
	for name, info := range n.AddressFamilyInfo {
		family, ok := frrFamilies[name]
		if !ok {
			continue
		}
		f := Family{Accepted: info.AcceptedPrefixCounter, Sent: -1}
		if info.SentPrefixCounter != nil {
			f.Sent = *info.SentPrefixCounter
		}
		mp := n.NeighborCapabilities.MultiprotocolExtensions[name]
		f.Offered = mp.Advertised || mp.AdvertisedAndReceived
		f.Wanted = mp.Received || mp.AdvertisedAndReceived
		f.Negotiated = mp.AdvertisedAndReceived
		p.Families[family] = f
	}
	return p
}

// lastError says why the session went down. FRR also calls the steps of a
// first connection a reset.
func (n frrNeighbor) lastError() string {
	switch n.LastResetDueTo {
	case "", "Waiting for peer OPEN", "No AFI/SAFI activated for peer":
		return ""
	}
	if n.LastReset == "never" || n.BGPState == established && n.ConnectionsDropped == 0 {
		return ""
	}
	if n.LastResetDueTo == "Waiting for NHT" {
		return "no route to the neighbor"
	}
	how, sent := strings.CutPrefix(n.LastResetDueTo, "BGP Notification ")
	if !sent || n.LastNotificationReason == "" {
		return n.LastResetDueTo
	}
	return n.LastNotificationReason + map[string]string{"send": " (sent)", "received": " (received)"}[how]
}
