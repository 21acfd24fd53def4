package firewall

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"ipfabric/steps/frr/conf"
	"ipfabric/steps/host"
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

func TestVersionsOfFirewalld(t *testing.T) {
	for version, want := range map[string]bool{"0.9.3": true, "0.8.2": false, "0.10.0": true, "1.0.0": true, "1.3.3": true, "": false, "x.9": false} {
		if got := hasPolicies(version); got != want {
			t.Errorf("%q: %v", version, got)
		}
	}
}

// One neighbor instead of another is a difference, the same ones are none.
func TestSetsThatDiffer(t *testing.T) {
	f := steptest.Fabric(t, "full")
	s := New(f, conf.NodeNeighbors(f), nil, nil)
	var all []string
	for _, a := range s.in["ipfabric4"] {
		all = append(all, `"`+a.String()+`"`)
	}
	for set, want := range map[string]string{
		"as 2 " + strings.Join(all, " "):                      "",
		"as 2 " + strings.Join(all[1:], " "):                  "firewalld's set ipfabric4 is 1 to add, 0 to remove, want current",
		"as 2 " + strings.Join(all[1:], " ") + ` "192.0.2.9"`: "firewalld's set ipfabric4 is 1 to add, 1 to remove, want current",
		"as 3 " + strings.Join(all, " ") + ` "192.0.2.9"`:     "firewalld's set ipfabric4 is 0 to add, 1 to remove, want current",
	} {
		h := firewallHost(s, "0.9.3", true, set)
		stat := "stat-files.sh"
		var current string
		for _, file := range s.files() {
			stat += " " + file.Path
			current += "644 root:root " + host.Hash(file.Data) + "\n"
		}
		h.Answers[stat] = current
		if diff, err := s.Check(t.Context(), h); err != nil || diff.String() != want {
			t.Errorf("%s: got %v, %v", set, diff, err)
		}
	}
}

// As `firewall-cmd --permanent --new-policy` and its like write them.
func TestFilesOfFirewalld(t *testing.T) {
	f := steptest.Fabric(t, "full")
	s := New(f, conf.NodeNeighbors(f), nil, f.Pools[:1])
	got := map[string]string{}
	for _, file := range s.files() {
		got[strings.TrimPrefix(file.Path, "/etc/firewalld/")] = string(file.Data)
	}
	for path, lines := range map[string][]string{
		"ipsets/ipfabric4.xml":      {`<ipset type="hash:ip">`, `<option name="family" value="inet"/>`, "<entry>10.10.0.11</entry>"},
		"ipsets/ipfabric6.xml":      {`<option name="family" value="inet6"/>`, "<entry>fd00:10::11</entry>"},
		"policies/ipfabric-in.xml":  {`<policy priority="-50" target="CONTINUE">`, `<egress-zone name="HOST"/>`, "  <rule family=\"ipv6\">\n    <source ipset=\"ipfabric6\"/>\n    <port port=\"179\" protocol=\"tcp\"/>\n    <accept/>\n  </rule>\n", `port="3784-3785" protocol="udp"`, `port="4784"`},
		"policies/ipfabric-vms.xml": {`<egress-zone name="ANY"/>`, "    <source address=\"203.0.113.0/24\"/>\n    <accept/>", "    <destination address=\"203.0.113.0/24\"/>\n    <accept/>"},
	} {
		for _, line := range lines {
			if !strings.Contains(got[path], line) {
				t.Errorf("%s: no %s in\n%s", path, line, got[path])
			}
		}
	}
	if len(got) != 4 {
		t.Errorf("%d files", len(got))
	}
	f.BGP.BFD.Enabled = false
	for _, file := range New(f, conf.NodeNeighbors(f), nil, nil).files() {
		if strings.Contains(string(file.Data), "4784") {
			t.Error("BFD is open, though it is off")
		}
	}
}
