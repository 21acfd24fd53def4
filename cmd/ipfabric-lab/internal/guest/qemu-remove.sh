# Ends a guest that is a virtual machine, as pulling its plug does.
set -eu
vm=$1
if [ -n "$(virsh -q domstate "$vm" 2>/dev/null)" ]; then
	virsh -q destroy "$vm"
fi
rm -rf "/var/lib/ipfabric-lab/qemu/${vm:?}" "/run/ipfabric-lab/guests/$vm"
