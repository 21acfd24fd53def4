#!/bin/sh
# start-timer.sh UNIT SECONDS COMMAND ARMED
# starts the timer UNIT anew, which runs "COMMAND rollback" after that many
# seconds, and again every 10 s while that fails. It is one script, as an
# operator's machine that dies between two commands would leave the host with a
# change and no timer. It fails if the file ARMED is not there in the end: the
# last timer has rolled back just before it was stopped.
systemctl stop "$1.timer" 2>/dev/null; systemctl reset-failed "$1.timer" "$1.service" 2>/dev/null
systemd-run --quiet --unit="$1" --on-active="$2" --timer-property=AccuracySec=1s \
	--property=Restart=on-failure --property=RestartSec=10 "$3" rollback || exit
[ -e "$4" ] || { echo "the host has put the old configuration back just now" >&2; exit 1; }
