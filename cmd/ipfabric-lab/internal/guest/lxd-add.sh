# Starts a guest that is a container of LXD's. More arguments are keys of its
# configuration, such as user.ipfabric.ip=203.0.113.1.
set -eu
vm=$1 interface=$2 mac=$3 settings=$4
shift 4
guests=/run/ipfabric-lab/guests
file=/var/lib/ipfabric-lab/lxd/$vm.settings
mkdir -p "$guests"
if lxc info "$vm" >/dev/null 2>&1; then
	# Before the node was booted again it may have been one of the lab's.
	if [ "$(lxc config get "$vm" user.ipfabric-lab)" != guest ]; then
		echo "there is an instance $vm already" >&2
		exit 1
	fi
	lxc -q delete --force "$vm"
fi
undo() {
	lxc -q delete --force "$vm" >/dev/null 2>&1 || true
	rm -f "$guests/$vm" "$file"
}
trap undo EXIT
echo "lxd veth $interface" >"$guests/$vm"
printf '%s' "$settings" >"$file"
lxc -q init ipfabric-lab "$vm" -s default -c user.ipfabric-lab=guest -c boot.autostart=false </dev/null >/dev/null 2>&1
lxc -q config device add "$vm" eth0 nic nictype=p2p "host_name=$interface" "hwaddr=$mac"
for key in "$@"; do lxc -q config set "$vm" "$key"; done
lxc -q file push "$file" "$vm/settings"
rm -f "$file"
lxc -q start "$vm"
for _ in $(seq 150); do
	if lxc -q exec "$vm" -- test -e /configured </dev/null >/dev/null 2>&1; then
		trap - EXIT
		exit 0
	fi
	sleep 0.2
done
echo "the guest does not configure its network" >&2
exit 1
