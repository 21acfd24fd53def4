#!/bin/sh
# apt-lists.sh any|all APT-GET...
# fetches package lists by "APT-GET... update". Another run of apt that does so
# makes it fail at once, so it tries again for a minute. A source that does not
# answer is no error for apt; with "all" it is one here. What apt calls an error
# or a warning goes to standard error.
must=$1; shift
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
	out=$("$@" update 2>&1) && case $must$out in all*"W: Failed to fetch"*) break ;; *) exit 0 ;; esac
	case $out in *"/var/lib/apt/lists/lock"*) sleep 5 ;; *) break ;; esac
done
printf '%s\n' "$out" | grep -E '^(E|W):' >&2
exit 1
