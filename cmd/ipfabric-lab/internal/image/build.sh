# Builds an image into the current folder: base/ and core/. It runs in mount
# and process namespaces of its own, so that whatever it mounts and starts is
# gone with it, even if it is killed. The environment holds the recipe.
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
mount -t proc proc /proc

# Without fsync dpkg is several times faster; a build that a crash cuts off is
# thrown away anyhow.
mkdir -p base/etc/dpkg/dpkg.cfg.d base/etc/apt/apt.conf.d
echo force-unsafe-io >base/etc/dpkg/dpkg.cfg.d/ipfabric-lab

# A debootstrap older than the release has no script for it; sid's and gutsy's
# are what such scripts are links to.
scripts=/usr/share/debootstrap/scripts
script=
if [ ! -e "$scripts/$CODENAME" ]; then
	case $DISTRIBUTION in
	ubuntu) script=$scripts/gutsy ;;
	*) script=$scripts/sid ;;
	esac
fi
keyring=/usr/share/keyrings/$DISTRIBUTION-archive-keyring.gpg
debootstrap --variant=minbase --keyring="$keyring" --components="$COMPONENTS" --include="$INCLUDE" \
	"$CODENAME" base "$MIRROR" $script

in_base() { chroot base "$@"; }

# Nothing that a package brings is started while the image is made.
printf '#!/bin/sh\nexit 101\n' >base/usr/sbin/policy-rc.d
chmod 755 base/usr/sbin/policy-rc.d

if [ -d cas ]; then
	cp cas/* base/usr/local/share/ca-certificates/
	in_base update-ca-certificates
fi
rm -rf base/etc/apt/sources.list.d
mkdir base/etc/apt/sources.list.d
printf '%s' "$SOURCES_LIST" >base/etc/apt/sources.list
printf 'Acquire::Languages "none";\n' >base/etc/apt/apt.conf.d/90ipfabric-lab
printf '%s' "$APT_OPTIONS" >base/etc/apt/apt.conf.d/91host
mount -t proc proc base/proc
in_base apt-get -q update
in_base apt-get -qy -o Dpkg::Use-Pty=0 dist-upgrade

# Each machine gets its own of these when it is made.
rm -f base/etc/ssh/ssh_host_*_key* base/etc/hostname base/etc/hosts
: >base/etc/machine-id
rm -f base/var/lib/dbus/machine-id

cat >base/etc/ssh/sshd_config.d/ipfabric-lab.conf <<EOF
HostKey /etc/ssh/ssh_host_ed25519_key
UseDNS no
EOF
mkdir -p base/etc/systemd/journald.conf.d
printf '[Journal]\nStorage=volatile\n' >base/etc/systemd/journald.conf.d/ipfabric-lab.conf

# What only slows a boot, needs hardware, or would take the dpkg lock at a
# moment that nobody chose.
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
	e2scrub_reap.service fstrim.timer motd-news.timer man-db.timer logrotate.timer \
	console-getty.service getty@tty1.service systemd-networkd-wait-online.service \
	systemd-resolved.service systemd-timesyncd.service \
	systemd-firstboot.service; do
	ln -sf /dev/null "base/etc/systemd/system/$unit"
done
# Each login would run what this folder has.
rm -f base/etc/update-motd.d/*
mkdir -p base/etc/systemd/system/multi-user.target.wants
ln -sf /lib/systemd/system/systemd-networkd.service base/etc/systemd/system/multi-user.target.wants/

# The second layer: BIRD, for the core gateways.
mkdir core core.work merged
mount -t overlay overlay -o lowerdir=base,upperdir=core,workdir=core.work merged
mount -t proc proc merged/proc
chroot merged apt-get -qy -o Dpkg::Use-Pty=0 install --no-install-recommends $CORE_PACKAGES
rm -f merged/var/cache/apt/archives/*.deb merged/var/cache/apt/*.bin
umount merged/proc merged
rmdir merged
rm -rf core.work cas

# Last, as apt needs them up to here. The core layer lies over base, so what is
# removed in base is gone for both.
rm -f base/usr/sbin/policy-rc.d base/etc/apt/apt.conf.d/91host base/etc/resolv.conf
rm -f base/var/cache/apt/archives/*.deb base/var/cache/apt/*.bin
# What apt would make of its lists on every machine again.
in_base apt-cache gencaches
umount base/proc
rm -rf base/var/log/apt base/var/log/bootstrap.log base/var/log/dpkg.log
