package main

import (
	"cmp"
	"fmt"
	"net/netip"

	"ipfabric/inventory"
	"ipfabric/steps/vms"
)

// vmTable lists VMs, with a column for each route reflector.
func vmTable(f *inventory.Fabric, all []vms.Listed) *table {
	t := &table{}
	titles := []string{"NAME", "NODE", "IP", "IP6", "INTERFACE", "STATE"}
	var rrs []string
	for _, rr := range f.RouteReflectors {
		if rr.Managed {
			rrs, titles = append(rrs, rr.Name), append(titles, rr.Name)
		}
	}
	t.head(titles...)
	for _, v := range all {
		row := []cell{
			{v.Name, bold}, {v.Node, plain}, {addrCell(v.IPv4), plain}, {addrCell(v.IPv6), plain},
			{cmp.Or(v.Interface, "-"), plain}, {v.State(), vmStyle(v.VM)},
		}
		for _, rr := range rrs {
			row = append(row, seenCell(v, rr))
		}
		t.row(row...)
	}
	return t
}

func addrCell(a netip.Addr) string {
	if !a.IsValid() {
		return "-"
	}
	return a.String()
}

func vmStyle(v vms.VM) style {
	switch v.State() {
	case "announced":
		return green
	case "problem":
		return red
	case "off":
		return dim
	}
	return yellow
}

func seenCell(v vms.Listed, rr string) cell {
	for _, s := range v.Seen {
		if s.RR != rr {
			continue
		}
		switch {
		case s.Status == vms.SeenYes:
			return cell{s.Status, green}
		case s.Status == vms.SeenNo && !v.Announced:
			return cell{s.Status, dim}
		case s.Status == vms.SeenUnknown:
			return cell{"?", yellow}
		}
		return cell{s.Status, red}
	}
	return cell{"-", dim}
}

// vmProblems has a line for each problem.
func vmProblems(all []vms.Listed, paint func(style, string) string) string {
	text := ""
	for _, v := range all {
		for _, p := range v.Problems {
			text += fmt.Sprintf("%s  %s on %s: %s\n", paint(red, "problem"), v.Name, v.Node, p)
		}
	}
	if text == "" {
		return ""
	}
	return "\n" + text
}

// vmDetails is what the table has no room for.
func vmDetails(all []vms.Listed) string {
	t := &table{}
	add := func(name, value string) {
		if value != "" {
			t.row(cell{name, plain}, cell{value, plain})
		}
	}
	for _, v := range all {
		if len(all) > 1 {
			add("on", v.Node)
		}
		add("MAC", v.MAC)
		add("link", v.Link)
		add("owner", v.Owner)
		add("group", v.Group)
		add("wanted by", v.Source)
		if v.Dropped > 0 {
			add("dropped", fmt.Sprintf("%d packets in the last day that were not its to send", v.Dropped))
		}
		if v.Problem == "" {
			add("not announced", v.Hindrance())
			add("guest", v.GuestMissing())
		}
	}
	return "\n" + t.render(noStyle)
}
