#!/bin/sh
# backup-conf.sh FILE FOLDER
# backup copies $1, if it is there, into the folder $2 and keeps the newest
# twenty copies there. Copies hold the BGP password.
set -e
[ -e "$1" ] || exit 0
install -d -m 0700 "$2"
cp -p "$1" "$2/frr.conf.$(date -u +%Y%m%dT%H%M%SZ)"
ls -1 "$2" | head -n -20 | while read -r old; do rm -f "$2/$old"; done
