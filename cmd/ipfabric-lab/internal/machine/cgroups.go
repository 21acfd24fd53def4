package machine

import (
	"errors"
	"os"
	"slices"
	"strings"

	"ipfabric/cmd/ipfabric-lab/internal/hint"
)

// booted says whether systemd runs this host, as sd_booted(3) does.
func booted() bool {
	fi, err := os.Lstat("/run/systemd/system")
	return err == nil && fi.IsDir()
}

// hierarchies returns where cgroup2 and systemd's version 1 hierarchy are
// mounted, "" where they are not.
func hierarchies() (v2, v1 string) {
	data, _ := os.ReadFile("/proc/self/mounts")
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) < 4 {
			continue
		}
		switch {
		case f[2] == "cgroup2" && v2 == "":
			v2 = f[1]
		case f[2] == "cgroup" && slices.Contains(strings.Split(f[3], ","), "name=systemd"):
			v1 = f[1]
		}
	}
	return v2, v1
}

// CheckGroups says whether this host has what machines need.
func CheckGroups() error {
	if v2, _ := hierarchies(); v2 == "" {
		return hint.Add(errors.New("no cgroup2 file system is mounted on this host"),
			"mount one: mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified")
	}
	return nil
}
