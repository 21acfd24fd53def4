# Ends a guest that is a network namespace.
set -eu
vm=$1
systemctl -q stop "ipfabric-lab-guest-$vm" 2>/dev/null || true
if [ -e "/run/netns/$vm" ]; then
	# A namespace goes with its last process.
	ip netns pids "$vm" | while read -r pid; do kill -9 "$pid" 2>/dev/null || true; done
	ip netns del "$vm"
fi
rm -f "/run/ipfabric-lab/guests/$vm"
