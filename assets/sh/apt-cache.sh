#!/bin/sh
# apt-cache.sh MB ARGUMENT...
# askApt runs apt-cache without the files that it keeps to be faster the next
# time, where there is little room: they are large, and would fill the disk.
need=$1; shift
df -P -m /var/cache/apt | { read -r _; read -r _ _ _ free _; [ "$free" -ge "$need" ]; } 2>/dev/null ||
	set -- -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= "$@"
exec apt-cache "$@"
