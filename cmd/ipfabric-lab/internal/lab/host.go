package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"ipfabric/cmd/ipfabric-lab/internal/aptconf"
	"ipfabric/cmd/ipfabric-lab/internal/hint"
	"ipfabric/cmd/ipfabric-lab/internal/image"
	"ipfabric/cmd/ipfabric-lab/internal/machine"
)

// tools are the programs that a lab needs on the host, and the packages that
// have them.
var tools = []struct{ program, pkg string }{
	{"debootstrap", "debootstrap"},
	{"systemd-nspawn", "systemd-container"},
	{"nft", "nftables"},
	{"ssh", "openssh-client"},
	{"unshare", "util-linux"},
}

// checkHost says what keeps this host from having a lab, and installs what
// can be installed.
func (l *Lab) checkHost(ctx context.Context) error {
	if err := machine.CheckGroups(); err != nil {
		return err
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(l.Dir, &fs); err != nil {
		return &os.PathError{Op: "statfs", Path: l.Dir, Err: err}
	}
	switch fs.Type {
	case unix.OVERLAYFS_SUPER_MAGIC, unix.NFS_SUPER_MAGIC:
		return hint.Add(fmt.Errorf("%s is on a file system that machines cannot have their disks on (overlay or NFS)", l.Dir),
			"use --dir with a folder on a local disk or a tmpfs, such as /dev/shm/lab")
	}
	var missing []string
	for _, t := range tools {
		if _, err := exec.LookPath(t.program); err != nil {
			missing = append(missing, t.pkg)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return hint.Add(fmt.Errorf("this host lacks %s", join(missing)),
			"there is no apt-get here to install it with; the lab is made for Debian and Ubuntu hosts")
	}
	l.Say("installing %s on this host with apt-get", join(missing))
	for _, args := range [][]string{
		{"-q", "update"},
		append([]string{"-qy", "-o", "DPkg::Lock::Timeout=300", "install", "--no-install-recommends"}, missing...),
	} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("apt-get %s: %v:\n%s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
		}
	}
	return nil
}

// recipe makes an image recipe of the host's apt configuration.
func recipe(ctx context.Context, osName string) (image.Recipe, error) {
	release, err := image.FindRelease(osName)
	if err != nil {
		return image.Recipe{}, err
	}
	sources, err := aptconf.ReadSources(os.DirFS("/"))
	if err != nil {
		return image.Recipe{}, err
	}
	mirror, err := aptconf.FindMirror(sources, release.Distribution)
	if err != nil {
		return image.Recipe{}, hint.Add(err, "machines are installed from where this host's own packages come from (/etc/apt/sources.list*); "+
			"on a host of another distribution add an entry for %s there, or use another --os", release.Distribution)
	}
	options, err := aptOptions(ctx)
	if err != nil {
		return image.Recipe{}, err
	}
	cas, err := localCAs()
	return image.Recipe{Release: release, Mirror: mirror, Options: options, CAs: cas}, err
}

func aptOptions(ctx context.Context) ([]aptconf.Option, error) {
	dump, err := exec.CommandContext(ctx, "apt-config", "dump").Output()
	if err != nil {
		return nil, fmt.Errorf("apt-config dump: %v", err)
	}
	return aptconf.ParseDump(string(dump)), nil
}

// localCAs reads the certificates that this host's administrator trusts in
// addition to the usual ones.
func localCAs() (map[string]string, error) {
	const dir = "/usr/local/share/ca-certificates"
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".crt" {
			return err
		}
		data, err := os.ReadFile(path)
		out[strings.ReplaceAll(strings.TrimPrefix(path, dir+"/"), "/", "-")] = string(data)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return out, err
}

// resolvConf is the host's, as far as a machine can use it.
func resolvConf() (string, error) {
	var lastErr error
	for _, name := range []string{"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"} {
		data, err := os.ReadFile(name)
		if err != nil {
			lastErr = err
			continue
		}
		if text, ok := usableResolvers(string(data)); ok {
			return text, nil
		}
	}
	return "", hint.Add(errors.Join(errors.New("this host has no name server that machines could use"), lastErr),
		"machines reach IPv4 name servers that are not on the loopback interface: put one into /etc/resolv.conf")
}

// usableResolvers leaves out the name servers that only the host itself can
// reach: those on its loopback interface and, as the machines get to the
// outside over IPv4 only, those with an IPv6 address.
func usableResolvers(text string) (string, bool) {
	var out strings.Builder
	ok := false
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 0 || strings.HasPrefix(f[0], "#") || strings.HasPrefix(f[0], ";") {
			continue
		}
		if f[0] == "nameserver" {
			if len(f) < 2 {
				continue
			}
			addr, err := netip.ParseAddr(f[1])
			if err != nil || addr.IsLoopback() || !addr.Is4() {
				continue
			}
			ok = true
		}
		out.WriteString(strings.TrimSpace(line) + "\n")
	}
	return out.String(), ok
}
