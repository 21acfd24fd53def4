#!/bin/sh
# dpkg-state.sh 
# cutOff prints what a dpkg that was cut off, by a loss of power perhaps, has
# left: "journal", "configure", and the packages that must be unpacked anew.
# dpkg itself knows how to go on with all but these.
ls /var/lib/dpkg/updates | grep -q '^[0-9]' && echo journal
LC_ALL=C dpkg-query -W -f '${db:Status-Eflag} ${db:Status-Status} ${binary:Package}=${Version}\n' |
	sed -n -e 's/^reinstreq [^ ]* //p' -e 's/^ok \(unpacked\|half-configured\) .*/configure/p'
true
