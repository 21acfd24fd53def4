#!/bin/sh
# zebra-version.sh
# prints zebra's version. Packages have zebra beside frr-reload.py (frr-reload.sh),
# FRR's own sources in the path.
for d in /usr/lib/frr /usr/libexec/frr; do [ ! -x $d/zebra ] || exec $d/zebra --version; done; exec zebra --version
