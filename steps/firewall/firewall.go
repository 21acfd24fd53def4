package firewall

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ipfabric/assets"
	"ipfabric/inventory"
	"ipfabric/steps/host"
	"ipfabric/steps/step"
)

// open: a firewalld that runs lets the fabric's traffic pass. Without
// firewalld there is nothing to do; other firewalls are the operator's.
//
// It is done by policies, which need no zone, so the operator's zones stay
// what they are: one for what the fabric's neighbors may send to this host, and
// on nodes one for what VMs send and receive. Without the second firewalld
// rejects it, as the VMs' interfaces are in no zone of the operator's making.
type open struct {
	in  map[string][]netip.Addr // set of addresses → who is in it
	vms []netip.Prefix          // on nodes: the pools
	bfd bool
}

// Names of ours in firewalld. The addresses are in sets, one for each IP
// version ("ipfabric4"): a reflector has as many neighbors as there are nodes.
const (
	neighborsSet = "ipfabric"      // may speak BGP and BFD with this host
	vtepsSet     = "ipfabric-vtep" // may send VXLAN
	inPolicy     = "ipfabric-in"
	vmsPolicy    = "ipfabric-vms"
)

func (s open) String() string { return "firewalld lets the fabric pass" }

// New is a host's step. The peers are its neighbors; vteps are the
// other nodes, if VMs have VXLAN.
func New(f *inventory.Fabric, peers, vteps []netip.Addr, vms []netip.Prefix) open {
	s := open{in: map[string][]netip.Addr{}, vms: vms, bfd: f.BGP.BFD.Enabled}
	for name, addrs := range map[string][]netip.Addr{neighborsSet: peers, vtepsSet: vteps} {
		for _, a := range addrs {
			if !a.IsValid() {
				continue
			}
			set := name + "6"
			if a.Is4() {
				set = name + "4"
			}
			s.in[set] = append(s.in[set], a)
		}
	}
	for _, addrs := range s.in {
		slices.SortFunc(addrs, netip.Addr.Compare)
	}
	return s
}

// A loaded is what firewalld has loaded of ours.
type loaded struct {
	off      bool
	noSets   bool
	version  string
	policies map[string]string // name → what busctl prints of it; not there is not loaded
	sets     map[string][]string
}

func (s open) look(ctx context.Context, r step.Reader) (loaded, error) {
	out, err := r.Query(ctx, assets.Script("firewalld-state.sh", strings.Join(s.policyNames(), " "), strings.Join(s.setNames(), " "))...)
	if err != nil {
		return loaded{}, err
	}
	l := loaded{policies: map[string]string{}, sets: map[string][]string{}}
	for line := range strings.Lines(out) {
		kind, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, value, _ := strings.Cut(rest, " ")
		switch {
		case kind == "off":
			l.off = true
		case kind == "version":
			l.version = rest
		case kind == "no":
			l.noSets = true
		case value == "none":
		case kind == "policy":
			l.policies[name] = value
		case kind == "set": // as 2 "10.10.0.1" "10.10.0.2"
			l.sets[name] = []string{}
			for i, word := range strings.Split(value, `"`) {
				if i%2 == 1 {
					l.sets[name] = append(l.sets[name], word)
				}
			}
		}
	}
	return l, nil
}

func (s open) Check(ctx context.Context, r step.Reader) (step.Diff, error) {
	loaded, err := s.look(ctx, r)
	if err != nil || loaded.off {
		return nil, err
	}
	if !hasPolicies(loaded.version) {
		return nil, errOldFirewall{loaded.version}
	}
	if loaded.noSets {
		return nil, errNoSets{}
	}
	diff, err := host.DiffFiles(ctx, r, s.files())
	if err != nil {
		return nil, err
	}
	for i := range diff { // XML says nothing to who reads a plan
		diff[i].Have, diff[i].Want = "", "what the fabric's traffic needs"
	}
	if !loaded.fresh(s) {
		return append(diff, step.Change{Item: "firewalld's rules for the fabric", Want: "loaded; the reload forgets rules that are not permanent"}), nil
	}
	for _, set := range s.setNames() {
		if add, remove := loaded.change(s, set); len(add)+len(remove) > 0 {
			diff = append(diff, step.Change{Item: "firewalld's set " + set, Have: fmt.Sprintf("%d to add, %d to remove", len(add), len(remove)), Want: "current"})
		}
	}
	return diff, nil
}

// fresh says whether firewalld has our policies and sets, whatever the sets'
// entries: those can be changed without a reload, which would stop new
// connections, and BFD with them, for a moment.
func (l loaded) fresh(s open) bool {
	for _, p := range s.policies() {
		have, ok := l.policies[p.name]
		if !ok || strings.Count(have, "rule family=") != len(p.rules) {
			return false
		}
		for _, rule := range p.rules {
			if !strings.Contains(have, strings.ReplaceAll(rule.text(), `"`, `\"`)) {
				return false
			}
		}
	}
	for _, set := range s.setNames() {
		if _, ok := l.sets[set]; !ok {
			return false
		}
	}
	return true
}

// change returns what a set lacks, and what it has too much.
func (l loaded) change(s open, set string) (add, remove []string) {
	var want []string
	for _, a := range s.in[set] {
		want = append(want, a.String())
	}
	for _, a := range want {
		if !slices.Contains(l.sets[set], a) {
			add = append(add, a)
		}
	}
	for _, a := range l.sets[set] {
		if !slices.Contains(want, a) {
			remove = append(remove, a)
		}
	}
	return add, remove
}

func (s open) Apply(ctx context.Context, h step.Host) error {
	var paths []string
	for _, f := range s.files() {
		paths = append(paths, f.Path)
	}
	before, err := host.ReadAll(ctx, h, paths)
	if err != nil {
		return err
	}
	if err := host.WriteFiles(ctx, h, s.files()); err != nil {
		return err
	}
	// A firewalld that cannot load its configuration lets nobody in.
	if err := h.Run(ctx, "firewall-cmd", "--quiet", "--check-config"); err != nil {
		return errors.Join(err, host.PutBack(context.WithoutCancel(ctx), h, paths, before))
	}
	loaded, err := s.look(ctx, h)
	if err != nil {
		return err
	}
	if !loaded.fresh(s) {
		return h.Run(ctx, "firewall-cmd", "--quiet", "--reload")
	}
	for _, set := range s.setNames() {
		add, remove := loaded.change(s, set)
		if err := changeSet(ctx, h, set, "--add-entry=", add); err != nil {
			return err
		}
		if err := changeSet(ctx, h, set, "--remove-entry=", remove); err != nil {
			return err
		}
	}
	return nil
}

// changeSet adds addresses to a set that is loaded, or removes them.
func changeSet(ctx context.Context, h step.Host, set, option string, addrs []string) error {
	if len(addrs) == 0 {
		return nil
	}
	argv := []string{"firewall-cmd", "--quiet", "--ipset=" + set}
	for _, a := range addrs {
		argv = append(argv, option+a)
	}
	return h.Run(ctx, argv...)
}

// hasPolicies says whether a firewalld is 0.9 or later.
func hasPolicies(version string) bool {
	var major, minor int
	_, err := fmt.Sscanf(version, "%d.%d", &major, &minor)
	return err == nil && (major > 0 || minor >= 9)
}

// errOldFirewall is an error with a hint.
type errOldFirewall struct{ version string }

func (e errOldFirewall) Error() string {
	return fmt.Sprintf("firewalld %s runs here, and ipfabric can open only 0.9 and later", e.version)
}

func (e errOldFirewall) Hint() string {
	return "update firewalld (AlmaLinux 8.5 and later have it), or disable it and filter by other means: 179/tcp and BFD (3784, 3785 and 4784/udp) between the fabric's hosts, and all that VMs send and receive"
}

// errNoSets is an error with a hint.
type errNoSets struct{}

func (errNoSets) Error() string {
	return "firewalld runs here without sets of addresses, as the command ipset is missing"
}

func (errNoSets) Hint() string {
	return "install the package ipset on the host, restart firewalld, then run init again"
}
