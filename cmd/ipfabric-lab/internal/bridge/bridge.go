package bridge

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"ipfabric/cmd/ipfabric-lab/internal/flock"
	"ipfabric/cmd/ipfabric-lab/internal/hint"
	"ipfabric/cmd/ipfabric-lab/internal/plan"
)

// Run is the folder of locks and of what has to be put back. It is empty and
// gone when there is no lab.
const Run = "/run/ipfabric-lab"

// aliasPrefix and the lab's ID make a bridge's alias; the lab's folder, for
// people, comes after.
const aliasPrefix = "ipfabric-lab "

var bridgeName = regexp.MustCompile(`^ipfl([1-9][0-9]{0,2})$`)

// A Network is a lab's network that exists on this host.
type Network struct {
	plan.Network
	Lab string // ID of the lab
	Dir string // its folder, possibly cut short
}

// lock keeps two labs from choosing the same network. Taken while bridges are
// made and removed, never for long.
func lock(ctx context.Context) (*flock.Lock, error) {
	return flock.Take(ctx, filepath.Join(Run, "network.lock"), nil)
}

// List returns the networks of all labs on this host.
func List() ([]Network, error) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("list network interfaces: %v", err)
	}
	var out []Network
	for _, l := range links {
		id, dir, ok := labOf(l.Attrs().Alias)
		m := bridgeName.FindStringSubmatch(l.Attrs().Name)
		if !ok || m == nil {
			continue
		}
		n, _ := strconv.Atoi(m[1])
		out = append(out, Network{plan.Network(n), id, dir})
	}
	return out, nil
}

func labOf(alias string) (id, dir string, ok bool) {
	rest, ok := strings.CutPrefix(alias, aliasPrefix)
	if !ok {
		return "", "", false
	}
	id, dir, _ = strings.Cut(rest, " ")
	return id, dir, id != ""
}

// Find returns a lab's network, or false if it has none now.
func Find(lab string) (Network, bool, error) {
	all, err := List()
	for _, n := range all {
		if n.Lab == lab {
			return n, true, nil
		}
	}
	return Network{}, false, err
}

// Ensure gives the lab its network and says whether it had to be made. If
// want is not zero, that network and no other will do: the machines have
// its addresses.
func Ensure(ctx context.Context, lab, dir string, want plan.Network) (n plan.Network, made bool, err error) {
	l, err := lock(ctx)
	if err != nil {
		return 0, false, err
	}
	defer l.Release()
	have, ok, err := Find(lab)
	if err != nil {
		return 0, false, err
	}
	if ok && want != 0 && have.Network != want {
		return 0, false, fmt.Errorf("bridge %s belongs to this lab, but its machines are made for %s", have.Bridge(), want.Bridge())
	}
	n = have.Network
	if !ok {
		if n, err = choose(want); err != nil {
			return 0, false, err
		}
	}
	mtu, err := uplinkMTU()
	if err != nil {
		return 0, false, err
	}
	if err := setUp(n, lab, dir, mtu); err != nil {
		return 0, false, err
	}
	if err := setNAT(ctx, n); err != nil {
		return 0, false, err
	}
	return n, !ok, raiseSettings("/proc/sys", Run)
}

// choose finds a network that nothing on this host uses.
func choose(want plan.Network) (plan.Network, error) {
	if err := removeOrphans(); err != nil {
		return 0, err
	}
	if want != 0 {
		by, err := usedBy(want)
		if err != nil || by == "" {
			return want, err
		}
		return 0, hint.Add(fmt.Errorf("the lab's network %s is used by %s now", want.Prefix4(), by),
			"free it, or remove the lab with `ipfabric-lab down` and make a new one")
	}
	for n := plan.Network(1); n <= plan.Networks; n++ {
		by, err := usedBy(n)
		if err != nil {
			return 0, err
		}
		if by == "" {
			return n, nil
		}
	}
	return 0, hint.Add(fmt.Errorf("none of the networks 10.213.1.0/24 to 10.213.%d.0/24 is free", plan.Networks),
		"`ip route show table all | grep 10.213` says what uses them")
}

// usedBy names the interface or route of this host that overlaps with the
// network, or "" if there is none.
func usedBy(n plan.Network) (string, error) {
	if _, err := netlink.LinkByName(n.Bridge()); err == nil {
		return "interface " + n.Bridge(), nil
	}
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_ALL, &netlink.Route{Table: unix.RT_TABLE_UNSPEC}, netlink.RT_FILTER_TABLE)
	if err != nil {
		return "", fmt.Errorf("list routes: %v", err)
	}
	for _, r := range routes {
		if r.Dst == nil {
			continue
		}
		ones, _ := r.Dst.Mask.Size()
		if ones <= 8 {
			continue // the private space as a whole, by a tunnel or the provider
		}
		p, ok := prefixOf(r.Dst)
		if ok && (p.Overlaps(n.Prefix4()) || p.Overlaps(n.Prefix6())) {
			return "route " + p.String(), nil
		}
	}
	return "", nil
}

// removeOrphans removes bridges that somebody made and did not live to put a
// name on. The lock is held, so nobody is about to.
func removeOrphans() error {
	links, err := netlink.LinkList()
	if err != nil {
		return fmt.Errorf("list network interfaces: %v", err)
	}
	for _, l := range links {
		if l.Type() == "bridge" && bridgeName.MatchString(l.Attrs().Name) && l.Attrs().Alias == "" {
			if err := netlink.LinkDel(l); err != nil {
				return fmt.Errorf("remove bridge %s: %v", l.Attrs().Name, err)
			}
		}
	}
	return nil
}

// Remove takes a lab's network away, if it has one.
func Remove(ctx context.Context, lab string) (removed bool, err error) {
	l, err := lock(ctx)
	if err != nil {
		return false, err
	}
	defer func() {
		l.Remove()
		os.Remove(Run) // only if nothing is in it
	}()
	if err := removeOrphans(); err != nil {
		return false, err
	}
	all, err := List()
	if err != nil {
		return false, err
	}
	others := 0
	for _, n := range all {
		if n.Lab != lab {
			others++
			continue
		}
		// The bridge goes last: as long as it is there, the next run finds
		// what a killed one left.
		if err := removeNAT(ctx, n.Network); err != nil {
			return removed, err
		}
		if err := takeDown(n.Bridge()); err != nil {
			return removed, fmt.Errorf("remove bridge %s: %v", n.Bridge(), err)
		}
		removed = true
	}
	if others > 0 {
		return removed, nil
	}
	return removed, putSettingsBack("/proc/sys", Run)
}
