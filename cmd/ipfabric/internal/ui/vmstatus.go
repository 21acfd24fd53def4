package ui

import (
	"fmt"
	"strings"

	"ipfabric/steps/vms"
)

// VMStatus says how VMs of one name are: the state first, problems, and then what there is to know.
// There are more than one only while it is being moved.
func VMStatus(all []vms.Listed, paint func(Style, string) string) string {
	var b strings.Builder
	for _, v := range all {
		fmt.Fprintf(&b, "%s on %s: %s\n", paint(Bold, v.Name), v.Node, paint(vmStyle(v.State), v.State))
		for _, p := range v.Problems {
			b.WriteString("  " + paint(red, "problem") + "  " + p + "\n")
		}
		b.WriteString(vmDetails(v).Render(paint))
	}
	return b.String()
}

func vmDetails(v vms.Listed) *Table {
	t := &Table{indent: "  "}
	add := func(name, value string) {
		if value != "" {
			t.Row(Cell{name, Plain}, Cell{value, Plain})
		}
	}
	switch v.State {
	case "waiting", "no interface", "held back", "drained": // the other states say it all
		add("because", v.Hindrance())
	}
	var addrs, rrs []string
	for _, a := range v.Addrs() {
		addrs = append(addrs, a.String())
	}
	for _, s := range v.Seen {
		rrs = append(rrs, s.RR+" "+s.Status)
	}
	add("addresses", strings.Join(addrs, ", "))
	add("its routes on", strings.Join(rrs, ", "))
	add("interface", v.Interface)
	add("link", string(v.Link))
	add("MAC", v.MAC.String())
	add("owner", v.Owner)
	add("group", v.Group)
	add("wanted by", string(v.Source))
	if v.Dropped > 0 {
		add("dropped", fmt.Sprintf("%d packets in the last day that were not its to send", v.Dropped))
	}
	return t
}
