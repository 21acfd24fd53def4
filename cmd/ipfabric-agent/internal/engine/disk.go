package engine

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"ipfabric/inventory/vm"
)

// lookAtDisk finds out whether a VM could be stored now, before one has to be.
func (e *Engine) lookAtDisk() {
	err := e.Store.Probe()
	if err == nil {
		e.setGlobal("disk", "")
		return
	}
	problem := fmt.Sprintf("VMs can neither be added nor changed: %v", err)
	if _, hint := diskFull(err); hint != "" {
		problem += " (" + hint + ")"
	}
	e.setGlobal("disk", problem)
}

// storeError says in plain words why nothing could be stored.
func (e *Engine) storeError(what string, err error) error {
	e.lookAtDisk()
	code, hint := diskFull(err)
	return vm.Errorf(code, "%s: %v", what, err).WithHint("%s", hint)
}

func diskFull(err error) (code vm.Code, hint string) {
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return vm.DiskFull, "make room on the disk that holds /var/lib/ipfabric: df -h /var/lib/ipfabric; df -i /var/lib/ipfabric"
	case errors.Is(err, unix.EROFS):
		return vm.Internal, "the file system of /var/lib/ipfabric is read-only: dmesg says why"
	}
	return vm.Internal, ""
}
