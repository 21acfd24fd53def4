package steps

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// vtysh asks FRR. A daemon that hangs makes vtysh hang, hence the limit.
func vtysh(commands ...string) []string {
	argv := []string{"timeout", "8", "vtysh"}
	for _, c := range commands {
		argv = append(argv, "-c", c)
	}
	return argv
}

// errHung is a vtysh that gave no answer in time.
type errHung struct{}

func (errHung) Error() string { return "FRR does not answer: one of its daemons hangs" }

func (errHung) ExitStatus() int { return 124 }

// errFRR says in a few words why FRR does not tell what it is asked.
type errFRR string

func (e errFRR) Error() string { return string(e) }

// frrError makes an error of vtysh a short sentence: its command line, which
// may be long, is in the log.
func frrError(err error) error {
	status := exitStatus(err)
	switch said := saidBy(err); {
	case status < 0:
		return err
	case timedOutError(err):
		return errHung{}
	case notThere(err):
		return errFRR("FRR is not installed")
	case strings.Contains(said, "failed to connect to any daemons"):
		return errFRR("FRR does not run")
	case said != "":
		return errFRR(fmt.Sprintf("vtysh ended with status %d: %s", status, said))
	}
	return errFRR(fmt.Sprintf("vtysh ended with status %d", status))
}

func askFRR(ctx context.Context, r Reader) (bgpPeers, error) {
	out, err := r.Query(ctx, frrQuestion...)
	if err != nil {
		return nil, err
	}
	return parseFRR(out)
}

// establishedPeers asks FRR for the neighbors that it has a session with. A
// bgpd that does not run, or has no BGP instance, has none.
func establishedPeers(ctx context.Context, r Reader) ([]netip.Addr, error) {
	out, err := r.Query(ctx, vtysh("show bgp summary json")...)
	if err != nil && exitStatus(err) < 0 {
		return nil, err
	}
	var families map[string]struct {
		Peers map[string]struct{ State string }
	}
	if json.Unmarshal([]byte(out), &families) != nil {
		return nil, nil // it says so in words
	}
	var peers []netip.Addr
	for _, fam := range families {
		for name, peer := range fam.Peers {
			addr, err := netip.ParseAddr(name)
			if err == nil && peer.State == "Established" && !slices.Contains(peers, addr) {
				peers = append(peers, addr)
			}
		}
	}
	slices.SortFunc(peers, netip.Addr.Compare)
	return peers, nil
}
