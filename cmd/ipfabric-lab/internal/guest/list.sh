# Prints a line for each guest of this node: VM KIND FLAVOUR INTERFACE STATE.
set -eu
cd /run/ipfabric-lab/guests 2>/dev/null || exit 0
for vm in *; do
	[ -e "$vm" ] || continue
	read -r kind flavour interface <"$vm"
	state=stopped
	case $kind-$flavour in
	ns-veth) ! ip link show dev "$interface" >/dev/null 2>&1 || state=running ;;
	ns-tap) ! systemctl -q is-active "ipfabric-lab-guest-$vm" || state=running ;;
	lxd-*) ! lxc info "$vm" 2>/dev/null | grep -q '^Status: RUNNING' || state=running ;;
	qemu-*) [ "$(virsh -q domstate "$vm" 2>/dev/null)" != running ] || state=running ;;
	esac
	echo "$vm $kind $flavour $interface $state"
done
