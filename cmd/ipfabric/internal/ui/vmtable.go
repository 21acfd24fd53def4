package ui

import (
	"cmp"
	"fmt"
	"net/netip"

	"ipfabric/inventory"
	"ipfabric/steps/vms"
)

// VMTable lists VMs, with a column for each route reflector.
func VMTable(f *inventory.Fabric, all []vms.Listed) *Table {
	t := &Table{}
	titles := []string{"NAME", "NODE", "IP", "IP6", "INTERFACE", "STATE"}
	var rrs []string
	for _, rr := range f.RouteReflectors {
		if rr.Managed {
			rrs, titles = append(rrs, rr.Name), append(titles, rr.Name)
		}
	}
	t.Head(titles...)
	for _, v := range all {
		row := []Cell{
			{v.Name, Bold}, {v.Node, Plain}, {addrCell(v.IPv4), Plain}, {addrCell(v.IPv6), Plain},
			{cmp.Or(v.Interface, "-"), Plain}, {v.State, vmStyle(v.State)},
		}
		for _, rr := range rrs {
			row = append(row, seenCell(v, rr))
		}
		t.Row(row...)
	}
	return t
}

func addrCell(a netip.Addr) string {
	if !a.IsValid() {
		return "-"
	}
	return a.String()
}

func vmStyle(state string) Style {
	switch state {
	case "announced":
		return green
	case "problem":
		return red
	case "off":
		return Dim
	}
	return yellow
}

func seenCell(v vms.Listed, rr string) Cell {
	for _, s := range v.Seen {
		if s.RR != rr {
			continue
		}
		switch {
		case s.Status == vms.SeenYes:
			return Cell{s.Status, green}
		case s.Status == vms.SeenNo && !v.Announced:
			return Cell{s.Status, Dim}
		case s.Status == vms.SeenUnknown:
			return Cell{"?", yellow}
		}
		return Cell{s.Status, red}
	}
	return Cell{"-", Dim}
}

// VMProblems has what an operator should look at, each with what to do.
func VMProblems(l vms.List, paint func(Style, string) string) string {
	text := ""
	for _, f := range l.Notable() {
		word := paint(yellow, "warning")
		if f.Status == vms.Bad {
			word = paint(red, "problem")
		}
		text += fmt.Sprintf("%s  %s: %s\n", word, vmFindingName(f), f.Text)
		if f.Hint != "" {
			text += Indent("    ", f.Hint)
		}
	}
	if text == "" {
		return ""
	}
	return "\n" + text
}

// vmFindingName says what a finding is about: a VM, a route, or a node.
func vmFindingName(f vms.Finding) string {
	switch {
	case f.VM != "":
		return f.VM + " on " + f.Node
	case f.Addr.IsValid():
		return f.Addr.String()
	}
	return f.Node
}
