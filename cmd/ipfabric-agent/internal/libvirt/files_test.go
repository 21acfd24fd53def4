package libvirt

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"ipfabric/inventory/vm"
)

const card = `<interface type='ethernet'><mac address='52:54:00:00:00:01'/><target dev='sea_gold_net0' managed='no'/></interface>`

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestDefinitions(t *testing.T) {
	dir := t.TempDir()
	d := &Definitions{Dir: dir}
	if got := (&Definitions{Dir: filepath.Join(dir, "nowhere")}).VMs(); got != nil {
		t.Errorf("without libvirt: %v", got)
	}
	file := filepath.Join(dir, "sea_gold.xml")
	write(t, file, "<!-- AUTO-GENERATED -->\n"+xmlOf(ours, card))
	write(t, filepath.Join(dir, "other.xml"), xmlOf("", card))
	write(t, filepath.Join(dir, "broken.xml"), "<domain")
	got := d.VMs()
	if len(got) != 1 || got[0].Name != "sea_gold" || got[0].Phase != vm.Off || len(got[0].Addrs()) != 2 {
		t.Fatalf("got %+v", got)
	}
	// One address that is mistyped does not give the other away, nor does a card
	// that is somebody else's.
	write(t, file, xmlOf(strings.ReplaceAll(ours, "2001:db8:100::1", "2001:db8"), ""))
	got = d.VMs()
	if len(got) != 1 || got[0].IPv4 != netip.MustParseAddr("203.0.113.1") || got[0].IPv6.IsValid() {
		t.Errorf("a changed file: %+v", got)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if got := d.VMs(); len(got) != 0 {
		t.Errorf("undefined: %+v", got)
	}
}

func TestRunning(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "sea_gold.xml")
	status := func(state string, pid int, metadata string) string {
		return "<domstatus state='" + state + "' reason='booted' pid='" + strconv.Itoa(pid) + "'><vcpus/>" + xmlOf(metadata, card) + "</domstatus>"
	}
	write(t, filepath.Join(dir, "default.xml"), "<networkstatus/>")
	for _, tt := range []struct {
		name, text string
		want       int
		runs       bool
	}{
		{"it runs", status("running", os.Getpid(), ours), 1, true},
		{"it arrives", status("paused", os.Getpid(), ours), 1, false},
		{"its QEMU is gone", status("running", 1<<22+1, ours), 0, false},
	} {
		write(t, file, tt.text)
		got := Running(dir)
		if len(got) != tt.want {
			t.Fatalf("%s: got %+v", tt.name, got)
		}
		if tt.want == 1 && (got[0].Runs != tt.runs || got[0].Err != nil || got[0].VM == nil || got[0].VM.Link != vm.Tap) {
			t.Errorf("%s: got %+v", tt.name, got[0])
		}
	}
	write(t, file, status("running", os.Getpid(), strings.ReplaceAll(ours, "203.0.113.1", "x")))
	if got := Running(dir); len(got) != 1 || got[0].Err == nil {
		t.Errorf("metadata that cannot be used: %+v", got)
	}
}

func TestExpectedTap(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"as documented", xmlOf(ours, card), "sea_gold_net0"},
		{"with metadata that cannot be used", xmlOf(strings.ReplaceAll(ours, "203.0.113.1", "x"), card), "sea_gold_net0"},
		{"of a VM that was added by hand", xmlOf("", card), "sea_gold_net0"},
		{"somebody else's", xmlOf("", strings.ReplaceAll(card, "sea_gold_net0", "tap7")), ""},
		{"libvirt makes it", xmlOf(ours, strings.ReplaceAll(card, " managed='no'", "")), ""},
		{"a name that no VM's can be", xmlOf(ours, strings.ReplaceAll(card, "sea_gold_net0", "../x")), ""},
		{"nothing", "", ""},
	} {
		got := ""
		if v := ExpectedTap(strings.NewReader(tt.in)); v != nil {
			got = v.Interface
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestAnEventEndsWhenLibvirtStopsWaiting(t *testing.T) {
	hook, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	var ev Event
	ev.SetDeadline(hook)
	ctx, cancel := ev.Context(context.Background())
	defer cancel()
	end, ok := ctx.Deadline()
	if left := time.Until(end); !ok || left < 59*time.Minute || left > 61*time.Minute {
		t.Errorf("it ends in %v", left)
	}
	ev.Until = 1 // long ago
	ctx, cancel = ev.Context(context.Background())
	defer cancel()
	if ctx.Err() == nil {
		t.Error("it has not ended")
	}
}
