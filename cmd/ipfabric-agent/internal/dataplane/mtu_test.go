package dataplane

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Below 1280 the kernel has no IPv6 on a link, so that what the VM wants of it
// cannot be: it keeps its IPv4.
func TestATakenLinkWithoutRoomForIPv6(t *testing.T) {
	w := For(seaGold(), fabric)
	seen := asWanted(w, 7)
	l := seen.Links[w.Device]
	l.Alias, l.MTU = aliasTaken+w.VM, 1000
	l.Addrs, l.Neighbors, seen.Routes = l.Addrs[:1], l.Neighbors[:1], seen.Routes[:1]
	for key := range l.Settings {
		if strings.HasPrefix(key, "ipv6/") {
			delete(l.Settings, key)
		}
	}
	got := Plan([]Want{w}, seen, never)
	if diff := cmp.Diff([]string{}, ops(got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	s := got.States[w.VM]
	if want := "the VM has no IPv6: the MTU of interface sea_gold_net0 is 1000"; !s.Present || s.Routes != 1 || !strings.HasPrefix(s.Problem, want) {
		t.Errorf("got %+v", s)
	}
}
