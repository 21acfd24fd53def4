#!/bin/sh
# backup-conf.sh FILE FOLDER
# copies the file, if it is there, into the folder as frr.conf.TIME and keeps the
# newest twenty copies there. Copies hold the BGP password.
# shellcheck disable=SC2012 # the names are this script's own
set -e
[ -e "$1" ] || exit 0
install -d -m 0700 "$2"
cp -p "$1" "$2/frr.conf.$(date -u +%Y%m%dT%H%M%SZ)"
ls -1 "$2" | head -n -20 | while read -r old; do rm -f "$2/$old"; done
