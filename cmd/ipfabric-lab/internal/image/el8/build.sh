# Makes the layer that turns Debian 11 into a machine of the kind "el8-like",
# in the current folder: over/, to lie over base, which is a link to Debian's.
# It runs in mount and process namespaces of its own. The environment holds the
# recipe and BASE, the folder of Debian's.
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
mkdir over over.work merged
mount -t overlay overlay -o "lowerdir=$BASE,upperdir=over,workdir=over.work" merged
mount -t proc proc merged/proc
inside() { chroot merged "$@"; }

printf '#!/bin/sh\nexit 101\n' >merged/usr/sbin/policy-rc.d
chmod 755 merged/usr/sbin/policy-rc.d
printf '%s' "$APT_OPTIONS" >merged/etc/apt/apt.conf.d/91host
cp /etc/resolv.conf merged/etc/resolv.conf
inside apt-get -q update
inside apt-get -qy -o Dpkg::Use-Pty=0 install --no-install-recommends $EL8_PACKAGES
inside systemctl disable firewalld.service # as it is wanted by those who try it, not by all

# What it says that it is.
rm -f merged/etc/os-release merged/etc/debian_version merged/etc/issue merged/etc/issue.net merged/etc/dpkg/origins/*
cat >merged/usr/lib/os-release <<EOF
NAME="AlmaLinux"
VERSION="8.10 (Cerulean Leopard)"
ID="almalinux"
ID_LIKE="rhel centos fedora"
VERSION_ID="8.10"
PLATFORM_ID="platform:el8"
PRETTY_NAME="AlmaLinux 8.10 (Cerulean Leopard)"
VARIANT="el8-like: Debian with dnf and rpm"
VARIANT_ID="el8-like"
EOF
ln -s ../usr/lib/os-release merged/etc/os-release
echo 'AlmaLinux release 8.10 (Cerulean Leopard)' >merged/etc/redhat-release
ln -s redhat-release merged/etc/system-release

# Debian's rpm keeps a database for each user, as it is not the system's
# package manager there.
mkdir -p merged/etc/rpm merged/var/lib/rpm merged/etc/yum.repos.d merged/etc/pki/rpm-gpg
cat >merged/etc/rpm/macros <<EOF
%_dbpath /var/lib/rpm
%rhel 8
%el8 1
%dist .el8
EOF
cat >merged/etc/dnf/dnf.conf <<EOF
[main]
gpgcheck=1
installonly_limit=3
clean_requirements_on_remove=True
best=True
skip_if_unavailable=False
EOF
ln -sf dnf merged/usr/bin/yum
mkdir -p merged/usr/libexec
ln -sf ../bin/python3 merged/usr/libexec/platform-python

mkdir merged/tmp/rpm
cp userland.spec merged/tmp/rpm/
inside rpmbuild --quiet --define '_topdir /tmp/rpm' -bb /tmp/rpm/userland.spec
inside sh -c 'rpm --force-debian -i /tmp/rpm/RPMS/noarch/*.rpm'
rm -r merged/tmp/rpm

# Nothing may find Debian's package manager by accident.
rm -rf merged/etc/apt merged/etc/dpkg merged/usr/lib/apt merged/usr/lib/dpkg \
	merged/var/lib/apt merged/var/lib/dpkg merged/var/cache/apt merged/usr/share/dpkg \
	merged/usr/bin/apt merged/usr/bin/apt-* merged/usr/bin/dpkg merged/usr/bin/dpkg-* merged/usr/sbin/dpkg-* \
	merged/usr/sbin/policy-rc.d merged/etc/resolv.conf merged/var/log/apt merged/var/log/dpkg.log
umount merged/proc merged
rmdir merged
rm -rf over.work userland.spec
ln -s "$BASE" base
