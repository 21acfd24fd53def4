package inventory

import "testing"

func TestParseASN(t *testing.T) {
	good := map[string]ASN{"1": 1, "65000": 65000, "65536": 65536, "4200000000": 4200000000, "1.10": 65546, "0.65000": 65000, "4294967294": 4294967294}
	for s, want := range good {
		got, err := ParseASN(s)
		if err != nil || got != want {
			t.Errorf("%s: got %d, %v, want %d", s, got, err, want)
		}
	}
	bad := []string{"", "0", "23456", "65535", "4294967295", "4294967296", "-1", "+1", "65_000", "0x10", "AS65000", " 65000", "1.", ".1", "1.65536", "65536.1", "0.0", "0.23456", "0.65535", "65535.65535", "1.2.3", "6e4"}
	for _, s := range bad {
		if got, err := ParseASN(s); err == nil {
			t.Errorf("%q is %d", s, got)
		}
	}
}

func TestASNForms(t *testing.T) {
	for n, want := range map[ASN][2]string{65000: {"65000", "65000"}, 65546: {"65546", "1.10"}, 4200000000: {"4200000000", "64086.59904"}} {
		if n.String() != want[0] || n.Asdot() != want[1] {
			t.Errorf("got %s and %s, want %v", n, n.Asdot(), want)
		}
		if back, err := ParseASN(n.Asdot()); err != nil || back != n {
			t.Errorf("%s reads as %d, %v", n.Asdot(), back, err)
		}
	}
}

func TestParseCommunity(t *testing.T) {
	for _, s := range []string{"65000:100", "1:0", "0:1", "65534:65535"} {
		m, err := ParseCommunity(s)
		if err != nil || m.String() != s {
			t.Errorf("%s: got %s, %v", s, m, err)
		}
	}
	for _, s := range []string{"", ":", "1", "1:", ":1", "1:2:3", "65536:1", "1:65536", "-1:1", "+1:1", "0:0", "65535:0", "65535:666", "65535:65281", "no-export", "1: 1", "０:1"} {
		if m, err := ParseCommunity(s); err == nil {
			t.Errorf("%q is %s", s, m)
		}
	}
}
