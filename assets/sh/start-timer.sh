#!/bin/sh
# start-timer.sh UNIT SECONDS COMMAND
# starts the timer anew. It is one script, as an operator's machine that dies
# between two commands would leave the host with a change and no timer.
systemctl stop "$1.timer" 2>/dev/null; systemctl reset-failed "$1.timer" "$1.service" 2>/dev/null
exec systemd-run --quiet --unit="$1" --on-active="$2" --timer-property=AccuracySec=1s "$3" rollback
