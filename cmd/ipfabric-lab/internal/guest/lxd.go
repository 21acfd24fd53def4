package guest

import (
	"context"
	"fmt"
)

func addLXD(ctx context.Context, sh Shell, s Spec, say func(string, ...any)) error {
	if _, err := sh(ctx, "test -e /var/lib/ipfabric-lab/lxd/ready", ""); err != nil {
		say("installing LXD, which takes a minute")
	}
	if _, err := sh(ctx, lxdInstall, ""); err != nil {
		return fmt.Errorf("install LXD: %w", err)
	}
	args := []string{s.VM, s.Interface, s.MAC, s.Settings}
	if m := s.Metadata; m != nil && m.IPv4 != "" {
		args = append(args, "user.ipfabric.ip="+m.IPv4)
	}
	if m := s.Metadata; m != nil && m.IPv6 != "" {
		args = append(args, "user.ipfabric.ip6="+m.IPv6)
	}
	_, err := sh(ctx, lxdAdd, "", args...)
	return err
}
