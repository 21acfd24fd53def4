package flock

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// A Lock is held until Release or Remove, or until the last process that has
// inherited File is gone.
type Lock struct{ File *os.File }

// Take waits for the lock of that name. It calls waiting once if somebody
// else holds it.
func Take(ctx context.Context, name string, waiting func()) (*Lock, error) {
	for told := false; ; {
		// Within the loop: whoever removes the last lock removes the folder.
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return nil, err
		}
		lock, err := Try(name)
		if err == nil {
			return lock, nil
		}
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, err
		}
		if !told && waiting != nil {
			waiting()
			told = true
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Try takes the lock of that name, or returns EWOULDBLOCK if somebody else
// holds it.
func Try(name string) (*Lock, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil && !current(f, name) {
		err = unix.EWOULDBLOCK
	}
	if err != nil {
		f.Close()
		return nil, &os.PathError{Op: "lock", Path: name, Err: err}
	}
	return &Lock{f}, nil
}

// current says whether f is still what the name means: the one who held the
// lock before may have removed it.
func current(f *os.File, name string) bool {
	have, err := f.Stat()
	if err != nil {
		return false
	}
	want, err := os.Stat(name)
	return err == nil && os.SameFile(have, want)
}

// Release gives the lock back.
func (l *Lock) Release() { l.File.Close() }

// Remove gives the lock back and removes its file.
func (l *Lock) Remove() {
	os.Remove(l.File.Name())
	l.File.Close()
}
