package steps

import "ipfabric/inventory"

func sshLine(f *inventory.Fabric, h inventory.Host, command string) string {
	return f.SSHLine(h, command)
}
