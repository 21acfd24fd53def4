package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"ipfabric/cmd/ipfabric-agent/internal/libvirt"
	"ipfabric/cmd/ipfabric-agent/internal/vm"
)

// A Client talks to the agent on this machine.
type Client struct {
	socket string
	http   http.Client
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
func (c *Client) Status(ctx context.Context) (Status, error) {
	var s Status
	return s, c.do(ctx, http.MethodGet, "/v1/status", nil, &s)
}

// VMs lists the VMs that are wanted on the node.
func (c *Client) VMs(ctx context.Context) ([]VM, error) {
	var vms []VM
	return vms, c.do(ctx, http.MethodGet, "/v1/vms", nil, &vms)
}

// VM returns one VM.
func (c *Client) VM(ctx context.Context, name string) (VM, error) {
	var v VM
	return v, c.do(ctx, http.MethodGet, vmPath(name), nil, &v)
}

// Add makes a VM wanted on the node.
func (c *Client) Add(ctx context.Context, v vm.VM) (VM, error) {
	var out VM
	return out, c.do(ctx, http.MethodPost, "/v1/vms", v, &out)
}

// SetPhase changes how a VM is announced.
func (c *Client) SetPhase(ctx context.Context, name string, p vm.Phase) (VM, error) {
	var v VM
	return v, c.do(ctx, http.MethodPatch, vmPath(name), Change{Phase: p}, &v)
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
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.unreachable(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return fmt.Errorf("the agent's answer: %v", err)
	}
	if resp.StatusCode/100 != 2 {
		return refusal(resp.StatusCode, data)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("the agent's answer: %v", err)
	}
	return nil
}

func refusal(code int, data []byte) error {
	var b errorBody
	if err := json.Unmarshal(data, &b); err != nil || b.Error == "" {
		return Errorf(code, "the agent answered %d %s", code, http.StatusText(code))
	}
	return &Error{Code: code, Msg: b.Error, Next: b.Hint}
}

func (c *Client) unreachable(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return Errorf(0, "the agent is not running: nobody answers on %s", c.socket).
			WithHint("systemctl status ipfabric-agent; journalctl -u ipfabric-agent")
	case errors.Is(err, fs.ErrPermission):
		return Errorf(0, "socket %s: permission denied", c.socket).WithHint("run this as root")
	}
	return fmt.Errorf("the agent on %s: %w", c.socket, err)
}
