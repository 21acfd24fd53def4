# Makes a node one that runs containers with LXD, and an image for them of
# busybox.
set -eu
export DEBIAN_FRONTEND=noninteractive
home=/var/lib/ipfabric-lab/lxd
mkdir -p "$home"
cd "$home"
# Two that come at the same time: the second finds everything there.
exec 9>lock
flock 9
[ ! -e ready ] || exit 0
{
	apt-get -q -o DPkg::Lock::Timeout=300 update
	apt-get -qy -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 install --no-install-recommends lxd busybox-static
	rm -rf image
	mkdir -p image/rootfs/bin image/rootfs/sbin image/rootfs/proc image/rootfs/sys image/rootfs/dev \
		image/rootfs/etc image/rootfs/root image/rootfs/run image/rootfs/tmp
	cp /bin/busybox image/rootfs/bin/busybox
	for applet in $(/bin/busybox --list); do
		[ "$applet" = busybox ] || ln -s busybox "image/rootfs/bin/$applet"
	done
	cat >image/rootfs/sbin/init <<'END'
#!/bin/busybox sh
export PATH=/bin
trap 'exit 0' TERM PWR INT
echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_ra
echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad
sh -ex /settings && touch /configured
while :; do sleep 3600 & wait $!; done
END
	chmod 755 image/rootfs/sbin/init
	cat >image/metadata.yaml <<END
architecture: $(uname -m)
creation_date: 1
properties: {description: busybox, os: busybox, release: lab}
END
	tar -czf image.tar.gz -C image metadata.yaml rootfs
	lxc storage show default >/dev/null 2>&1 || lxc storage create default dir
	lxc image show ipfabric-lab >/dev/null 2>&1 || lxc image import image.tar.gz --alias ipfabric-lab
	rm -rf image image.tar.gz
} >install.log 2>&1 9>&- </dev/null || {
	tail -n 5 install.log >&2
	exit 1
}
touch ready # last: it says that all is there
