package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"ipfabric/cmd/ipfabric-agent/internal/libvirt"
	"ipfabric/inventory/vm"
)

// A Backend does what the API is asked for.
type Backend interface {
	Status(context.Context) vm.Status
	VMs(context.Context) []vm.Observed
	VM(ctx context.Context, name string) (vm.Observed, error)
	Add(context.Context, vm.VM) (v vm.Observed, created bool, err error)
	SetPhase(ctx context.Context, name string, p vm.Phase) (vm.Observed, error)
	Remove(ctx context.Context, name string) error
	HandOver(ctx context.Context, name string) error
	Drain(ctx context.Context, drained bool) error
	Reconcile(context.Context) error
	Domain(context.Context, libvirt.Event) error
}

// Listen opens the agent's socket with mode 0660. A socket that a killed agent
// left behind is replaced; one that is answered is an error. The lock beside
// it keeps two agents that start at once from both replacing it.
func Listen(path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		lock.Close()
		return nil, fmt.Errorf("socket %s: another agent is running", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		lock.Close()
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		lock.Close()
		return nil, err
	}
	if err := os.Chmod(path, 0o660); err != nil {
		l.Close()
		lock.Close()
		return nil, err
	}
	return &lockedListener{Listener: l, lock: lock}, nil
}

// A lockedListener holds the lock for as long as it listens.
type lockedListener struct {
	net.Listener
	lock *os.File
}

func (l *lockedListener) Close() error {
	return errors.Join(l.Listener.Close(), l.lock.Close())
}

// A Server answers on a listener.
type Server struct {
	Backend Backend
	Log     *slog.Logger
}

// maxBody is more than any request of ours needs: the longest is a VM.
const maxBody = 64 << 10

// Serve answers until ctx is done, and then lets running requests finish.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelWarn),
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		last, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		srv.Shutdown(last)
	}()
	err := srv.Serve(l)
	if ctx.Err() == nil {
		return err
	}
	<-stopped
	return nil
}
