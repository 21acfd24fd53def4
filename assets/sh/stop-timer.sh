#!/bin/sh
# stop-timer.sh UNIT
# stops the timer. It and its service may be gone, or failed: what counts is that
# they are out of the way.
systemctl stop "$1.timer" 2>/dev/null; systemctl reset-failed "$1.timer" "$1.service" 2>/dev/null; true
