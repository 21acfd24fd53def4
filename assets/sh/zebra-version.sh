#!/bin/sh
# zebra-version.sh 
# zebraVersion runs zebra only for its version. Packages have it beside
# frr-reload.py (frrreload.go), FRR's own sources in the path.
for d in /usr/lib/frr /usr/libexec/frr; do [ ! -x $d/zebra ] || exec $d/zebra --version; done; exec zebra --version
