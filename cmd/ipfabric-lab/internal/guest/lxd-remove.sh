# Ends a guest that is a container, as pulling its plug does.
set -eu
vm=$1
if lxc info "$vm" >/dev/null 2>&1; then
	lxc -q delete --force "$vm"
fi
rm -f "/run/ipfabric-lab/guests/$vm"
