package inventory

import "strings"

// whole checks that the fabric has the hosts that the VMs' traffic needs, and
// warns where a single failure would stop that traffic.
func (c *checker) whole(raw *rawFabric, top at) {
	reflectors := orPlace(raw.RouteReflectors.at, top)
	if !raw.RouteReflectors.bad && len(raw.RouteReflectors.items) == 0 {
		c.errorf(reflectors, "write route_reflectors: [{name: rr1, addresses: [10.10.0.11]}], and better two than one", "the fabric has no route reflector")
	}
	if len(raw.RouteReflectors.items) == 1 {
		c.warnf(reflectors, "add a second one", "the fabric has one route reflector: without it, core gateways forget all VMs")
	}
	for _, v4 := range []bool{true, false} {
		c.reflected(reflectors, v4)
	}
	if !raw.CoreGateways.bad && len(raw.CoreGateways.items) == 0 {
		c.warnf(orPlace(raw.CoreGateways.at, top), "add your routers under core_gateways", "the fabric has no core gateway: nothing brings in traffic from outside")
	}
	if !raw.Nodes.bad && len(raw.Nodes.items) == 0 {
		c.warnf(orPlace(raw.Nodes.at, top), "add your hypervisors under nodes", "the fabric has no node yet")
	}
}

// reflected checks that there are reflectors for the VMs' routes of one IP version.
func (c *checker) reflected(where at, v4 bool) {
	if c.reflectorRefused || !c.hasPool(v4) || len(c.f.RouteReflectors) == 0 {
		return
	}
	version, example := "IPv4", "10.10.0.11"
	if !v4 {
		version, example = "IPv6", `"fd00:10::11"`
	}
	var carriers []string
	for _, rr := range c.f.RouteReflectors {
		if v4 && rr.IPv4.IsValid() || !v4 && rr.IPv6.IsValid() {
			carriers = append(carriers, rr.Name)
		}
	}
	if len(carriers) == 0 {
		c.errorf(where, "add one to the addresses of a route reflector, such as "+example, "there is an %s pool, and no route reflector has an %s address", version, version)
	}
	if evpn := c.f.VXLAN && (v4 || !c.hasPool(true)); evpn && len(carriers) > 0 && len(carriers) < len(c.f.RouteReflectors) {
		c.errorf(where, "add one to the addresses of each", "EVPN is carried by the %s sessions, and not every route reflector has an %s address", version, version)
		return
	}
	if len(carriers) == 1 && len(c.f.RouteReflectors) > 1 {
		c.warnf(where, "add one to the addresses of another", "only %s has an %s address: without it, core gateways forget all %s addresses of VMs", strings.Join(carriers, ""), version, version)
	}
}
