package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"ipfabric/cmd/ipfabric-lab/internal/bridge"
	"ipfabric/cmd/ipfabric-lab/internal/hint"
	"ipfabric/cmd/ipfabric-lab/internal/image"
	"ipfabric/cmd/ipfabric-lab/internal/machine"
)

// Down removes the lab: machines with their disks, network, files. It needs
// nothing to be whole, and does not mind if there is nothing.
func (l *Lab) Down(ctx context.Context) error {
	lock, err := l.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock(lock)
	names := machine.Names(l.ID)
	if err := machine.KillAll(ctx, l.ID); err != nil {
		return err
	}
	if len(names) > 0 {
		l.Say("machines: %s ended", join(names))
	}
	if err := unmountBelow(l.Dir); err != nil {
		return err
	}
	network, ok, err := bridge.Find(l.ID)
	if err != nil {
		return err
	}
	if ok {
		if err := machine.Forget(network.Bridge()); err != nil {
			return err
		}
	}
	removed, err := bridge.Remove(ctx, l.ID)
	if err != nil {
		return err
	}
	if removed {
		l.Say("network: removed")
	}
	return l.removeFiles()
}

// removeFiles removes what the lab wrote, and nothing else.
func (l *Lab) removeFiles() error {
	left, err := filepath.Glob(l.path(tmpPrefix + "*"))
	if err != nil {
		return err
	}
	s, err := l.load()
	if errors.Is(err, fs.ErrNotExist) {
		l.Say("%s: no lab there", l.Dir)
		return l.removeEach(left)
	}
	if err != nil {
		l.Say("%v; going on without it", err) // the worst is that fabric.yaml stays
	}
	for _, dir := range []string{"machines", "mirror"} {
		if err := os.RemoveAll(l.path(dir)); err != nil {
			return err
		}
	}
	text, err := os.ReadFile(l.path("fabric.yaml"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case hashOf(text) == s.FabricHash:
		if err := os.Remove(l.path("fabric.yaml")); err != nil {
			return err
		}
	default:
		l.Say("fabric.yaml: kept, as it has been edited")
	}
	for _, name := range ownFiles { // lab.json is the last of them
		left = append(left, l.path(name))
	}
	if err := l.removeEach(left); err != nil {
		return err
	}
	l.Say("%s: removed", l.Dir)
	return nil
}

// removeEach removes files, and the lab's folder if nothing is in it then.
func (l *Lab) removeEach(names []string) error {
	for _, name := range names {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	_ = os.Remove(l.Dir)
	return nil
}

// PurgeImages removes the image cache, unless another lab on this host needs
// it.
func (l *Lab) PurgeImages() error {
	others, err := bridge.List()
	if err != nil {
		return err
	}
	for _, n := range others {
		if n.Lab != l.ID {
			return hint.Add(fmt.Errorf("the images are in use by the lab %s", n.Dir), "remove that one first: ipfabric-lab down --dir %s", n.Dir)
		}
	}
	if err := image.Purge(); err != nil {
		return err
	}
	l.Say("images: removed")
	return nil
}

// unmountBelow unmounts what somebody has mounted below the lab's folder to
// look at a disk; removing the files would otherwise go through the mount.
// The machines' own mounts are not to be seen from here and end with them.
func unmountBelow(dir string) error {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	points := mountPoints(string(data), filepath.Join(dir, "machines"))
	for i := len(points) - 1; i >= 0; i-- { // the last mounted first
		if err := unix.Unmount(points[i], unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil {
			return fmt.Errorf("unmount %s: %v", points[i], err)
		}
	}
	return nil
}

// mountPoints takes the mount points at and below dir out of mountinfo.
func mountPoints(mountinfo, dir string) []string {
	var out []string
	for line := range strings.Lines(mountinfo) {
		f := strings.Fields(line)
		if len(f) < 5 {
			continue
		}
		point := unescape(f[4])
		if point == dir || strings.HasPrefix(point, dir+"/") {
			out = append(out, point)
		}
	}
	return out
}

// unescape turns the \040 of proc(5) into a space, and so on.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
