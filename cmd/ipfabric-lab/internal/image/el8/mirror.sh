# Makes RPM repositories in the current folder's mirror/: os, as a machine of
# the kind "el8-like" has it from the beginning, and next, with an FRR that
# counts as newer. Everything is signed with a key of their own. BASE is the
# folder of Debian 11.
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 HOME=/root
mkdir upper work merged
mount -t overlay overlay -o "lowerdir=$BASE,upperdir=upper,workdir=work" merged
mount -t proc proc merged/proc
inside() { chroot merged "$@"; }
printf '%s' "$APT_OPTIONS" >merged/etc/apt/apt.conf.d/91host
cp /etc/resolv.conf merged/etc/resolv.conf
inside apt-get -q update
inside apt-get -qy -o Dpkg::Use-Pty=0 install --no-install-recommends rpm createrepo-c gpg gpg-agent

mkdir -p merged/rpm/mirror/os merged/rpm/mirror/next merged/rpm/root
cp frr.spec mirror-key.sh merged/rpm/
inside sh -eu -c '
cd /rpm
. ./mirror-key.sh
apt-get -q download frr frr-pythontools libyang1 libc-ares2
for deb in *.deb; do dpkg-deb -x "$deb" root; done
printf "%%_gpg_name %s\n%%__gpg /usr/bin/gpg\n" "$key" >/root/.rpmmacros
build() {
	rpmbuild --quiet --define "_topdir /rpm/$1" --define "dist .el8" --define "release $1" --define "root /rpm/root" -bb frr.spec
	rpmsign --addsign /rpm/$1/RPMS/*/*.rpm
}
build 13
build 14
mv 13/RPMS/*/*.rpm mirror/os/
mv 14/RPMS/*/frr-*.rpm mirror/next/
for repo in mirror/os mirror/next; do
	createrepo_c -q "$repo"
	gpg --batch --yes -u "$key" --detach-sign --armor "$repo/repodata/repomd.xml"
done
'
mv merged/rpm/mirror mirror
umount -l merged/proc merged # gpg-agent may be in it
rm -rf upper work merged frr.spec mirror-key.sh
