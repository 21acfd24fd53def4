# Starts a guest that is a virtual machine of libvirt's. Standard input is the
# domain.
set -eu
vm=$1 interface=$2 settings=$3
home=/var/lib/ipfabric-lab/qemu
guests=/run/ipfabric-lab/guests
mkdir -p "$guests" "$home/$vm"
cd "$home/$vm"
undo() {
	virsh -q destroy "$vm" >/dev/null 2>&1 || true
	rm -rf "${home:?}/$vm" "$guests/$vm"
}
trap undo EXIT
echo "qemu tap $interface" >"$guests/$vm"
cat >domain.xml
printf '%s' "$settings" >settings
rm -f console.log
{
	cat ../system.gz
	echo settings | cpio -oH newc --quiet | gzip -1
} >initrd
virsh -q create domain.xml
# Without hardware to help it, a guest takes some seconds to boot.
for _ in $(seq 600); do
	if grep -q '^configured' console.log 2>/dev/null; then
		trap - EXIT
		exit 0
	fi
	sleep 0.2
done
echo "the guest does not boot; its console says:" >&2
tail -n 5 console.log >&2
exit 1
