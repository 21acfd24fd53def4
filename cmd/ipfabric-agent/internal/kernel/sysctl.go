package kernel

import (
	"bytes"
	"errors"
	"path"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const sysctlRoot = "/proc/sys/net"

// settingPath is the file of one interface's sysctl. sysctl(8) cannot name an
// interface with a dot in its name; the file system can.
func settingPath(device, key string) string {
	return filepath.Join(sysctlRoot, path.Dir(key), device, path.Base(key))
}

// readSettings returns those of a link's sysctls that the kernel has. It goes
// around package os, whose files are made for waiting: a node has 10,000 of
// these to read.
func readSettings(device string, keys []string) map[string]string {
	out := make(map[string]string, len(keys))
	var buf [64]byte
	for _, key := range keys {
		fd, err := unix.Open(settingPath(device, key), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		n, err := unix.Read(fd, buf[:])
		unix.Close(fd)
		if err == nil && n > 0 {
			out[key] = string(bytes.TrimSpace(buf[:n]))
		}
	}
	return out
}

// writeSetting sets one of a link's sysctls.
func writeSetting(device, key, value string, optional bool) error {
	fd, err := unix.Open(settingPath(device, key), unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if optional && errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte(value))
	return err
}

// Sysctl reads a sysctl that is not an interface's, such as
// "ipv4/ip_forward". It returns "" if the kernel has none.
func (k *Kernel) Sysctl(key string) string {
	return readSettings(path.Base(key), []string{path.Dir(key)})[path.Dir(key)]
}
