package session

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/user"
	"slices"
	"sync"
	"time"

	"ipfabric/inventory"
	"ipfabric/remote"
	"ipfabric/steps/step"
)

// lockPath is on every host. /run is empty after a boot, and so no lock
// outlives the machine.
const lockPath = "/run/ipfabric-lock/hosts"

// A Machine is a host over SSH: *remote.Host, or a test's fake.
type Machine interface {
	step.Host
	Open(ctx context.Context) error
	Lock(ctx context.Context, path, note string) (release func(), err error)
}

// A fleet has one connection for each host for a whole run: plan, apply and
// verify share it.
type fleet struct {
	open func(name string) (Machine, error)

	mu       sync.Mutex
	machines map[string]Machine
	failed   map[string]error // hosts that nothing more is tried on
}

// NewFleet returns a Fleet whose machines open makes.
func NewFleet(open func(name string) (Machine, error)) *fleet {
	return &fleet{open: open, machines: map[string]Machine{}, failed: map[string]error{}}
}

// Connect is machine for steps.
func (f *fleet) Connect(ctx context.Context, name string) (step.Host, error) {
	return f.machine(ctx, name)
}

// machine returns the host of that name, connected. A host that could not be
// reached is not tried again until forget: each attempt takes its timeout.
func (f *fleet) machine(ctx context.Context, name string) (Machine, error) {
	f.mu.Lock()
	err, h := f.failed[name], f.machines[name]
	if err == nil && h == nil {
		if h, err = f.open(name); err == nil {
			f.machines[name] = h
		}
	}
	f.mu.Unlock()
	if err == nil {
		err = h.Open(ctx) // at once if it is connected; calls at the same time share one dial
	}
	if err != nil && ctx.Err() == nil {
		f.fail(name, err)
	}
	if err != nil {
		return nil, err
	}
	return h, nil
}

// fail makes connect answer for that host with an error from now on.
func (f *fleet) fail(name string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed[name] = err
}

// forget lets hosts that failed be tried again.
func (f *fleet) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.failed)
}

// forgive lets hosts be asked again that failed though they can be reached.
func (f *fleet) forgive() {
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.failed, func(_ string, err error) bool { return !isConnectError(err) })
}

// refused returns the errors of hosts that did answer, but not as they should:
// another host key than known, a login that is not accepted. They are in the order of the hosts' names.
func (f *fleet) refused(except func(host string, err error) bool) []error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []error
	for _, name := range slices.Sorted(maps.Keys(f.failed)) {
		if err := f.failed[name]; mustStop(err) && !except(name, err) {
			out = append(out, err)
		}
	}
	return out
}

// lock takes a host's lock until release is called. It outlives the connection
// if a step closes that one to try a new one.
func (f *fleet) lock(ctx context.Context, name, note string) (release func(), err error) {
	m, err := f.machine(ctx, name)
	if err != nil {
		return nil, err
	}
	return m.Lock(ctx, lockPath, note)
}

// SSHTarget is how a host of the inventory is reached.
func SSHTarget(f *inventory.Fabric, h inventory.HostRole) remote.Target {
	return remote.Target{
		Name: h.Name, Address: h.SSH.Address, Port: h.SSH.Port,
		User: h.SSH.User, Keys: h.SSH.Keys, Jump: h.SSH.Jump, Sudo: h.SSH.Sudo,
		Line: func(user, command string) string {
			h.SSH.User = user // ~/.ssh/config may have named one
			return f.SSHLine(h.Host, command)
		},
	}
}

// lockNote says to another operator who holds the lock, and for what.
func lockNote(command string) string {
	who := "somebody"
	if u, err := user.Current(); err == nil {
		who = u.Username
	}
	if name, err := os.Hostname(); err == nil {
		who += "@" + name
	}
	return fmt.Sprintf("%s (ipfabric %s, pid %d) since %s", who, command, os.Getpid(), time.Now().UTC().Format("2006-01-02 15:04:05 UTC"))
}
