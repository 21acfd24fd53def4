package host

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"ipfabric/inventory"
	"ipfabric/steps/step"
)

// Addresses: the host has the addresses that the inventory gives it. A
// wrong ssh address would otherwise make one host into another.
type Addresses struct{ Host inventory.Host }

func (s Addresses) String() string { return "the host has its addresses" }

func (s Addresses) Check(ctx context.Context, r step.Reader) (step.Diff, error) {
	out, err := r.Query(ctx, "ip", "-o", "address", "show")
	if err != nil {
		return nil, err
	}
	have := map[netip.Addr]bool{}
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		for i, word := range f[:max(0, len(f)-1)] {
			if word != "inet" && word != "inet6" {
				continue
			}
			text, _, _ := strings.Cut(f[i+1], "/")
			if a, err := netip.ParseAddr(text); err == nil {
				have[a] = true
			}
		}
	}
	for _, a := range []netip.Addr{s.Host.IPv4, s.Host.IPv6} {
		if a.IsValid() && !have[a] {
			return nil, errNotTheHost{s.Host, a}
		}
	}
	return nil, nil
}

func (s Addresses) Apply(context.Context, step.Host) error {
	return errors.New("addresses are not set by ipfabric") // Check finds no Diff
}

// errNotTheHost is an error with a hint.
type errNotTheHost struct {
	host    inventory.Host
	missing netip.Addr
}

func (e errNotTheHost) Error() string {
	return fmt.Sprintf("the machine at %s does not have the address %s", e.host.SSH.Address, e.missing)
}

func (e errNotTheHost) Hint() string {
	return "is the ssh address right, or the host's address in the inventory? ipfabric sets no addresses; `ip address` on the machine shows what it has"
}
