package firewall

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"ipfabric/steps/frr/conf"
	"ipfabric/steps/step/steptest"
)

// firewallHost runs firewalld, which has loaded what is in policies and sets.
func firewallHost(s open, version string, loaded bool, set string) *steptest.Host {
	h := &steptest.Host{Files: map[string]string{}, Status: map[string]int{}, Answers: map[string]string{"firewall-cmd --quiet --reload": "", "firewall-cmd --quiet --check-config": ""}}
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
	h.Answers["firewalld-state.sh "+strings.Join(s.policyNames(), " ")+" "+strings.Join(s.setNames(), " ")] = out
	stat := "stat-files.sh"
	var absent string
	for _, f := range s.files() {
		stat += " " + f.Path
		absent += "absent\n"
		h.Answers[steptest.Settled("root:root")+f.Path] = ""
	}
	h.Answers[stat] = absent
	return h
}

func TestFirewalldThatHasNothingIsReloadedOnce(t *testing.T) {
	f := steptest.Fabric(t, "full")
	s := New(f, conf.ReflectorNeighbors(f, f.RouteReflectors[0]), nil, f.Pools)
	h := firewallHost(s, "0.9.3", false, "")
	diff, err := s.Check(t.Context(), h)
	if err != nil || !strings.Contains(diff.String(), "loaded; the reload forgets rules that are not permanent") {
		t.Errorf("got %v, %v", diff, err)
	}
	if err := s.Apply(t.Context(), h); err != nil {
		t.Error(err)
	}
	if steptest.Position(t, h, "firewall-cmd --quiet --reload") < steptest.Position(t, h, "write /etc/firewalld/policies/ipfabric-vms.xml") {
		t.Error("reloaded before the files were there")
	}
	if !strings.Contains(h.Files["/etc/firewalld/policies/ipfabric-vms.xml"], `<destination address="203.0.113.0/24"/>`) {
		t.Error("VMs may not be reached")
	}
}

// A reload stops new connections for a moment, and BFD is always new.
func TestANewNeighborNeedsNoReload(t *testing.T) {
	f := steptest.Fabric(t, "full")
	s := New(f, conf.ReflectorNeighbors(f, f.RouteReflectors[0]), nil, nil)
	h := firewallHost(s, "1.3.3", true, `as 2 "10.10.0.1" "192.0.2.9"`)
	delete(h.Answers, "firewall-cmd --quiet --reload")
	add := "firewall-cmd --quiet --ipset=ipfabric4"
	for _, a := range s.in["ipfabric4"] {
		if a.String() != "10.10.0.1" {
			add += " --add-entry=" + a.String()
		}
	}
	h.Answers[add] = ""
	h.Answers["firewall-cmd --quiet --ipset=ipfabric4 --remove-entry=192.0.2.9"] = ""
	diff, err := s.Check(t.Context(), h)
	if err != nil || !strings.Contains(diff.String(), "firewalld's set ipfabric4 is 3 to add, 1 to remove") {
		t.Errorf("got %v, %v", diff, err)
	}
	if err := s.Apply(t.Context(), h); err != nil {
		t.Error(err)
	}
	steptest.Position(t, h, "firewall-cmd --quiet --ipset=ipfabric4 --remove-entry=192.0.2.9")
}

// A firewalld that cannot load its configuration lets nobody in.
func TestFirewalldIsNotReloadedIntoWhatItRefuses(t *testing.T) {
	f := steptest.Fabric(t, "full")
	s := New(f, conf.NodeNeighbors(f), nil, f.Pools)
	h := firewallHost(s, "0.9.3", false, "")
	h.Status["firewall-cmd --quiet --check-config"] = 101
	for _, file := range s.files() {
		h.Answers["rm -f "+file.Path] = ""
	}
	if err := s.Apply(t.Context(), h); err == nil {
		t.Error("no error")
	}
	steptest.Position(t, h, "rm -f /etc/firewalld/policies/ipfabric-in.xml")
	if slices.Contains(h.Log, "firewall-cmd --quiet --reload") {
		t.Error("reloaded")
	}
}

func TestFirewalldOff(t *testing.T) {
	f := steptest.Fabric(t, "full")
	s := New(f, conf.NodeNeighbors(f), nil, f.Pools)
	h := firewallHost(s, "0.8.2", false, "")
	var old errOldFirewall
	if _, err := s.Check(t.Context(), h); !errors.As(err, &old) {
		t.Errorf("an old firewalld: %v", err)
	}
	look := "firewalld-state.sh " + strings.Join(s.policyNames(), " ") + " " + strings.Join(s.setNames(), " ")
	h.Answers[look] = "version 0.9.3\nno sets\n"
	if _, err := s.Check(t.Context(), h); !errors.Is(err, errNoSets{}) {
		t.Errorf("without ipset: %v", err)
	}
	h.Answers[look] = "off\n"
	if diff, err := s.Check(t.Context(), h); err != nil || len(diff) > 0 {
		t.Errorf("without firewalld: %v, %v", diff, err)
	}
}

func TestVXLANIsOpenForTheOtherNodes(t *testing.T) {
	f := steptest.Fabric(t, "full")
	f.VXLAN = true
	s := New(f, conf.NodeNeighbors(f), conf.VTEPs(f, f.Nodes[0]), f.Pools)
	for _, p := range s.policies() {
		for _, r := range p.rules {
			if r.set == "ipfabric-vtep4" && r.text() == `rule family="ipv4" source ipset="ipfabric-vtep4" port port="4789" protocol="udp" accept` {
				return
			}
		}
	}
	t.Error("VXLAN is closed")
}
