# Prints a line for each guest of this node: VM KIND FLAVOUR INTERFACE STATE.
set -eu
guests=/run/ipfabric-lab/guests
for file in "$guests"/*; do
	[ -e "$file" ] || continue
	vm=${file##*/}
	read -r kind flavour interface <"$file"
	state=stopped
	case $kind-$flavour in
	ns-veth) ! ip link show dev "$interface" >/dev/null 2>&1 || state=running ;;
	ns-tap) ! systemctl -q is-active "ipfabric-lab-guest-$vm" || state=running ;;
	lxd-*) ! lxc info "$vm" 2>/dev/null | grep -q '^Status: RUNNING' || state=running ;;
	qemu-*) [ "$(virsh -q domstate "$vm" 2>/dev/null)" != running ] || state=running ;;
	esac
	echo "$vm $kind $flavour $interface $state"
done
# Those that libvirt has moved to this node.
command -v virsh >/dev/null || exit 0
for vm in $(virsh -q list --name 2>/dev/null); do
	[ ! -e "$guests/$vm" ] || continue
	interface=$(virsh -q domiflist "$vm" | awk 'NR == 1 { print $1 }')
	echo "$vm qemu tap ${interface:--} running"
done
