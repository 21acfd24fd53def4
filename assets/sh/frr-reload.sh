#!/bin/sh
# frr-reload.sh ARGUMENT...
# runs frr-reload.py, which is in one of two folders. 127: it is in neither.
for d in /usr/lib/frr /usr/libexec/frr; do [ ! -e $d/frr-reload.py ] || exec $d/frr-reload.py "$@"; done
echo 'there is no frr-reload.py in /usr/lib/frr or /usr/libexec/frr' >&2; exit 127
