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
# systemd-nspawn ends with 133 if the machine asks to be booted again. As a
# service it is systemd that does so.
if [ -z "$CGROUPS" ]; then
	exec systemd-nspawn "$@"
fi
while :; do
	status=0
	systemd-nspawn "$@" || status=$?
	if [ "$status" != 133 ]; then exit "$status"; fi
done
