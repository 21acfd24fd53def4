# Makes the key of a mirror, $key, and puts its public half into mirror/. The
# secret half is gone when the mirror is made. wrong-key.asc is a key that
# nothing is signed with, to see that it is refused.
export GNUPGHOME=/root/gnupg
mkdir -m 700 "$GNUPGHOME"
key=mirror@ipfabric-lab.invalid
for who in "$key" wrong@ipfabric-lab.invalid; do
	gpg --batch --quiet --passphrase '' --quick-generate-key "$who" rsa3072 sign never
done
gpg --batch --armor --export "$key" >mirror/key.asc
gpg --batch --armor --export wrong@ipfabric-lab.invalid >mirror/wrong-key.asc
