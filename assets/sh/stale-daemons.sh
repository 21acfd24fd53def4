#!/bin/sh
# stale-daemons.sh
# prints those of FRR's daemons whose program was replaced since they started.
for p in $(pidof watchfrr zebra bgpd bfdd staticd mgmtd); do
	exe=$(readlink "/proc/$p/exe") && case $exe in *" (deleted)") basename "${exe% (deleted)}" ;; esac
done; true
