package vm

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	in := `{"name":"sea_gold","ip":"203.0.113.1","ip6":"2001:db8:100::1","mac":"52-54-00-12-34-56"}`
	v, err := Parse([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"name":"sea_gold","ip":"203.0.113.1","ip6":"2001:db8:100::1","mac":"52:54:00:12:34:56",` +
		`"link":"tap","phase":"live","source":"api"}`
	if diff := cmp.Diff(want, string(out)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ in, want string }{
		{``, "it is cut off: not a complete JSON object"},
		{`{"name":"a","ip":"203.0`, "it is cut off: not a complete JSON object"},
		{`{}`, "a VM needs a name"},
		{`{"name":"../etc/passwd","ip":"203.0.113.1"}`, `VM name "../etc/passwd": it must begin with a letter or a digit`},
		{`{"name":"a/b","ip":"203.0.113.1"}`, `VM name "a/b": only letters, digits and _ . - may be in it`},
		{`{"name":"a b","ip":"203.0.113.1"}`, `VM name "a b": only letters, digits and _ . - may be in it`},
		{`{"name":"a$(id)","ip":"203.0.113.1"}`, `VM name "a$(id)": only letters, digits and _ . - may be in it`},
		{`{"name":"` + strings.Repeat("x", 64) + `","ip":"203.0.113.1"}`, `VM name "xxxxxxxxxxxxxxxxxxxx"…: it has 64 characters, 63 is the most`},
		{`{"name":"a"}`, "VM a: it has neither an IPv4 nor an IPv6 address"},
		{`{"name":"a","ip":"300.1.1.1"}`, `ParseAddr("300.1.1.1"): IPv4 field has value >255`},
		{`{"name":"a","ip":"2001:db8::1"}`, "VM a: ip 2001:db8::1 is not an IPv4 address"},
		{`{"name":"a","ip6":"::ffff:203.0.113.1"}`, "VM a: ip6 ::ffff:203.0.113.1 is not an IPv6 address"},
		{`{"name":"a","ip6":"fe80::5"}`, "VM a: fe80::5 is not an address that can be routed to a VM"},
		{`{"name":"a","ip6":"2001:db8::1%eth0"}`, "VM a: ip6 2001:db8::1%eth0 is not an IPv6 address"},
		{`{"name":"a","ip":"127.0.0.1"}`, "VM a: 127.0.0.1 is not an address that can be routed to a VM"},
		{`{"name":"a","ip":"203.0.113.1","mac":"01:00:5e:00:00:01"}`, "VM a: mac 01:00:5e:00:00:01 is not the address of one network card"},
		{`{"name":"a","ip":"203.0.113.1","mac":"zz"}`, `mac "zz": write it as 52:54:00:12:34:56`},
		{`{"name":"a","ip":"203.0.113.1","interface":"../../x"}`, `VM a: interface "../../x": only letters, digits and _ . - ~ may be in it`},
		{`{"name":"a","ip":"203.0.113.1","interface":"..."}`, `VM a: interface "..." cannot be the name of a VM's interface`},
		{`{"name":"...","ip":"203.0.113.1"}`, `VM name "...": it must begin with a letter or a digit`},
		{`{"name":"a","ip":"203.0.113.1","interface":"all"}`, `VM a: interface "all" cannot be the name of a VM's interface`},
		{`{"name":"a","ip":"203.0.113.1","owner":"x; rm"}`, `VM a: owner "x; rm" is not the name or number of one`},
		{`{"name":"a","ip":"203.0.113.1","phase":"gone"}`, `VM a: phase "gone": write live, waiting, migrating or withdrawn`},
		{`{"name":"a","ip":"203.0.113.1","link":"existing","owner":"qemu"}`, "VM a: owner, group and multiqueue are for taps that the agent makes: leave them out, or write link tap"},
		{`{"name":"a","ip":"203.0.113.1","adress":"x"}`, `unknown field "adress"`},
		{`{"name":"a","ip":"203.0.113.1"} {}`, "there is something after the end of the VM"},
		{`{"name":7}`, "name: a number does not belong there"},
	}
	for _, tt := range tests {
		_, err := Parse([]byte(tt.in))
		if err == nil {
			t.Errorf("%s: it was taken", tt.in)
			continue
		}
		if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.in, diff)
		}
	}
}

func TestInterfaceName(t *testing.T) {
	tests := []struct{ name, want string }{
		{"sea_gold", "sea_gold_net0"},
		{"ten_chars_", "ten_chars__net0"}, // 15: as long as it can be
		{"eleven_char", "el~i54t5lq_net0"},
		{"eleven_chas", "el~fsxlcii_net0"},
	}
	for _, tt := range tests {
		got := InterfaceName(tt.name)
		if got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func FuzzCheckName(f *testing.F) {
	for _, s := range []string{"sea_gold", "a", "../x", "a\x00b", "-x", ".", "..", "ü", strings.Repeat("a", 63)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if CheckName(name) != nil {
			return
		}
		if strings.ContainsAny(name, "/\x00 '\"\\$`;&|<>*?~\n\t()") || name[0] == '.' || name[0] == '-' {
			t.Errorf("%q got through", name)
		}
		if err := CheckInterface(InterfaceName(name)); err != nil {
			t.Errorf("the interface of %q: %v", name, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"name":"sea_gold","ip":"203.0.113.1","mac":"52:54:00:12:34:56","phase":"waiting","link":"existing","interface":"x"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Parse(data)
		if err != nil {
			return
		}
		if CheckName(v.Name) != nil || CheckInterface(v.Device()) != nil || len(v.Addrs()) == 0 {
			t.Errorf("%s got through", data)
		}
		again, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		w, err := Parse(again)
		if err != nil {
			t.Fatalf("%s is not taken back: %v", again, err)
		}
		if !v.Same(w) || v.Phase != w.Phase {
			t.Errorf("%s is another VM than %s", again, data)
		}
	})
}
