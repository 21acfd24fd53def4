# Starts a guest that is a network namespace. Standard input is wire.py.
set -eu
vm=$1 flavour=$2 interface=$3 mac=$4 mode=$5 settings=$6
guests=/run/ipfabric-lab/guests
unit=ipfabric-lab-guest-$vm

undo() {
	systemctl -q stop "$unit" 2>/dev/null || true
	ip netns del "$vm" 2>/dev/null || true
	rm -f "$guests/$vm"
}
mkdir -p "$guests"
if [ "$flavour" = veth ] && ip link show dev "$interface" >/dev/null 2>&1; then
	echo "there is an interface $interface already" >&2
	exit 1
fi
trap undo EXIT
# First: what is cut off from here on can be removed as a guest.
echo "ns $flavour $interface" >"$guests/$vm"
ip netns add "$vm"
ip -n "$vm" link set lo up
case $flavour in
veth)
	ip link add "$interface" type veth peer name eth0 address "$mac" netns "$vm"
	;;
tap)
	# It stays when the wire is cut, and with it the guest's settings.
	ip -n "$vm" tuntap add dev eth0 mode tap
	ip -n "$vm" link set dev eth0 address "$mac"
	cat >/run/ipfabric-lab/wire.py
	systemd-run --quiet --collect --unit="$unit" --service-type=notify \
		--property=Restart=always --property=RestartSec=200ms --property=StartLimitIntervalSec=0 \
		python3 /run/ipfabric-lab/wire.py "$interface" "$mode" "/run/netns/$vm" </dev/null
	;;
esac
# Duplicate address detection would keep the guest waiting for a second or two.
ip netns exec "$vm" sh -c 'cd /proc/sys/net/ipv6/conf/eth0; echo 0 >accept_dad; echo 0 >accept_ra'
ip netns exec "$vm" sh -ec "$settings"
trap - EXIT
