#!/bin/sh
# separate-conf.sh
# prints what the daemons' own files say, which count only while there is no
# frr.conf.
[ -e /etc/frr/frr.conf ] || cat /etc/frr/zebra.conf /etc/frr/*d.conf 2>/dev/null; true
