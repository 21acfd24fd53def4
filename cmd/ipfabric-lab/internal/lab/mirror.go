package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"ipfabric/cmd/ipfabric-lab/internal/hint"
	"ipfabric/cmd/ipfabric-lab/internal/image"
	"ipfabric/cmd/ipfabric-lab/internal/machine"
	"ipfabric/cmd/ipfabric-lab/internal/plan"
)

// addMirrors puts a mirror of FRR into the lab's folder for each operating
// system of its reflectors and nodes: for those with dnf always, as they have
// no other source of packages, for all if the user wants it. The core gateways
// see the folder and serve what is in it.
func (l *Lab) addMirrors(ctx context.Context, all []*machine.Machine, wanted bool) error {
	var names []string
	for _, m := range all {
		r, err := image.FindRelease(m.OS)
		if err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
		there, err := exists(l.path(filepath.Join("mirror", m.OS)))
		if err != nil {
			return err
		}
		if m.Role != plan.Core && !there && (wanted || r.RPM()) {
			names = append(names, m.OS)
		}
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	if len(names) == 0 {
		return nil
	}
	if !slices.ContainsFunc(all, func(m *machine.Machine) bool { return m.Role == plan.Core }) {
		return hint.Add(errors.New("mirrors are served by the core gateway, and the lab has none"), "add --cores 1")
	}
	return inParallel(names, func(_ int, name string) error { return l.addMirror(ctx, name) })
}

func (l *Lab) addMirror(ctx context.Context, name string) error {
	r, err := recipe(ctx, name)
	if err != nil {
		return err
	}
	img, err := image.Ensure(ctx, r, l.Say)
	if err != nil {
		return err
	}
	cached, err := image.EnsureMirror(ctx, r, img, l.Say)
	if err != nil {
		return err
	}
	final := l.path(filepath.Join("mirror", name))
	tmp := final + ".tmp"
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	if err := os.CopyFS(tmp, os.DirFS(cached)); err != nil {
		return err
	}
	return os.Rename(tmp, final)
}

// waitMirror returns when the mirror can be fetched from, if there is one.
func (l *Lab) waitMirror(ctx context.Context, all []*machine.Machine) error {
	entries, err := os.ReadDir(l.path("mirror"))
	if errors.Is(err, fs.ErrNotExist) || len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	for _, m := range all {
		for m.Role == plan.Core && !listens(ctx, net.JoinHostPort(m.IPv4.String(), "80")) {
			select {
			case <-ctx.Done():
				return hint.Add(fmt.Errorf("%s: it does not serve the mirrors", m.Name),
					"`ipfabric-lab ssh %s systemctl status %s` may tell why", m.Name, machine.MirrorUnit)
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	return nil
}

func listens(ctx context.Context, addr string) bool {
	var d net.Dialer
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

func exists(name string) (bool, error) {
	_, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
