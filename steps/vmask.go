package steps

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"ipfabric/inventory"
)

// fewRoutes is up to how many addresses are asked for one by one. Beyond that a
// table of all routes is less to read, and the arguments stay short enough for
// any number of VMs.
const fewRoutes = 48

// askRoutes asks bgpd for the ways to these addresses. Both questions look at
// what was accepted: on a reflector that is what has the fabric's communities.
func askRoutes(ctx context.Context, f *inventory.Fabric, r Reader, addrs []netip.Addr) (vmRoutes, error) {
	routes := vmRoutes{}
	if len(addrs) == 0 {
		return routes, nil
	}
	question, table := routeQuestion(addrs)
	out, err := r.Query(ctx, question...)
	if err == nil && table {
		out, err = unpack(out)
	}
	if err != nil {
		return nil, err
	}
	if strings.Contains(out, "bgpd is not running") { // which vtysh takes for no failure
		return nil, errFRR("its bgpd does not run")
	}
	if err := routes.read(f, out); err != nil {
		return nil, err
	}
	return routes, nil
}

// routeQuestion is the command that asks for the ways to some addresses, and
// whether its answer is packed tables of all routes.
func routeQuestion(addrs []netip.Addr) (argv []string, table bool) {
	var few []string
	var families [2]bool
	for _, a := range addrs {
		few = append(few, showRoute(a)+" json")
		families[a.BitLen()/128] = true
	}
	if len(addrs) <= fewRoutes {
		return vtysh(few...), false
	}
	var tables []string
	for i, name := range []string{"ipv4", "ipv6"} {
		if families[i] {
			tables = append(tables, fmt.Sprintf("show bgp %s unicast json", name))
		}
	}
	return packed(vtysh(tables...)...), true
}

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
	case hung(err):
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

// saidBy is what a command that failed printed.
func saidBy(err error) string {
	var e interface{ Said() string }
	if errors.As(err, &e) {
		return e.Said()
	}
	return ""
}

// routesAt asks one host's bgpd. The error names the host.
func (c *VMControl) routesAt(ctx context.Context, host string, addrs []netip.Addr) (vmRoutes, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	h, err := c.Connect(ctx, host)
	if err != nil {
		return nil, err
	}
	routes, err := askRoutes(ctx, c.Fabric, h, addrs)
	if err == nil {
		return routes, nil
	}
	if NamesHost(err, host) {
		return nil, err // of the connection
	}
	hr, _ := c.Fabric.Host(host)
	return nil, &VMError{Kind: VMSilent, Msg: host + ": its routes are not known", Err: frrError(err),
		Next: fmt.Sprintf("`ipfabric verify` says how FRR on %s is; there: %s", host, sshLine(c.Fabric, hr.Host, "systemctl status frr"))}
}
