package steps

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// firewallHost runs firewalld, which has loaded what is in policies and sets.
func firewallHost(s firewallOpen, version string, loaded bool, set string) *fakeHost {
	h := &fakeHost{files: map[string]string{}, status: map[string]int{}, answers: map[string]string{"firewall-cmd --quiet --reload": "", "firewall-cmd --quiet --check-config": ""}}
	out := "version " + version + "\n"
	for _, p := range s.policies() {
		text := "none"
		if loaded {
			text = `a{sv} 3 "priority" i -50 "rich_rules" as 9`
			for _, r := range p.rules {
				text += ` "` + strings.ReplaceAll(r.text(), `"`, `\"`) + `"`
			}
		}
		out += "policy " + p.name + " " + text + "\n"
	}
	for _, name := range s.setNames() {
		switch {
		case !loaded:
			out += "set " + name + " none\n"
		case name == "ipfabric4":
			out += "set " + name + " " + set + "\n"
		default:
			text := "as 9"
			for _, a := range s.in[name] {
				text += ` "` + a.String() + `"`
			}
			out += "set " + name + " " + text + "\n"
		}
	}
	h.answers["firewalld-state.sh "+strings.Join(s.policyNames(), " ")+" "+strings.Join(s.setNames(), " ")] = out
	stat := "stat-files.sh"
	var absent string
	for _, f := range s.files() {
		stat += " " + f.path
		absent += "absent\n"
		h.answers[settled("root:root")+f.path] = ""
	}
	h.answers[stat] = absent
	return h
}

func TestFirewalldThatHasNothingIsReloadedOnce(t *testing.T) {
	f := testFabric(t, "full")
	s := newFirewall(f, reflectorNeighbors(f, f.RouteReflectors[0]), nil, f.Pools)
	h := firewallHost(s, "0.9.3", false, "")
	diff, err := s.Check(t.Context(), h)
	if err != nil || !strings.Contains(diff.String(), "loaded; the reload forgets rules that are not permanent") {
		t.Errorf("got %v, %v", diff, err)
	}
	if err := s.Apply(t.Context(), h); err != nil {
		t.Error(err)
	}
	if position(t, h, "firewall-cmd --quiet --reload") < position(t, h, "write /etc/firewalld/policies/ipfabric-vms.xml") {
		t.Error("reloaded before the files were there")
	}
	if !strings.Contains(h.files["/etc/firewalld/policies/ipfabric-vms.xml"], `<destination address="203.0.113.0/24"/>`) {
		t.Error("VMs may not be reached")
	}
}

// A reload stops new connections for a moment, and BFD is always new.
func TestANewNeighborNeedsNoReload(t *testing.T) {
	f := testFabric(t, "full")
	s := newFirewall(f, reflectorNeighbors(f, f.RouteReflectors[0]), nil, nil)
	h := firewallHost(s, "1.3.3", true, `as 2 "10.10.0.1" "192.0.2.9"`)
	delete(h.answers, "firewall-cmd --quiet --reload")
	add := "firewall-cmd --quiet --ipset=ipfabric4"
	for _, a := range s.in["ipfabric4"] {
		if a.String() != "10.10.0.1" {
			add += " --add-entry=" + a.String()
		}
	}
	h.answers[add] = ""
	h.answers["firewall-cmd --quiet --ipset=ipfabric4 --remove-entry=192.0.2.9"] = ""
	diff, err := s.Check(t.Context(), h)
	if err != nil || !strings.Contains(diff.String(), "firewalld's set ipfabric4 is 3 to add, 1 to remove") {
		t.Errorf("got %v, %v", diff, err)
	}
	if err := s.Apply(t.Context(), h); err != nil {
		t.Error(err)
	}
	position(t, h, "firewall-cmd --quiet --ipset=ipfabric4 --remove-entry=192.0.2.9")
}

// A firewalld that cannot load its configuration lets nobody in.
func TestFirewalldIsNotReloadedIntoWhatItRefuses(t *testing.T) {
	f := testFabric(t, "full")
	s := newFirewall(f, nodeNeighbors(f), nil, f.Pools)
	h := firewallHost(s, "0.9.3", false, "")
	h.status["firewall-cmd --quiet --check-config"] = 101
	for _, file := range s.files() {
		h.answers["rm -f "+file.path] = ""
	}
	if err := s.Apply(t.Context(), h); err == nil {
		t.Error("no error")
	}
	position(t, h, "rm -f /etc/firewalld/policies/ipfabric-in.xml")
	if slices.Contains(h.log, "firewall-cmd --quiet --reload") {
		t.Error("reloaded")
	}
}

func TestFirewalldOff(t *testing.T) {
	f := testFabric(t, "full")
	s := newFirewall(f, nodeNeighbors(f), nil, f.Pools)
	h := firewallHost(s, "0.8.2", false, "")
	var old errOldFirewall
	if _, err := s.Check(t.Context(), h); !errors.As(err, &old) {
		t.Errorf("an old firewalld: %v", err)
	}
	look := "firewalld-state.sh " + strings.Join(s.policyNames(), " ") + " " + strings.Join(s.setNames(), " ")
	h.answers[look] = "version 0.9.3\nno sets\n"
	if _, err := s.Check(t.Context(), h); !errors.Is(err, errNoSets{}) {
		t.Errorf("without ipset: %v", err)
	}
	h.answers[look] = "off\n"
	if diff, err := s.Check(t.Context(), h); err != nil || len(diff) > 0 {
		t.Errorf("without firewalld: %v, %v", diff, err)
	}
}

func TestVXLANIsOpenForTheOtherNodes(t *testing.T) {
	f := testFabric(t, "full")
	f.VXLAN = true
	s := newFirewall(f, nodeNeighbors(f), vteps(f, f.Nodes[0]), f.Pools)
	for _, p := range s.policies() {
		for _, r := range p.rules {
			if r.set == "ipfabric-vtep4" && r.text() == `rule family="ipv4" source ipset="ipfabric-vtep4" port port="4789" protocol="udp" accept` {
				return
			}
		}
	}
	t.Error("VXLAN is closed")
}
