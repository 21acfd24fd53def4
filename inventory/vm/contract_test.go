package vm

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// fixture is what an agent from before there was a protocol number wrote.
func fixture(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "138bda7", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The files of agents in the field are read, and written back byte by byte: an
// older agent takes a key that it does not know for damage.
func TestFilesOfEarlierAgents(t *testing.T) {
	files, err := filepath.Glob("testdata/138bda7/vms.d/*.json")
	if err != nil || len(files) != 3 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		data := fixture(t, "vms.d/"+filepath.Base(file))
		f, err := ParseFile(data)
		if err != nil || f.Newer() || f.Unknown != nil {
			t.Errorf("%s: %+v, %v", file, f, err)
			continue
		}
		again, err := f.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(data), string(again)); diff != "" {
			t.Errorf("%s (-have +written)\n%s", file, diff)
		}
	}
}

func TestAnswersOfEarlierAgents(t *testing.T) {
	var vms []Observed
	if err := json.Unmarshal(fixture(t, "vms.json"), &vms); err != nil {
		t.Fatal(err)
	}
	if len(vms) != 4 || vms[0].FileError == "" || vms[1].Link != Existing || vms[2].MAC.String() != "52:54:00:12:34:56" ||
		!vms[2].MultiQueue || vms[2].Routes != 2 || vms[3].Phase != Migrating || vms[3].IPv4 != netip.MustParseAddr("203.0.113.2") {
		t.Errorf("got %+v", vms)
	}
	var s Status
	if err := json.Unmarshal(fixture(t, "status.json"), &s); err != nil {
		t.Fatal(err)
	}
	if s.Version != "138bda7" || s.Protocol != 0 || s.Healthy || len(s.Problems) != 1 || s.VMs.Wanted != 3 || s.FRR.Sessions[0].Name != "rr1" ||
		!strings.HasPrefix(s.Binary.SHA256, "2dd2703f") || s.Config.Node != "node1" {
		t.Errorf("got %+v", s)
	}
	var e Error
	if err := json.Unmarshal(fixture(t, "error.json"), &e); err != nil || e.Msg != "VM web2: 203.0.113.2 is VM web's" || e.Code != "" {
		t.Errorf("got %+v, %v", e, err)
	}
	// What they have always sent is still there, under the same names.
	for name, v := range map[string]any{"vms.json": &vms, "status.json": &s} {
		var before, after any
		now, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(json.Unmarshal(fixture(t, name), &before), json.Unmarshal(now, &after)); err != nil {
			t.Fatal(err)
		}
		if lost := lacks(before, after, ""); lost != "" {
			t.Errorf("%s: %s is gone", name, lost)
		}
	}
}

// lacks names a value of a JSON document that another one does not have.
func lacks(want, have any, at string) string {
	switch w := want.(type) {
	case map[string]any:
		h, _ := have.(map[string]any)
		for k, v := range w {
			if lost := lacks(v, h[k], at+"."+k); lost != "" {
				return lost
			}
		}
		return ""
	case []any:
		h, _ := have.([]any)
		if len(h) != len(w) {
			return at
		}
		for i, v := range w {
			if lost := lacks(v, h[i], fmt.Sprintf("%s[%d]", at, i)); lost != "" {
				return lost
			}
		}
		return ""
	}
	if !cmp.Equal(want, have) {
		return at
	}
	return ""
}

// The JSON of today, whole: a renamed key is seen here.
func TestGoldenOfTheWire(t *testing.T) {
	at := time.Date(2026, 11, 24, 2, 45, 51, 0, time.UTC)
	v := VM{
		Name: "sea_gold", IPv4: netip.MustParseAddr("203.0.113.1"), IPv6: netip.MustParseAddr("2001:db8:100::1"),
		MAC: MAC{0x52, 0x54, 0, 0x12, 0x34, 0x56}, Interface: "sea_gold_net0", Link: Tap, Owner: "root", Group: "kvm", MultiQueue: true,
		Phase: Migrating, Source: Libvirt, Settle: at,
	}
	f := File{VM: v, Version: 2, Unknown: map[string]json.RawMessage{"version": []byte("2"), "vrf": []byte(`{"name":"blue"}`)}}
	file, err := f.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{
		"file": json.RawMessage(file),
		"observed": Observed{VM: v, Present: true, Carrier: true, Routes: 2, Announced: true, Problem: "a problem", Dropped: 3,
			Unannounced: "another node announces it", Silent: []netip.Addr{netip.MustParseAddr("203.0.113.1")}, FileError: "a damaged file"},
		"error": Errorf(DiskFull, "VM web is not added: no space left on device").WithHint("make room"),
		"build": Build{Version: "v1.2.3", Committed: at, Protocol: 1},
		"status": Status{
			Build: Build{Version: "v1.2.3", Committed: at, Protocol: 1}, Binary: Binary{SHA256: "2dd2"}, Started: at, UptimeSec: 60,
			Problems: []string{"a"}, Warnings: []string{},
			Findings: []Finding{{Code: FilterDrops, Level: IsProblem, Text: "a", Hint: "to see it", VMs: []string{"web"}}}, VMs: VMCounts{1, 2, 3, 4, 5}, Routes: 2,
			Config:  Config{File: "/etc/ipfabric/agent.yaml", SHA256: "f456", Fabric: "lab", Node: "node1"},
			FRR:     FRR{Up: true, Sessions: []Session{{Peer: "10.10.0.11", Name: "rr1", Family: "ipv4-unicast", State: "Active"}}},
			Dropped: Dropped{Reasons: map[string]uint64{"spoofed": 1}, VMs: map[string]uint64{"web": 1}}, Reconcile: Reconcile{Last: at},
		},
		"change": Change{Phase: Live},
	}
	data, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "wire.golden.json")
	if *update {
		if err := os.WriteFile(golden, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(data)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAFileOfANewerAgent(t *testing.T) {
	in := `{"name":"a","ip":"203.0.113.1","vrf":{"name":"blue", "id": 7},"version":2,"phase":"live"}`
	f, err := ParseFile([]byte(in))
	if err != nil || !f.Newer() || f.VM.Name != "a" || f.VM.Phase != Live || fmt.Sprint(f.UnknownKeys()) != "[vrf]" {
		t.Fatalf("%+v, %v", f, err)
	}
	f.VM.Phase = Withdrawn
	data, err := f.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	var got, want bytes.Buffer
	if err := errors.Join(json.Compact(&got, data), json.Compact(&want, []byte(
		`{"name":"a","ip":"203.0.113.1","link":"tap","phase":"withdrawn","source":"api","version":2,"vrf":{"name":"blue","id":7}}`))); err != nil {
		t.Fatal(err)
	}
	if got.String() != want.String() {
		t.Errorf("got %s", got.String())
	}
	again, err := ParseFile(data)
	if err != nil || again.Version != 2 || again.VM.Phase != Withdrawn {
		t.Errorf("%+v, %v", again, err)
	}
	// A value that this program does not know.
	f, err = ParseFile([]byte(`{"version":2,"name":"a","ip":"203.0.113.1","phase":"frozen"}`))
	if err == nil || !f.Newer() {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestParseFileRefuses(t *testing.T) {
	for in, want := range map[string]string{
		``:                                   "it is cut off: not a complete JSON object",
		`[]`:                                 "a array does not belong there",
		`null`:                               "a VM needs a name",
		`{"name":"a","ip":"203.0.113.1"} {}`: "there is something after the end of the VM",
		`{"name":"a","ip":"203.0.113.1","version":"2"`: "it is cut off: not a complete JSON object",
		`{"name":"a","ip":"203.0.113.1","version":0}`:  "version 0: write a number, or leave it out",
		`{"name":"a","ip":"203.0.113.1","phase":"x"}`:  `VM a: phase "x": write live, waiting, migrating or withdrawn`,
	} {
		f, err := ParseFile([]byte(in))
		if err == nil || !strings.Contains(err.Error(), want) || f.Newer() {
			t.Errorf("%s: got %v, want %s", in, err, want)
		}
	}
}

func TestCheckProtocol(t *testing.T) {
	for _, tt := range []struct {
		asking, agent int
		code          Code
		msg, hint     string
	}{
		{1, 1, "", "", ""},
		{1, 0, AgentOlder, "the agent is older than this ipfabric: it speaks protocol 0, not 1", "`ipfabric init` updates the agents"},
		{1, 2, IpfabricOlder, "this ipfabric is older than the agent, which speaks protocol 2, not 1", "update ipfabric to the version that the nodes' agents came with"},
	} {
		err := CheckProtocol(tt.asking, tt.agent)
		var e *Error
		if errors.As(err, &e); CodeOf(err) != tt.code || e != nil && (e.Msg != tt.msg || e.Hint() != tt.hint) {
			t.Errorf("%d asks %d: %v", tt.asking, tt.agent, err)
		}
	}
}

func TestNewer(t *testing.T) {
	early, late := time.Unix(1, 0), time.Unix(2, 0)
	for _, tt := range []struct {
		a, b        Build
		newer, back bool // a than b, b than a
	}{
		{Build{Protocol: 2}, Build{Protocol: 1, Committed: late}, true, false},
		{Build{Protocol: 1, Committed: late}, Build{Protocol: 1, Committed: early}, true, false},
		{Build{Protocol: 1, Committed: late, Version: "v1"}, Build{Protocol: 1, Committed: late, Version: "v1-dirty"}, false, false},
		{Build{Protocol: 1, Committed: late}, Build{Protocol: 1}, false, false}, // one's time is not known
	} {
		if tt.a.Newer(tt.b) != tt.newer || tt.b.Newer(tt.a) != tt.back {
			t.Errorf("%s and %s: %v, %v", tt.a, tt.b, tt.a.Newer(tt.b), tt.b.Newer(tt.a))
		}
	}
}

func TestParseError(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want *Error
	}{
		{`{"code":"not-found","error":"there is no VM","hint":"vm list"}`, &Error{NotFound, "there is no VM", "vm list"}},
		{"Welcome to node1\n" + `{"code":"disk-full","error":"x"}` + "\nlogout", &Error{Code: DiskFull, Msg: "x"}},
		{"ipfabric-agent: unknown flag: --protocol\nhint: ipfabric-agent help",
			&Error{AgentOlder, "the agent is older than this ipfabric: it speaks protocol 0, not 1", "`ipfabric init` updates the agents"}},
		{"sh: broken", nil},
		{`{"error":"not of an agent of ours"}`, nil},
	} {
		if diff := cmp.Diff(tt.want, ParseError(tt.in)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.in, diff)
		}
	}
}

func TestErrorOfKeepsAllOfTheText(t *testing.T) {
	err := fmt.Errorf("node1: %w", Errorf(Conflict, "taken").WithHint("take another"))
	if diff := cmp.Diff(&Error{Conflict, "node1: taken", "take another"}, ErrorOf(err, Internal)); diff != "" {
		t.Error(diff)
	}
	if got := ErrorOf(errors.New("x"), Internal); got.Code != Internal || CodeOf(errors.New("x")) != "" {
		t.Errorf("got %+v", got)
	}
}

func FuzzParseFile(f *testing.F) {
	f.Add([]byte(`{"name":"a","ip":"203.0.113.1","vrf":7,"version":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := ParseFile(data)
		if err != nil {
			return
		}
		again, err := file.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseFile(again)
		if err != nil || !back.VM.Same(&file.VM) || back.VM.Phase != file.VM.Phase || back.Version != file.Version || len(back.Unknown) != len(file.Unknown) {
			t.Errorf("%s became %s: %v", data, again, err)
		}
	})
}
