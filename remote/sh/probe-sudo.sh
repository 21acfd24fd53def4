#!/bin/sh
# probe-sudo.sh: finds out in one command what the user may do. It prints one
# word on a line, and below that what sudo has printed:
#   root       is root already
#   missing    there is no sudo
#   free       sudo runs everything without a password
#   refused    sudo does not run a shell, and may want a password
#   forbidden  sudo does not let the user run a shell
# With -k, sudo ignores a password that it has accepted a moment ago. The second
# sudo tells two users apart: one who may run other commands without a password,
# but not this one, and one who needs a password for every command.
if [ "$(id -u)" = 0 ]; then echo root; exit; fi
command -v sudo >/dev/null || { echo missing; exit; }
if said=$(sudo -k -n -H -- /bin/sh -c : 2>&1 </dev/null); then echo free; exit; fi
if may=$(sudo -n -l -- /bin/sh 2>&1 </dev/null) || [ -n "$may" ]; then echo refused; else echo forbidden; fi
printf '%s\n' "$said"
