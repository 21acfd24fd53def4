package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"ipfabric/cmd/ipfabric-agent/internal/libvirt"
	"ipfabric/inventory/vm"
)

// A Client talks to the agent on this machine.
type Client struct {
	// Protocol is what the program speaks on whose behalf it asks, if that is
	// another than this one: ipfabric. Zero is this program.
	Protocol int
	socket   string
	http     http.Client
}

// NewClient returns a client of the agent behind that unix socket.
func NewClient(socket string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}
	return &Client{
		socket: socket,
		http: http.Client{
			Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true},
			Timeout:   time.Minute,
		},
	}
}

// Status asks the agent how it is.
func (c *Client) Status(ctx context.Context) (vm.Status, error) {
	var s vm.Status
	return s, c.do(ctx, http.MethodGet, "/v1/status", nil, &s)
}

// VMs lists the VMs that are wanted on the node.
func (c *Client) VMs(ctx context.Context) ([]vm.Observed, error) {
	var vms []vm.Observed
	return vms, c.do(ctx, http.MethodGet, "/v1/vms", nil, &vms)
}

// VM returns one VM.
func (c *Client) VM(ctx context.Context, name string) (vm.Observed, error) {
	var v vm.Observed
	return v, c.do(ctx, http.MethodGet, vmPath(name), nil, &v)
}

// Add makes a VM wanted on the node.
func (c *Client) Add(ctx context.Context, v vm.VM) (vm.Observed, error) {
	var out vm.Observed
	return out, c.do(ctx, http.MethodPost, "/v1/vms", v, &out)
}

// SetPhase changes how a VM is announced.
func (c *Client) SetPhase(ctx context.Context, name string, p vm.Phase) (vm.Observed, error) {
	var v vm.Observed
	return v, c.do(ctx, http.MethodPatch, vmPath(name), vm.Change{Phase: p}, &v)
}

// Remove makes a VM unwanted.
func (c *Client) Remove(ctx context.Context, name string) error {
	return c.do(ctx, http.MethodDelete, vmPath(name), nil, nil)
}

// HandOver makes a VM unwanted that another node announces by now.
func (c *Client) HandOver(ctx context.Context, name string) error {
	return c.do(ctx, http.MethodDelete, vmPath(name)+"?handover=true", nil, nil)
}

// Drain withdraws all of the node's VMs, or announces them again.
func (c *Client) Drain(ctx context.Context, drained bool) error {
	if drained {
		return c.do(ctx, http.MethodPost, "/v1/drain", nil, nil)
	}
	return c.do(ctx, http.MethodPost, "/v1/undrain", nil, nil)
}

// Reconcile makes the agent look at everything now.
func (c *Client) Reconcile(ctx context.Context) error {
	return c.do(ctx, http.MethodPost, "/v1/reconcile", nil, nil)
}

// Domain tells the agent what libvirt does with a domain.
func (c *Client) Domain(ctx context.Context, ev libvirt.Event) error {
	return c.do(ctx, http.MethodPost, "/v1/hooks/libvirt", ev, nil)
}

func vmPath(name string) string { return "/v1/vms/" + url.PathEscape(name) }

// do sends one request. in and out may be nil.
func (c *Client) do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://agent"+path, body)
	if err != nil {
		return err
	}
	req.Header.Set(protocolHeader, strconv.Itoa(cmp.Or(c.Protocol, vm.Protocol)))
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.unreachable(err)
	}
	defer resp.Body.Close()
	if err := c.checkAgent(path, resp); err != nil {
		return err
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return vm.Errorf(vm.NoAnswer, "the agent's answer breaks off: %v", err)
	}
	if resp.StatusCode/100 != 2 {
		return refusal(resp.StatusCode, data)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return vm.Errorf(vm.NoAnswer, "the agent's answer cannot be read: %v", err)
	}
	return nil
}

// checkAgent refuses the answer of an agent that speaks another protocol. An
// agent from before there were numbers sends none: that is 0.
func (c *Client) checkAgent(path string, resp *http.Response) error {
	if anyProtocol(path) {
		return nil
	}
	agent, _ := strconv.Atoi(resp.Header.Get(protocolHeader))
	err := vm.CheckProtocol(cmp.Or(c.Protocol, vm.Protocol), agent)
	if err == nil || c.Protocol != 0 {
		return err
	}
	// Both programs come from one file, which was replaced since the agent began.
	return vm.Errorf(vm.CodeOf(err), "the agent that runs and this program are not the same version: they speak protocol %d and %d", agent, vm.Protocol).
		WithHint("systemctl restart ipfabric-agent")
}

// refusal is the error that an answer stands for. An older agent sends no code.
func refusal(status int, data []byte) error {
	var e vm.Error
	if err := json.Unmarshal(data, &e); err != nil || e.Msg == "" {
		return vm.Errorf(codeOf(status), "the agent answered %d %s", status, http.StatusText(status))
	}
	e.Code = cmp.Or(e.Code, codeOf(status))
	return &e
}

func (c *Client) unreachable(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return vm.Errorf(vm.NotRunning, "the agent is not running: nothing listens on %s", c.socket).
			WithHint("systemctl status ipfabric-agent; journalctl -u ipfabric-agent")
	case errors.Is(err, fs.ErrPermission):
		return vm.Errorf(vm.NoPermission, "socket %s: permission denied", c.socket).WithHint("run this as root")
	}
	return vm.Errorf(vm.NoAnswer, "the agent on %s does not answer: %v", c.socket, err).
		WithHint("systemctl status ipfabric-agent; journalctl -u ipfabric-agent")
}
