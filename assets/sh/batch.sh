#!/bin/sh
# batch.sh
# is the head of a script that asks many things at once: lines of "ask COMMAND"
# and "timed PROGRAM COMMAND" follow it. Each answer is printed behind its length
# in bytes, with the exit status as its last line. Once timeout(1) has ended a
# program, the other timed commands of the same program are not run.
# shellcheck disable=SC2034 # what follows uses them
ask() { a=$("$@" 2>/dev/null </dev/null; printf '\n%s' "$?"); printf '%s\n%s' "${#a}" "$a"; }
timed() { p=$1; shift; case $hung in *" $p "*) set -- sh -c 'exit 124';; esac; ask "$@"; case $a in *'
124') hung="$hung $p ";; esac; }
hung=
LC_ALL=C
