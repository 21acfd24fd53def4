# Becomes a machine. The current folder is the machine's; CGROUPS are the
# control groups to be in, LOWER the image's layers; the arguments are
# systemd-nspawn's. Runs in a mount namespace of its own, so the disk is
# mounted for this machine only, and for as long as it runs.
set -eu
for group in $CGROUPS; do echo $$ >"$group/cgroup.procs"; done
# From here on the machine is to be found by its group, and the lab's lock,
# which is descriptor 3, may go.
exec 3>&-
mount -t overlay overlay -o "lowerdir=$LOWER,upperdir=upper,workdir=work" root
exec systemd-nspawn "$@"
