#!/bin/sh
# keep-files.sh FOLDER FILE...
# keepFiles copies those files after $1 that are there into the folder $1.
d=$1; shift; for f; do rm -f "$d/${f##*/}"; [ ! -e "$f" ] || cp -p "$f" "$d/" || exit 1; done
