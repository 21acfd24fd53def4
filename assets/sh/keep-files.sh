#!/bin/sh
# keep-files.sh FOLDER FILE...
# copies those of the files that are there into the folder, and beside each file
# as FILE.ipfabric-rollback: to put that copy back is a rename, for which there
# is room on a full disk. It fails if there is no room for the copies.
d=$1; shift
for f; do
	rm -f "$d/${f##*/}" "$f.ipfabric-rollback"
	[ -e "$f" ] || continue
	cp -p "$f" "$d/" || exit
	cp -p "$f" "$f.ipfabric-rollback" || { rm -f "$f.ipfabric-rollback"; exit 1; }
done
