#!/bin/sh
# to-the-end.sh COMMAND...
# runs a package manager in a session of its own, and with its output in a file:
# a run of ipfabric that is stopped, or a connection that breaks, must not take it
# along halfway through a package. /run is there on a full disk too. It ends with
# the command's status, and prints on standard error what that did; dpkg's own
# errors are among apt's output, and come first.
# shellcheck disable=SC2094 # the files are opened four times, before anything is in them
d=$(mktemp -d /run/ipfabric.XXXXXX) || exit 1
exec 3>"$d/out" 4>"$d/err" 5<"$d/out" 6<"$d/err"
rm -rf "$d"
setsid -w "$@" </dev/null >&3 2>&4 3>&- 4>&- 5<&- 6<&-
s=$?
[ "$s" = 0 ] || sed -n '/^dpkg[^ ]*: /{p;n;p;}' <&5 | head -n 6 >&2
cat <&6 >&2
exit "$s"
