# Prints a line for each guest of this node: VM KIND FLAVOUR INTERFACE STATE.
set -eu
cd /run/ipfabric-lab/guests 2>/dev/null || exit 0
for vm in *; do
	[ -e "$vm" ] || continue
	read -r kind flavour interface <"$vm"
	state=running
	case $flavour in
	veth) ip link show dev "$interface" >/dev/null 2>&1 || state=stopped ;;
	tap) systemctl -q is-active "ipfabric-lab-guest-$vm" || state=stopped ;;
	esac
	echo "$vm $kind $flavour $interface $state"
done
