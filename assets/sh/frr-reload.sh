#!/bin/sh
# frr-reload.sh ARGUMENT...
# findReload runs frr-reload.py.
for d in /usr/lib/frr /usr/libexec/frr; do [ ! -e $d/frr-reload.py ] || exec $d/frr-reload.py "$@"; done
echo 'there is no frr-reload.py in /usr/lib/frr or /usr/libexec/frr' >&2; exit 127
