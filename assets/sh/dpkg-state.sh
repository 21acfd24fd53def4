#!/bin/sh
# dpkg-state.sh
# prints what a dpkg that was cut off, by a loss of power perhaps, has left:
# "journal", "configure", and the packages that must be unpacked anew, as
# NAME=VERSION. dpkg itself knows how to go on with all but these.
for f in /var/lib/dpkg/updates/[0-9]*; do [ ! -e "$f" ] || { echo journal; break; }; done
LC_ALL=C dpkg-query -W -f '${db:Status-Eflag} ${db:Status-Status} ${binary:Package}=${Version}\n' |
	sed -n -e 's/^reinstreq [^ ]* //p' -e 's/^ok \(unpacked\|half-configured\) .*/configure/p'
true
