package reach

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"ipfabric/cmd/ipfabric-agent/internal/kernel"
	"ipfabric/inventory/vm"
)

// silent finds guests that are attached but do not answer ARP or neighbor
// discovery for their address. Where the MAC is known the kernel does not ask.
func (l *Look) silent(vms []VM) (map[string][]netip.Addr, error) {
	type place struct {
		link int
		addr netip.Addr
	}
	names := map[place]string{}
	for _, v := range vms {
		for _, a := range v.Addrs {
			if v.Guest {
				names[place{v.Index, a}] = v.Name
			}
		}
	}
	out := map[string][]netip.Addr{}
	if len(names) == 0 {
		return out, nil
	}
	for _, family := range []int{unix.AF_INET, unix.AF_INET6} {
		entries, err := kernel.Again(func() ([]netlink.Neigh, error) { return l.handle.NeighList(0, family) })
		if err != nil {
			return out, err
		}
		for _, e := range entries {
			a, _ := netip.AddrFromSlice(e.IP)
			a = a.Unmap()
			name := names[place{e.LinkIndex, a}]
			if name != "" && e.State&netlink.NUD_FAILED != 0 {
				out[name] = append(out[name], a)
			}
		}
	}
	return out, nil
}

func silentNotes(silent map[string][]netip.Addr) []vm.Finding {
	var out []vm.Finding
	for _, name := range slices.Sorted(maps.Keys(silent)) {
		for _, a := range silent[name] {
			how := "ARP"
			if a.Is6() {
				how = "neighbor discovery"
			}
			out = append(out, vm.Finding{
				Code: vm.GuestSilent, Level: vm.IsNote, VMs: []string{name},
				Text: fmt.Sprintf("the guest of VM %s does not answer %s for %s", name, how, a),
				Hint: "is the guest up, and is this its address? On its console: ip addr",
			})
		}
	}
	return out
}
