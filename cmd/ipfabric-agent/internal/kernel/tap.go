package kernel

import (
	"errors"
	"fmt"
	"os/user"
	"strconv"

	"golang.org/x/sys/unix"
)

// excl makes TUNSETIFF fail if there already is an interface of that name
// (linux/if_tun.h, IFF_TUN_EXCL).
const excl = 0x8000

// MakeTap makes a persistent tap, set down, unless there is an interface of that
// name.
func MakeTap(name, owner, group string, multiQueue bool) error {
	err := makeTap(name, owner, group, multiQueue)
	if errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EEXIST) {
		return nil
	}
	return err
}

// makeTap makes a persistent tap, set down.
func makeTap(name, owner, group string, multiQueue bool) error {
	return withTap(name, multiQueue, excl, func(fd int) error {
		if err := own(fd, owner, group); err != nil {
			return err
		}
		// Last: a tap that is not persistent is gone when fd is closed.
		return unix.IoctlSetInt(fd, unix.TUNSETPERSIST, 1)
	})
}

// ownTap says who may open a tap that is there.
func ownTap(name, owner, group string, multiQueue bool) error {
	return withTap(name, multiQueue, 0, func(fd int) error { return own(fd, owner, group) })
}

func withTap(name string, multiQueue bool, flags uint16, do func(fd int) error) error {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("/dev/net/tun: %w", err)
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	flags |= unix.IFF_TAP | unix.IFF_NO_PI | unix.IFF_VNET_HDR
	if multiQueue {
		flags |= unix.IFF_MULTI_QUEUE
	}
	req.SetUint16(flags)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, req); err != nil {
		return err
	}
	return do(fd)
}

// own sets who may open the tap. A tap without an owner can be opened by every
// user who can open /dev/net/tun, which usually is every user: so it is at least
// root's. With both a user and a group, the kernel asks for both.
func own(fd int, owner, group string) error {
	if owner == "" && group == "" {
		owner = "0"
	}
	if owner != "" {
		uid, err := userID(owner)
		if err != nil {
			return err
		}
		if err := unix.IoctlSetInt(fd, unix.TUNSETOWNER, uid); err != nil {
			return fmt.Errorf("owner %s: %w", owner, err)
		}
	}
	if group != "" {
		gid, err := groupID(group)
		if err != nil {
			return err
		}
		if err := unix.IoctlSetInt(fd, unix.TUNSETGROUP, gid); err != nil {
			return fmt.Errorf("group %s: %w", group, err)
		}
	}
	return nil
}

// Accounts says which of a user and a group there is none of. Empty ones are
// not looked for.
func (k *Kernel) Accounts(user, group string) error {
	if user != "" {
		if _, err := userID(user); err != nil {
			return err
		}
	}
	if group == "" {
		return nil
	}
	_, err := groupID(group)
	return err
}

func userID(name string) (int, error) {
	if id, err := strconv.ParseUint(name, 10, 31); err == nil {
		return int(id), nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return 0, fmt.Errorf("there is no user %s on this node", name)
	}
	return strconv.Atoi(u.Uid)
}

func groupID(name string) (int, error) {
	if id, err := strconv.ParseUint(name, 10, 31); err == nil {
		return int(id), nil
	}
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, fmt.Errorf("there is no group %s on this node", name)
	}
	return strconv.Atoi(g.Gid)
}
