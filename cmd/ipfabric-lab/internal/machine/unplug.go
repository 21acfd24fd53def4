package machine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// CutPower ends the machine as a power cut does. Its cable goes first: killed
// processes close their connections, and the kernel would tell their peers,
// which then learn at once what in life they have to find out.
func (m *Machine) CutPower(ctx context.Context) error {
	if err := m.unplug(); err != nil {
		return fmt.Errorf("%s: unplug it: %v", m.Name, err)
	}
	return m.Kill(ctx)
}

// unplug removes the cable to the bridge as a whole. One that was only pulled
// out at the host's end would stay for as long as the machine's connections
// wait for answers, which is minutes, and be in the way of the next boot.
func (m *Machine) unplug() error {
	for _, pid := range m.group().pids() {
		// systemd-nspawn itself is outside of the machine's network, and
		// processes end while one looks.
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/root/sys/class/net/host0/iflink", pid))
		if err != nil {
			continue
		}
		index, err := strconv.Atoi(strings.TrimSpace(string(data)))
		if err != nil {
			continue
		}
		link, err := netlink.LinkByIndex(index)
		if err != nil {
			return err
		}
		return netlink.LinkDel(link)
	}
	return nil // too early in its boot to have one
}

// removeOldCable removes the cable that a machine which is gone may have left,
// for as long as its last connections wait for answers.
func removeOldCable(machineName string) error {
	link, err := netlink.LinkByName("vb-" + machineName) // as systemd-nspawn names it
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := netlink.LinkDel(link); err != nil && !errors.Is(err, unix.ENODEV) {
		return err
	}
	return nil
}
