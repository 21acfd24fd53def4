package lxd

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/net/websocket"

	"ipfabric/inventory/vm"
)

// As LXD 5.0.2 answers, shortened.
const list = `{"type":"sync","status":"Success","status_code":200,"error":"","metadata":[
{"name":"web","project":"default","status":"Running",
 "config":{"volatile.eth0.hwaddr":"00:16:3e:00:00:01","volatile.eth0.host_name":"veth1a2b3c4d"},
 "expanded_config":{"user.ipfabric.ip":"203.0.113.7","user.ipfabric.ip6":"2001:db8:100::7"},
 "expanded_devices":{"eth0":{"type":"nic","nictype":"p2p"},"root":{"type":"disk"}}},
{"name":"db","project":"shop","status":"Running","config":{},
 "expanded_config":{"user.ipfabric.ip":"203.0.113.8"},
 "expanded_devices":{"eth0":{"type":"nic","nictype":"p2p","host_name":"shop_db_net0"}}},
{"name":"off","project":"default","status":"Stopped","expanded_config":{"user.ipfabric.ip":"203.0.113.9"}},
{"name":"other","project":"default","status":"Running","expanded_config":{},
 "expanded_devices":{"eth0":{"type":"nic","nictype":"bridged"}}},
{"name":"starting","project":"default","status":"Running","config":{},"expanded_config":{"user.ipfabric.ip":"203.0.113.10"},
 "expanded_devices":{"eth0":{"type":"nic","nictype":"p2p"}}},
{"name":"bridged","project":"default","status":"Running","expanded_config":{"user.ipfabric.ip":"203.0.113.11"},
 "expanded_devices":{"eth0":{"type":"nic","nictype":"bridged"}}},
{"name":"two","project":"default","status":"Running","expanded_config":{"user.ipfabric.ip":"203.0.113.12"},
 "expanded_devices":{"eth0":{"type":"nic","nictype":"p2p"},"eth1":{"type":"nic","nictype":"p2p"}}},
{"name":"typo","project":"default","status":"Running","expanded_config":{"user.ipfabric.ip":"203.0.113"},
 "expanded_devices":{"eth0":{"type":"nic","nictype":"p2p"}}},
{"name":"nic","project":"default","status":"Running","expanded_config":{"user.ipfabric.ip":"203.0.113.13","user.ipfabric.nic":"eth7"},
 "expanded_devices":{"eth0":{"type":"nic","nictype":"p2p"}}}
]}`

func TestParse(t *testing.T) {
	vms, broken, err := parse([]byte(list))
	if err != nil {
		t.Fatal(err)
	}
	want := []vm.VM{
		{
			Name: "web", Source: vm.LXD, Link: vm.Existing, Interface: "veth1a2b3c4d", MAC: vm.MAC{0, 0x16, 0x3e, 0, 0, 1},
			IPv4: netip.MustParseAddr("203.0.113.7"), IPv6: netip.MustParseAddr("2001:db8:100::7"),
		},
		{Name: "shop_db", Source: vm.LXD, Link: vm.Existing, IPv4: netip.MustParseAddr("203.0.113.8")},
		off("off", "203.0.113.9"),
		off("starting", "203.0.113.10"),
		off("bridged", "203.0.113.11"),
		off("two", "203.0.113.12"),
		off("nic", "203.0.113.13"),
	}
	if diff := cmp.Diff(want, vms, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	reasons := map[string]string{}
	for name, why := range broken {
		reasons[name] = why.Error()
	}
	wantBroken := map[string]string{
		"bridged": "it has no network card with nictype=p2p",
		"two":     "it has 2 network cards with nictype=p2p: name one in user.ipfabric.nic",
		"typo":    `user.ipfabric.ip: "203.0.113" is not an address`,
		"nic":     `user.ipfabric.nic: it has no network card "eth7"`,
	}
	if diff := cmp.Diff(wantBroken, reasons); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// off is one whose addresses are its own though it is not wanted.
func off(name, ip string) vm.VM {
	return vm.VM{Name: name, Source: vm.LXD, Link: vm.Existing, Phase: vm.Off, IPv4: netip.MustParseAddr(ip)}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(list))
	f.Fuzz(func(t *testing.T, data []byte) {
		vms, _, _ := parse(data)
		for _, v := range vms {
			if v.Check() == nil && vm.CheckInterface(v.Device()) != nil {
				t.Errorf("interface %q got through", v.Device())
			}
		}
	})
}

// A server is as much of LXD as is needed.
type server struct {
	mu     sync.Mutex
	list   string
	events chan string
}

func (s *server) set(list string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = list
}

func (s *server) serve(t *testing.T, socket string) *http.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/1.0/instances", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		w.Write([]byte(s.list))
	})
	mux.Handle("/1.0/events", websocket.Handler(func(ws *websocket.Conn) {
		for e := range s.events {
			if e == "hang up" {
				return
			}
			websocket.Message.Send(ws, e)
		}
	}))
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: mux}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return srv
}

func instanceList(names ...string) string {
	var out []string
	for i, n := range names {
		out = append(out, `{"name":"`+n+`","status":"Running","expanded_config":{"user.ipfabric.ip":"203.0.113.`+string(rune('1'+i))+
			`"},"expanded_devices":{"eth0":{"type":"nic","nictype":"p2p","host_name":"`+n+`_net0"}}}`)
	}
	return `{"metadata":[` + strings.Join(out, ",") + `]}`
}

func TestFollow(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "unix.socket")
	lxd := &server{list: instanceList("a"), events: make(chan string)}
	lxd.serve(t, socket)
	sets := make(chan string, 10)
	notes := make(chan string, 100)
	f := &Follower{
		Sockets: []string{filepath.Join(t.TempDir(), "no.socket"), socket},
		Set: func(_ context.Context, vms []vm.VM, _ map[string]error) error {
			var names []string
			for _, v := range vms {
				names = append(names, v.Name)
			}
			sets <- strings.Join(names, " ")
			return nil
		},
		Note: func(w string) { notes <- w },
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	expect(t, sets, "a")
	lxd.set(instanceList("a", "b"))
	lxd.events <- `{"type":"lifecycle","metadata":{"action":"image-created"}}` // none of ours
	lxd.events <- `{"type":"lifecycle","metadata":{"action":"instance-started"}}`
	expect(t, sets, "a b")
	lxd.set(instanceList())
	lxd.events <- `{"type":"lifecycle","metadata":{"action":"instance-deleted"}}`
	expect(t, sets, "")
	// LXD restarts: it is followed again, and the VMs are left alone meanwhile.
	lxd.set(instanceList("c"))
	lxd.events <- "hang up"
	expect(t, sets, "c")
	var told bool
	for len(notes) > 0 {
		if strings.Contains(<-notes, "the connection broke off") {
			told = true
		}
	}
	if !told {
		t.Error("nobody was told that LXD was away")
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func expect(t *testing.T, got <-chan string, want string) {
	t.Helper()
	select {
	case s := <-got:
		if s != want {
			t.Errorf("got %q, want %q", s, want)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("nothing came; want %q", want)
	}
}

func TestWithoutLXDOneIsTold(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	f := &Follower{Sockets: []string{"/nowhere/unix.socket"}, Note: func(w string) {
		if !strings.Contains(w, "neither LXD nor Incus runs on this node") {
			t.Errorf("got %q", w)
		}
		cancel()
	}}
	if err := f.Run(ctx); err != nil {
		t.Error(err)
	}
}
