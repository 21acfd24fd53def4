#!/bin/sh
# hold-lock.sh FILE NOTE SECONDS: takes the lock file, writes the note into it,
# prints "locked", and holds it as long as a "." comes from standard input at
# least every so many seconds. The lock is the kernel's (flock) and ends with
# this process, so it is free again if ipfabric is killed or the connection
# breaks. Only root can open the file: whoever can open it can take the lock.
# Exit status: 69 a program is missing, which is printed; 73 the file cannot be
# made; 77 another process holds the lock: its note is printed, or, where it
# left none, its process ID and name.
umask 077
for c in flock timeout head stat; do command -v "$c" >/dev/null || { echo "$c"; exit 69; }; done
mkdir -p "$(dirname "$1")" || exit 73
exec 9>>"$1" || exit 73
tries=0
until flock -n 9; do
	note=$(cat "$1")
	if [ -n "$note" ]; then
		printf '%s\n' "$note"
		exit 77
	fi
	# A holder writes its note a moment after it has the lock, and takes it back
	# a moment before it lets it go.
	tries=$((tries + 1))
	if [ "$tries" -gt 10 ]; then
		inode=$(stat -c %i "$1")
		while read -r _ kind _ _ pid file _; do
			if [ "$kind" = FLOCK ] && [ "${file##*:}" = "$inode" ]; then
				echo "process $pid ($(cat "/proc/$pid/comm" 2>/dev/null || echo ended))"
			fi
		done </proc/locks
		exit 77
	fi
	sleep 0.1
done
printf '%s\n' "$2" >"$1" || exit 73
echo locked
while [ "$(timeout "$3" head -c 1 9>&-)" = . ]; do :; done
: >"$1"
