package conf

import (
	"bytes"
	"fmt"
	"net/netip"
	"text/template"

	"ipfabric/assets"
	"ipfabric/inventory"
)

// PasswordPlaceholder stands in a gateway's configuration where the operator
// puts the BGP password, which the text never holds.
const PasswordPlaceholder = "BGP-PASSWORD"

// gatewayData is what the templates of assets/gateway see.
type gatewayData struct {
	Core, Fabric          string
	AS                    inventory.ASN
	Communities           string // "65000:100" or "[ 65000:100 65000:200 ]"
	Password              bool
	Placeholder           string
	HoldTime, MaxPrefixes int
	BFD                   *bfdProfile
	Transports            []gatewayTransport
}

type gatewayTransport struct {
	Version, Family         string // "4", "inet"
	Bits                    int
	LocalAddress, FirstNode netip.Addr
	Pools                   []netip.Prefix
	Neighbors               []neighbor
}

// Gateway returns what an operator puts into a core gateway, with the commands
// that check and commit it. It touches no host.
func Gateway(f *inventory.Fabric, core inventory.CoreGateway) (string, error) {
	if core.Vendor != "junos" {
		return "", fmt.Errorf("%s: there is no template for the vendor %q", core.Name, core.Vendor)
	}
	d := gatewayData{
		Core: core.Name, Fabric: f.Name, AS: f.AS, Communities: f.CommunityList(),
		Password: !f.BGP.Password.IsZero(), Placeholder: PasswordPlaceholder,
		HoldTime: seconds(f.BGP.HoldTime), MaxPrefixes: f.BGP.CoreMaxPrefixes,
	}
	if len(f.Communities) > 1 {
		d.Communities = "[ " + d.Communities + " ]" // all of them, as on the reflectors
	}
	if b := f.BGP.BFD; b.Enabled {
		d.BFD = &bfdProfile{b.Multiplier, b.Interval.Milliseconds()}
	}
	for _, t := range f.Transports() {
		gt := gatewayTransport{Version: t.Version, Family: "inet", Bits: 32, Pools: t.Pools, LocalAddress: t.Addr(core.Host)}
		if t.Version == "6" {
			gt.Family, gt.Bits = "inet6", 128
		}
		for _, rr := range f.RouteReflectors {
			if a := t.Addr(rr.Host); a.IsValid() {
				gt.Neighbors = append(gt.Neighbors, neighbor{Address: a, Name: rr.Name})
			}
		}
		if !gt.LocalAddress.IsValid() || len(gt.Neighbors) == 0 {
			continue
		}
		gt.FirstNode = gt.Neighbors[0].Address
		if len(f.Nodes) > 0 {
			gt.FirstNode = t.Addr(f.Nodes[0].Host)
		}
		d.Transports = append(d.Transports, gt)
	}
	tmpl, err := template.ParseFS(assets.Templates("gateway"), core.Vendor+".tmpl")
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := tmpl.Execute(&b, d); err != nil {
		return "", err
	}
	return b.String(), nil
}
