# Makes an apt mirror of FRR and of what it needs beyond the image, in the
# current folder's mirror/: suite CODENAME with the components main, which has
# the distribution's packages, and next, with the same FRR under a newer
# version. It is signed with a key of its own. BASE is the image's folder.
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 HOME=/root
mkdir upper work merged
mount -t overlay overlay -o "lowerdir=$BASE,upperdir=upper,workdir=work" merged
mount -t proc proc merged/proc
inside() { chroot merged "$@"; }
printf '%s' "$APT_OPTIONS" >merged/etc/apt/apt.conf.d/91host
cp /etc/resolv.conf merged/etc/resolv.conf
inside apt-get -q update
# First of all: what is installed after this is not missing in the image.
inside apt-get -qy install --no-install-recommends --download-only frr frr-pythontools
mkdir -p merged/apt/mirror/pool/main merged/apt/mirror/pool/next
mv merged/var/cache/apt/archives/*.deb merged/apt/mirror/pool/main/
inside apt-get -qy -o Dpkg::Use-Pty=0 install --no-install-recommends apt-utils gpg gpg-agent

cp mirror-key.sh merged/apt/
inside sh -eu -c '
cd /apt
. ./mirror-key.sh
for deb in mirror/pool/main/frr_*.deb mirror/pool/main/frr-pythontools_*.deb; do
	dpkg-deb -R "$deb" unpacked
	sed -i "s/^Version: .*/&+next1/" unpacked/DEBIAN/control
	dpkg-deb -Zgzip -z1 -b unpacked mirror/pool/next
	rm -r unpacked
done
cd mirror
arch=$(dpkg --print-architecture)
for component in main next; do
	mkdir -p "dists/$CODENAME/$component/binary-$arch"
	apt-ftparchive packages "pool/$component" >"dists/$CODENAME/$component/binary-$arch/Packages"
	gzip -k "dists/$CODENAME/$component/binary-$arch/Packages"
done
cd "dists/$CODENAME"
apt-ftparchive -o APT::FTPArchive::Release::Origin=ipfabric-lab -o APT::FTPArchive::Release::Label=ipfabric-lab \
	-o "APT::FTPArchive::Release::Codename=$CODENAME" -o "APT::FTPArchive::Release::Suite=$CODENAME" \
	-o "APT::FTPArchive::Release::Components=main next" -o "APT::FTPArchive::Release::Architectures=$arch" \
	release . >Release.new
mv Release.new Release
gpg --batch -u "$key" --clearsign --output InRelease Release
gpg --batch -u "$key" --detach-sign --armor --output Release.gpg Release
'
mv merged/apt/mirror mirror
umount -l merged/proc merged # gpg-agent may be in it
rm -rf upper work merged mirror-key.sh
