package lxd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/websocket"

	"ipfabric/inventory/vm"
)

// Sockets are where LXD and Incus listen, by how they were installed.
func Sockets() []string {
	return []string{
		"/var/lib/incus/unix.socket",
		"/var/snap/lxd/common/lxd/unix.socket",
		"/var/lib/lxd/unix.socket",
	}
}

// A Follower tells the engine which instances are the fabric's.
type Follower struct {
	Sockets []string // the first that is there is asked
	// Set is called with all instances whenever they may have changed, those that
	// do not run in the phase Off. VMs in broken stay as they are.
	Set func(ctx context.Context, vms []vm.VM, broken map[string]error) error
	// Note gets what is wrong, or "" once it no longer is.
	Note func(warning string)
}

const (
	reconnect = 2 * time.Second
	resync    = 5 * time.Minute
	settle    = 50 * time.Millisecond // LXD reports one start in several events
	maxAnswer = 64 << 20
	maxEvent  = 1 << 20
)

// Run follows until ctx is done. While LXD does not answer, all VMs stay as
// they are.
func (f *Follower) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := f.follow(ctx)
		if ctx.Err() != nil {
			break
		}
		f.Note(fmt.Sprintf("LXD's instances cannot be followed, so they are left as they are: %v", err))
		select {
		case <-ctx.Done():
		case <-time.After(reconnect):
		}
	}
	return nil
}

func (f *Follower) follow(ctx context.Context) error {
	socket, err := f.find()
	if err != nil {
		return err
	}
	// Events first: what changes while the list is read is not missed.
	events, err := f.subscribe(ctx, socket)
	if err != nil {
		return err
	}
	defer events.Close()
	stop := context.AfterFunc(ctx, func() { events.Close() })
	defer stop()
	changed, lost := make(chan struct{}, 1), make(chan error, 1)
	go func() { lost <- receive(events, changed) }()
	for {
		if err := f.list(ctx, socket); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case err := <-lost:
			return fmt.Errorf("the connection broke off: %v", err)
		case <-changed:
			time.Sleep(settle)
		case <-time.After(resync):
		}
	}
}

func (f *Follower) find() (string, error) {
	for _, s := range f.Sockets {
		if _, err := os.Stat(s); err == nil {
			return s, nil
		}
	}
	return "", errors.New("neither LXD nor Incus runs on this node: there is no socket at " + strings.Join(f.Sockets, ", "))
}

func (f *Follower) subscribe(ctx context.Context, socket string) (*websocket.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, err
	}
	config, err := websocket.NewConfig("ws://lxd/1.0/events?type=lifecycle&all-projects=true", "http://lxd")
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return nil, err
	}
	ws, err := websocket.NewClient(config, conn)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("events: %w", err)
	}
	ws.MaxPayloadBytes = maxEvent
	return ws, conn.SetDeadline(time.Time{})
}

// receive signals every event about an instance until the connection ends.
func receive(ws *websocket.Conn, changed chan<- struct{}) error {
	for {
		var data []byte
		if err := websocket.Message.Receive(ws, &data); err != nil {
			return err
		}
		var event struct {
			Metadata struct {
				Action string `json:"action"`
			} `json:"metadata"`
		}
		if json.Unmarshal(data, &event) != nil || !strings.HasPrefix(event.Metadata.Action, "instance-") {
			continue
		}
		select {
		case changed <- struct{}{}:
		default: // one is waiting already
		}
	}
}

func (f *Follower) list(ctx context.Context, socket string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		},
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://lxd/1.0/instances?recursion=1&all-projects=true", nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the list of instances: %s", resp.Status)
	}
	vms, broken, err := parse(data)
	if err != nil {
		return err
	}
	var wrong []string
	if err := f.Set(ctx, vms, broken); err != nil {
		wrong = append(wrong, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	for _, name := range slices.Sorted(maps.Keys(broken)) {
		wrong = append(wrong, fmt.Sprintf("instance %.64q: %v", name, broken[name]))
	}
	if len(wrong) == 0 {
		f.Note("")
		return nil
	}
	f.Note("LXD: " + strings.Join(wrong, "; "))
	return nil
}
