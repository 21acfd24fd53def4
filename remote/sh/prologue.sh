#!/bin/sh
# prologue.sh MARKER COMMAND...: the beginning of every command line. It prints
# the marker on both outputs. The command's own output begins after that: the
# login shell or sudo may have printed something before. Beside the marker stands
# the process group, which is sudo's if sudo has started a process of its own
# (field 5 of proc_pid_stat(5), behind the name in parentheses).
ipf_g=$$
read -r ipf_s </proc/$$/stat && {
	ipf_s=${ipf_s##*) }
	ipf_s=${ipf_s#* * }
	ipf_g=${ipf_s%% *}
}
echo "$1 $ipf_g"
echo "$1" >&2
