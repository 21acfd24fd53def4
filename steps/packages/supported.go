package packages

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ipfabric/assets"
	"ipfabric/inventory"
	"ipfabric/steps/step"
)

// Supported: the operating system is one that ipfabric knows.
type Supported struct{ Host inventory.Host }

func (s Supported) String() string { return "the operating system is supported" }

func (s Supported) Check(ctx context.Context, r step.Reader) (step.Diff, error) {
	p, err := PlatformOf(ctx, r, s.Host.OS)
	if err != nil || s.Host.OS == "" || s.Host.FRR.Source == "preinstalled" {
		return nil, err
	}
	// The inventory is believed, but its package manager must be there.
	manager := "apt-get"
	if p.Family == "el" {
		manager = "dnf"
	}
	_, err = r.Query(ctx, assets.Script("has-command.sh", manager)...)
	if err == nil || step.ExitStatus(err) < 0 {
		return nil, err
	}
	found, _ := PlatformOf(ctx, r, "") // for the hint alone
	return nil, errWrongOS{s.Host.OS, manager, found.Name}
}

func (s Supported) Apply(context.Context, step.Host) error {
	return errors.New("an operating system cannot be changed") // Check finds no Diff
}

// errUnsupportedOS is an error with a hint.
type errUnsupportedOS struct{ found string }

func (e errUnsupportedOS) Error() string { return e.found + " is not supported" }

func (e errUnsupportedOS) Hint() string {
	var names []string
	for _, p := range platforms {
		names = append(names, p.Name)
	}
	return "supported are " + strings.Join(names, ", ") +
		" (el is AlmaLinux, Rocky, RHEL, CentOS Stream, Oracle Linux); if it is as good as one of them, say so with the host's `os:` in the inventory"
}

// errNoOSVersion is an error with a hint: an os-release without the version of
// a distribution that ipfabric knows.
type errNoOSVersion struct{ id string }

func (e errNoOSVersion) Error() string {
	return fmt.Sprintf("the host's os-release says that it is %s, but not which version", e.id)
}

func (e errNoOSVersion) Hint() string {
	return "add its VERSION_ID to /etc/os-release, or say what it is with the host's `os:` in the inventory"
}

// versionMissing says whether an os-release has no version of any kind.
func versionMissing(rel map[string]string) bool {
	return rel["VERSION_ID"] == "" && rel["VERSION_CODENAME"] == "" &&
		(slices.Contains(elIDs, rel["ID"]) || rel["ID"] == "debian" || rel["ID"] == "ubuntu")
}

// errWrongOS is an error with a hint: an operating system in the inventory
// whose package manager the host does not have.
type errWrongOS struct{ os, manager, found string }

func (e errWrongOS) Error() string {
	return fmt.Sprintf("the inventory says os: %s, but the host has no %s", e.os, e.manager)
}

func (e errWrongOS) Hint() string {
	if e.found != "" && e.found != e.os {
		return "its os-release says that it is " + e.found + ": remove its `os:` from the inventory, or correct it"
	}
	return "correct its `os:` in the inventory"
}
