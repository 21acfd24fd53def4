#!/bin/sh
# apt-cache.sh MB ARGUMENT...
# runs apt-cache with these arguments. Where less than that many MB are free it
# keeps no files to be faster the next time: they are large, and would fill the
# disk.
need=$1; shift
df -P -m /var/cache/apt | { read -r _; read -r _ _ _ free _; [ "$free" -ge "$need" ]; } 2>/dev/null ||
	set -- -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= "$@"
exec apt-cache "$@"
