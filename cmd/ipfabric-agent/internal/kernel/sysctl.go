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

// readSettings returns those of a link's sysctls that the kernel has.
func readSettings(device string, keys []string) map[string]string {
	out := make(map[string]string, len(keys))
	for _, key := range keys {
		if v, ok := readSysctl(settingPath(device, key)); ok {
			out[key] = v
		}
	}
	return out
}

// readSysctl reads one. It goes around package os, whose files are made for
// waiting: a node has 10,000 of these to read.
func readSysctl(file string) (string, bool) {
	fd, err := unix.Open(file, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", false
	}
	defer unix.Close(fd)
	var buf [64]byte
	n, err := unix.Read(fd, buf[:])
	if err != nil || n <= 0 {
		return "", false
	}
	return string(bytes.TrimSpace(buf[:n])), true
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
	v, _ := readSysctl(filepath.Join(sysctlRoot, key))
	return v
}
