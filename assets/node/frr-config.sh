#!/bin/sh
# Written by ipfabric: changes the configuration that FRR runs.
#
#   ipfabric-frr-config reload FILE    make FRR run FILE
#   ipfabric-frr-config confirm SINCE  make the change final that was armed at
#                                      that time; status 3: it was rolled back
#   ipfabric-frr-config rollback       put the last confirmed configuration back,
#                                      unless the change was confirmed; a timer
#                                      does it, and again while it fails
#
# A change waits for its confirmation while the file "armed" is there. Confirming
# and rolling back both begin with renaming it, so that only one of them wins.
set -u
umask 077 # configurations hold the BGP password
dir=/var/lib/ipfabric/rollback

# Where the package has it: Debian's and FRR's own, or AlmaLinux's and RHEL's.
frr_reload=/usr/lib/frr/frr-reload.py
[ -e $frr_reload ] || frr_reload=/usr/libexec/frr/frr-reload.py

# hide_passwords masks what goes into the journal, or over SSH into a log.
hide_passwords() { sed -E 's/( password +)[^ "'"'"'\\]+/\1******/g'; }

# set_passwords FILE changes and removes BGP passwords so that FRR has those of
# FILE. frr-reload.py removes one by an argument of vtysh, and every user of the
# host can read the arguments of a process. New ones it puts into a file itself.
set_passwords() {
	vtysh -c 'show running-config' >"$tmp/running" 2>/dev/null
	awk '
		/^[^ \t!]/ { bgp = /^router bgp / ? $0 : ""; next }
		bgp == "" || $1 != "neighbor" || $3 != "password" { next }
		NR == FNR { want[bgp, $2] = $4; next }
		!((bgp, $2) in want) { say(" no neighbor " $2 " password") }
		((bgp, $2) in want) && want[bgp, $2] != $4 { say(" neighbor " $2 " password " want[bgp, $2]) }
		function say(line) { if (bgp != last) print bgp; last = bgp; print line }
	' "$1" "$tmp/running" >"$tmp/passwords"
	[ ! -s "$tmp/passwords" ] || vtysh -f "$tmp/passwords" 2>&1 | hide_passwords
}

# zebra shows "no ip forwarding" on a host that does not forward. frr-reload.py
# takes that for a line to be removed and would turn forwarding on. So it gets a
# file that has the line, in a configuration folder of its own: given a file
# outside of that folder it would overwrite frr.conf. It runs in a subshell, so
# that the folder goes whatever happens.
reload() (
	tmp=$(mktemp -d /run/ipfabric-frr.XXXXXX) || exit 1
	trap 'rm -rf "$tmp"' EXIT
	trap 'exit 1' HUP INT TERM
	cp /etc/frr/vtysh.conf "$tmp/" 2>/dev/null || : >"$tmp/vtysh.conf"
	cat "$1" >"$tmp/frr.conf" || exit 1
	{
		[ "$(cat /proc/sys/net/ipv4/ip_forward)" != 0 ] || echo 'no ip forwarding'
		[ "$(cat /proc/sys/net/ipv6/conf/all/forwarding 2>/dev/null)" != 0 ] || echo 'no ipv6 forwarding'
	} >>"$tmp/frr.conf" || exit 1
	set_passwords "$tmp/frr.conf"
	# It works line by line and in an order that FRR sometimes does not like: it
	# removes what is gone already, or sets what is not allowed just then, says so,
	# ends with 1, and has everything right in the end. A second run finds nothing
	# left to do then.
	for _ in 1 2 3; do
		"$frr_reload" --reload --stdout --confdir "$tmp" --rundir "$tmp" "$tmp/frr.conf" >"$tmp/out" 2>&1
		rc=$?
		hide_passwords <"$tmp/out" >"$tmp/shown"
		cat "$tmp/shown"
		[ $rc != 0 ] || break
	done
	[ "$rc" = 0 ] || grep -E '^ *%|[Ff]ailure|ERROR|Error|not found' "$tmp/shown" | tail -n 10 >&2
	exit "$rc"
)

# put_back FILE: from the copy beside it, which needs no more room on the disk,
# or else from the other copy.
put_back() {
	copy=$dir/${1##*/}
	[ -e "$copy" ] || return 0 # it was not there before the change
	mv -f "$1.ipfabric-rollback" "$1" 2>/dev/null && return 0
	if cp -p "$copy" "$1.ipfabric-tmp" && mv -f "$1.ipfabric-tmp" "$1"; then return 0; fi
	rm -f "$1.ipfabric-tmp"
	return 1
}

restart() {
	systemctl reset-failed frr.service # or a third restart within minutes is refused
	systemctl restart frr.service
}

# restore also makes FRR run the old configuration where frr.conf cannot be put
# back. It does not restart FRR then, which would start with the new one.
restore() {
	back=yes
	put_back /etc/frr/daemons || back=no
	put_back /etc/frr/frr.conf || back=no
	if ! reload "$dir/running.conf"; then
		[ $back = yes ] && restart || return 1
	fi
	# bgpd takes 5 s until it applies a route map that has changed. The routes
	# that the change took away are missing for so long: they are sent at once.
	for family in 'ipv4 unicast' 'ipv6 unicast'; do
		timeout 8 vtysh -c "clear bgp $family * soft" >/dev/null 2>&1
	done
	[ $back = yes ]
}

case "${1-}" in
reload)
	reload "$2"
	;;
confirm)
	mv "$dir/armed" "$dir/confirmed" 2>/dev/null || exit 3
	if ! grep -qF "\"$2\"" "$dir/confirmed"; then # it is another run's change
		mv -n "$dir/confirmed" "$dir/armed"
		exit 3
	fi
	systemctl stop ipfabric-rollback.timer 2>/dev/null
	systemctl reset-failed ipfabric-rollback.timer ipfabric-rollback.service 2>/dev/null
	rm -f "$dir/confirmed" "$dir/rolled-back" /etc/frr/frr.conf.ipfabric-rollback /etc/frr/daemons.ipfabric-rollback
	;;
rollback)
	mv "$dir/armed" "$dir/restoring" 2>/dev/null || [ -e "$dir/restoring" ] || exit 0
	if ! restore; then
		echo 'the old configuration could not be put back: is there no room in /etc/frr?' >&2
		exit 1
	fi
	touch "$dir/restoring" # when it was
	mv -f "$dir/restoring" "$dir/rolled-back"
	rm -f /etc/frr/frr.conf.ipfabric-rollback /etc/frr/daemons.ipfabric-rollback
	;;
*)
	sed -n 's/^#   //p' "$0" >&2
	exit 64
	;;
esac
