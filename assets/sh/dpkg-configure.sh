#!/bin/sh
# dpkg-configure.sh APT-GET...
# completes what an earlier dpkg has begun. That one may still be at work, so
# "APT-GET... check" waits for it first. It always ends with 0: the apt-get that
# follows tries again what dpkg cannot configure, and says why.
"$@" check >/dev/null 2>&1
dpkg --configure -a --force-confdef --force-confold
true
