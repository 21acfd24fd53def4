package lab

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUsableResolvers(t *testing.T) {
	for _, tt := range []struct {
		in, want string
		ok       bool
	}{
		{"# by hand\nsearch example.org\nnameserver 192.0.2.53\noptions edns0\n", "search example.org\nnameserver 192.0.2.53\noptions edns0\n", true},
		{"nameserver 127.0.0.53\nnameserver 192.0.2.53", "nameserver 192.0.2.53\n", true},
		{"nameserver 2001:db8::53\nnameserver fe80::1%eth0\nnameserver\n", "", false},
		{"nameserver 127.0.0.53\n", "", false},
		{"", "", false},
	} {
		got, ok := usableResolvers(tt.in)
		if got != tt.want || ok != tt.ok {
			t.Errorf("%q: got %q, %v, want %q, %v", tt.in, got, ok, tt.want, tt.ok)
		}
	}
}

func TestMountPoints(t *testing.T) {
	const mountinfo = `27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
44 27 0:39 / /srv/my\040lab/machines/rr1/root rw - overlay overlay rw
45 44 0:40 / /srv/my\040lab/machines/rr1/root/proc rw - proc proc rw
46 27 0:41 / /srv/my\040lab/machines2 rw - tmpfs tmpfs rw
`
	want := []string{"/srv/my lab/machines/rr1/root", "/srv/my lab/machines/rr1/root/proc"}
	if diff := cmp.Diff(want, mountPoints(mountinfo, "/srv/my lab/machines")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
