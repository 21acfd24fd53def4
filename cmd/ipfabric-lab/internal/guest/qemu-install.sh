# Makes a node a hypervisor with libvirt and QEMU, and a system for its guests:
# the distribution's kernel for virtual machines, and busybox.
set -eu
export DEBIAN_FRONTEND=noninteractive
home=/var/lib/ipfabric-lab/qemu
mkdir -p "$home"
cd "$home"
# Two that come at the same time: the second finds everything there.
exec 9>lock
flock 9
[ ! -e system.gz ] || exit 0
{
	apt-get -q -o DPkg::Lock::Timeout=300 update
	apt-get -qy -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 install --no-install-recommends \
		qemu-system-x86 libvirt-daemon-system libvirt-clients busybox-static cpio
	package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: //p' | head -n 1)
	rm -rf kernel root ./*.deb
	apt-get -q -o APT::Sandbox::User=root download "$package"
	mkdir kernel
	dpkg-deb --fsys-tarfile ./*.deb | tar -x -C kernel
} >install.log 2>&1 9>&- </dev/null || {
	tail -n 5 install.log >&2
	exit 1
}
# Control groups inside of a machine of the lab are not libvirt's to divide up.
grep -q '^cgroup_controllers' /etc/libvirt/qemu.conf || echo 'cgroup_controllers = [ ]' >>/etc/libvirt/qemu.conf
systemctl restart libvirtd 9>&-

mkdir -p root/bin root/proc root/sys root/dev
cp /bin/busybox root/bin/busybox
n=0
for module in virtio/virtio_ring virtio/virtio virtio/virtio_pci_legacy_dev virtio/virtio_pci_modern_dev \
	virtio/virtio_pci ../net/core/failover net/net_failover net/virtio_net; do
	n=$((n + 1))
	file=$(echo kernel/lib/modules/*/kernel/drivers/$module.ko)
	[ ! -e "$file" ] || cp "$file" "root/$n.ko"
done
cat >root/init <<'END'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in /*.ko; do insmod $module; done
ip link set lo up
echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_ra
echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad
sh -ex /settings
echo configured
while :; do setsid sh -c 'exec sh </dev/ttyS0 >/dev/ttyS0 2>&1'; done
END
chmod 755 root/init
mv kernel/boot/vmlinuz-* vmlinuz
(cd root && find . | cpio -oH newc --quiet) | gzip -1 >system.tmp
rm -rf kernel root ./*.deb
mv system.tmp system.gz # last: it says that all is there
