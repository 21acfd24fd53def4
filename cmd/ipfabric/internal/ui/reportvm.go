package ui

import (
	"fmt"
	"slices"
	"strings"

	"ipfabric/steps/step"
	"ipfabric/steps/verify"
)

// mostVMs is how many VMs of one node a report for people lists with the same
// status. A reflector that is out of order may be lacking all of them.
const mostVMs = 5

// What the line about all VMs calls those that are not simply in a state.
const (
	vmFailed     = "failed"
	vmNotChecked = "not checked"
)

// vmWords are the groups of that line, in its order.
var vmWords = []string{"announced", "migrating", "waiting", "withdrawn", "off", "drained", "without a guest", "without an interface", vmNotChecked, vmFailed}

// vmLine says in one line how the VMs are, "" if there are none.
func vmLine(r *verify.Report, paint func(Style, string) string) string {
	groups := map[string]string{} // by name: one that moves is on two nodes
	var strays int
	var unknown []string
	for _, v := range r.VMs {
		switch group := vmGroup(v); {
		case v.VM == "" && v.State == "unknown":
			unknown = append(unknown, v.Node)
		case v.VM == "":
			strays++
		case weight(group) >= weight(groups[v.VM]):
			groups[v.VM] = group
		}
	}
	var parts []string
	if len(groups) > 0 {
		parts = append(parts, vmCounts(groups, paint))
	}
	if strays > 0 {
		parts = append(parts, paint(red, Count(strays, "stray route")))
	}
	if len(unknown) > 0 {
		parts = append(parts, paint(yellow, "the VMs of "+step.AndList(unknown)+" are not known"))
	}
	return strings.Join(parts, "; ")
}

func vmGroup(v verify.VMCheck) string {
	switch {
	case v.Status == verify.Bad:
		return vmFailed
	case v.Status == verify.NotChecked:
		return vmNotChecked
	case v.State == "no guest":
		return "without a guest"
	case v.State == "no interface":
		return "without an interface"
	}
	return v.State
}

// weight decides as what a VM on two nodes counts.
func weight(group string) int {
	return slices.Index([]string{"announced", "migrating", vmNotChecked, vmFailed}, group)
}

// vmCounts gives "5 VMs, all announced", or how many are what.
func vmCounts(groups map[string]string, paint func(Style, string) string) string {
	counts := map[string]int{}
	for _, g := range groups {
		counts[g]++
	}
	total := Count(len(groups), "VM")
	switch {
	case counts["announced"] == len(groups) && len(groups) == 1:
		return total + ", announced"
	case counts["announced"] == len(groups):
		return total + ", all announced"
	}
	var parts []string
	for _, word := range vmWords {
		if n := counts[word]; n > 0 {
			text := fmt.Sprintf("%d %s", n, word)
			if word == vmFailed {
				text = paint(red, text)
			}
			parts = append(parts, text)
		}
	}
	return total + ": " + strings.Join(parts, ", ")
}

// vmName is what a check is about.
func vmName(v verify.VMCheck) string {
	switch {
	case v.VM != "":
		return "VM " + v.VM + " on " + v.Node
	case v.IPv4.IsValid():
		return v.IPv4.String()
	case v.IPv6.IsValid():
		return v.IPv6.String()
	}
	return v.Node + " VMs"
}

// fewVMs keeps the first few findings about VMs of each node and status, and says at the end how
// many are left out.
func fewVMs(all []verify.Finding) []verify.Finding {
	type group struct {
		node   string
		status verify.Status
	}
	listed := map[group]int{}
	var full []group
	var out []verify.Finding
	for _, f := range all {
		if f.VM == nil {
			out = append(out, f)
			continue
		}
		g := group{f.VM.Node, f.Status}
		if listed[g]++; listed[g] <= mostVMs {
			out = append(out, f)
		}
		if listed[g] == mostVMs+1 {
			full = append(full, g)
		}
	}
	for _, g := range full {
		out = append(out, verify.Finding{
			Names: []string{g.node}, Status: g.status, Detail: fmt.Sprintf("%d more of its VMs or routes", listed[g]-mostVMs),
			Hint: "`ipfabric verify --json` has all of them, `ipfabric vm list` an overview",
		})
	}
	return out
}
