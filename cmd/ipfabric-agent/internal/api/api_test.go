package api

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipfabric/cmd/ipfabric-agent/internal/libvirt"
	"ipfabric/inventory/vm"
)

// A backend notes what it is asked for.
type backend struct {
	calls []string
	err   error
}

func (b *backend) call(s string) error {
	b.calls = append(b.calls, s)
	return b.err
}

func (b *backend) Status(context.Context) vm.Status {
	return vm.Status{Build: vm.Build{Version: "1.2.3"}, Healthy: true}
}
func (b *backend) VMs(context.Context) []vm.Observed { return []vm.Observed{} }
func (b *backend) VM(_ context.Context, name string) (vm.Observed, error) {
	return vm.Observed{VM: vm.VM{Name: name}}, b.call("show " + name)
}
func (b *backend) Add(_ context.Context, v vm.VM) (vm.Observed, bool, error) {
	return vm.Observed{VM: v}, true, b.call("add " + v.Name)
}
func (b *backend) SetPhase(_ context.Context, name string, p vm.Phase) (vm.Observed, error) {
	return vm.Observed{VM: vm.VM{Name: name, Phase: p}}, b.call("phase " + name + " " + string(p))
}
func (b *backend) Remove(_ context.Context, name string) error { return b.call("remove " + name) }

func (b *backend) HandOver(_ context.Context, name string) error { return b.call("hand over " + name) }
func (b *backend) Drain(_ context.Context, d bool) error {
	if d {
		return b.call("drain")
	}
	return b.call("undrain")
}
func (b *backend) Reconcile(context.Context) error { return b.call("reconcile") }
func (b *backend) Domain(_ context.Context, ev libvirt.Event) error {
	return b.call("domain " + ev.Guest + " " + ev.Op)
}

func newServer(b Backend) *Server {
	return &Server{Backend: b, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
}

// start serves on a unix socket and returns a client of it.
func start(t *testing.T, b Backend) *Client {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "agent.sock")
	l, err := Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- newServer(b).Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		l.Close()
	})
	return NewClient(socket)
}

func TestClientAndServer(t *testing.T) {
	b := &backend{}
	c := start(t, b)
	ctx := context.Background()
	if s, err := c.Status(ctx); err != nil || s.Version != "1.2.3" {
		t.Errorf("status: %+v, %v", s, err)
	}
	out, err := c.Add(ctx, vm.VM{Name: "a", IPv4: netip.MustParseAddr("203.0.113.1"), MAC: vm.MAC{2, 0, 0, 0, 0, 9}})
	if err != nil || out.MAC.String() != "02:00:00:00:00:09" {
		t.Errorf("add: %+v, %v", out, err)
	}
	if v, err := c.SetPhase(ctx, "a", vm.Migrating); err != nil || v.Phase != vm.Migrating {
		t.Errorf("phase: %+v, %v", v, err)
	}
	_, err = c.VM(ctx, "a.b_c-1")
	for _, err := range []error{
		err, c.Remove(ctx, "a"), c.HandOver(ctx, "a"), c.Drain(ctx, true), c.Drain(ctx, false), c.Reconcile(ctx),
		c.Domain(ctx, libvirt.Event{Guest: "g", Op: "prepare"}),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	want := []string{"add a", "phase a migrating", "show a.b_c-1", "remove a", "hand over a", "drain", "undrain", "reconcile", "domain g prepare"}
	if diff := cmp.Diff(want, b.calls); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestARefusalReachesTheClientWithItsHint(t *testing.T) {
	c := start(t, &backend{err: vm.Errorf(vm.Conflict, "VM a: 203.0.113.1 is VM b's").WithHint("take another")})
	err := c.Remove(context.Background(), "a")
	var refused *vm.Error
	if !errors.As(err, &refused) || refused.Code != vm.Conflict || refused.Msg != "VM a: 203.0.113.1 is VM b's" || refused.Hint() != "take another" {
		t.Errorf("got %#v", err)
	}
}

func TestBadRequests(t *testing.T) {
	tests := []struct {
		method, path, body string
		code               int
		want               string
	}{
		{"GET", "/", "", 404, "there is no such request: GET /"},
		{"PUT", "/v1/vms", "{}", 404, "there is no such request: PUT /v1/vms"},
		{"POST", "/v1/vms", "", 400, "it is cut off: not a complete JSON object"},
		{"POST", "/v1/vms", `{"name":"a","colour":"red"}`, 400, `unknown field \"colour\"`},
		{"POST", "/v1/vms", `{"name":"a"} trailing`, 400, "there is something after the end of the VM"},
		{"POST", "/v1/vms", `{"name":"` + strings.Repeat("a", maxBody) + `"}`, 413, "the request is longer than 65536 bytes"},
		{"PATCH", "/v1/vms/a", `{"fase":"live"}`, 400, `unknown field \"fase\"`},
		{"POST", "/v1/hooks/libvirt", `[]`, 400, "the request is not what belongs there"},
	}
	for _, tt := range tests {
		b := &backend{}
		w := httptest.NewRecorder()
		newServer(b).Handler().ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, strings.NewReader(tt.body)))
		if w.Code != tt.code || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s %s %.40s: got %d %s, want %d %s", tt.method, tt.path, tt.body, w.Code, w.Body, tt.code, tt.want)
		}
		if len(b.calls) != 0 {
			t.Errorf("%s %s %.40s: it did %v", tt.method, tt.path, tt.body, b.calls)
		}
	}
}

func TestListen(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "run", "agent.sock")
	l, err := Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Stat(socket); err != nil || fi.Mode().Perm() != 0o660 {
		t.Errorf("got %v, %v", fi.Mode(), err)
	}
	if _, err := Listen(socket); err == nil || !strings.Contains(err.Error(), "another agent is running") {
		t.Errorf("a second agent: %v", err)
	}
	l.Close()
	// What a killed agent leaves behind is in nobody's way.
	if err := os.WriteFile(socket, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err = Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

func TestNoAgent(t *testing.T) {
	_, err := NewClient(filepath.Join(t.TempDir(), "agent.sock")).Status(context.Background())
	if err == nil || !strings.Contains(err.Error(), "the agent is not running") {
		t.Errorf("got %v", err)
	}
}

// Whatever the bytes: an answer in JSON, and never a VM that was not checked.
func FuzzAPI(f *testing.F) {
	f.Add("POST", "/v1/vms", []byte(`{"name":"sea_gold","ip":"203.0.113.1"}`))
	f.Add("PATCH", "/v1/vms/x", []byte(`{"phase":"live"}`))
	f.Add("DELETE", "/v1/vms/..%2f..%2fetc", []byte(nil))
	f.Add("POST", "/v1/hooks/libvirt", []byte(`{"guest":"g","op":"prepare","vm":{"name":"x"}}`))
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	f.Fuzz(func(t *testing.T, method, path string, body []byte) {
		r, err := http.NewRequest(method, "http://agent/"+strings.TrimPrefix(path, "/"), strings.NewReader(string(body)))
		if err != nil {
			return
		}
		w := httptest.NewRecorder()
		(&Server{Backend: &backend{}, Log: log}).Handler().ServeHTTP(w, r)
		if w.Code < 200 || w.Code >= 500 {
			t.Errorf("%s %s: %d", method, path, w.Code)
		}
	})
}

// oldAgent answers as one from before there was a protocol number.
func oldAgent(t *testing.T, status int, body string) *Client {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "agent.sock")
	l, err := Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	})}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return NewClient(socket)
}

func TestAnAgentOfAnotherProtocol(t *testing.T) {
	c := oldAgent(t, 200, `[]`)
	_, err := c.VMs(context.Background())
	if vm.CodeOf(err) != vm.AgentOlder || !strings.Contains(err.Error(), "they speak protocol 0 and 1") {
		t.Errorf("its own program: %v", err)
	}
	c.Protocol = vm.Protocol
	_, err = c.VMs(context.Background())
	if vm.CodeOf(err) != vm.AgentOlder || !strings.Contains(err.Error(), "the agent is older than this ipfabric") {
		t.Errorf("ipfabric: %v", err)
	}

	b := &backend{}
	c = start(t, b)
	c.Protocol = vm.Protocol + 1
	if err := c.Remove(context.Background(), "a"); vm.CodeOf(err) != vm.AgentOlder {
		t.Errorf("a newer ipfabric: %v", err)
	}
	c.Protocol = -1
	if err := c.Remove(context.Background(), "a"); vm.CodeOf(err) != vm.IpfabricOlder {
		t.Errorf("an older ipfabric: %v", err)
	}
	if len(b.calls) != 0 {
		t.Errorf("it did %v", b.calls)
	}
	// What finds out about it, and guests that start meanwhile, are not refused.
	if _, err := c.Status(context.Background()); err != nil {
		t.Errorf("status: %v", err)
	}
	if err := c.Domain(context.Background(), libvirt.Event{Guest: "g", Op: "prepare"}); err != nil {
		t.Errorf("hook: %v", err)
	}
}

func TestAnErrorWithoutACode(t *testing.T) {
	for status, want := range map[int]vm.Code{400: vm.Usage, 404: vm.NotFound, 409: vm.Conflict, 422: vm.Invalid, 500: vm.Internal, 507: vm.DiskFull} {
		c := oldAgent(t, status, `{"error": "no", "hint": "try"}`)
		_, err := c.Status(context.Background())
		var e *vm.Error
		if !errors.As(err, &e) || *e != (vm.Error{Code: want, Msg: "no", Next: "try"}) {
			t.Errorf("%d: %#v", status, err)
		}
	}
}

// Each code reaches the client as it is, whatever HTTP status it has.
func TestCodesAreToldApart(t *testing.T) {
	for _, code := range []vm.Code{vm.Usage, vm.Invalid, vm.NotFound, vm.Conflict, vm.TooLarge, vm.TooLate, vm.DiskFull, vm.Internal, "one-of-tomorrow"} {
		err := start(t, &backend{err: vm.Errorf(code, "no")}).Remove(context.Background(), "a")
		if vm.CodeOf(err) != code {
			t.Errorf("%s became %v", code, err)
		}
	}
}

// The hook's program may be newer than the agent that still runs.
func TestTheHookMaySendMoreThanIsKnown(t *testing.T) {
	b := &backend{}
	w := httptest.NewRecorder()
	newServer(b).Handler().ServeHTTP(w, httptest.NewRequest("POST", "/v1/hooks/libvirt",
		strings.NewReader(`{"guest":"g","op":"prepare","vm":{"name":"g","vrf":7},"machine":"q35"}`)))
	if w.Code != 204 || len(b.calls) != 1 {
		t.Errorf("%d %s, %v", w.Code, w.Body, b.calls)
	}
}
