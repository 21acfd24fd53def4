#!/bin/sh
# Written by ipfabric: changes the configuration that FRR runs.
#
#   ipfabric-frr-config reload FILE   make FRR run FILE
#   ipfabric-frr-config rollback      put the last confirmed one back, unless the
#                                     change was confirmed; a timer does it
set -u
dir=/var/lib/ipfabric/rollback

# Where the package has it: Debian's and FRR's own, or AlmaLinux's and RHEL's.
frr_reload=/usr/lib/frr/frr-reload.py
[ -e $frr_reload ] || frr_reload=/usr/libexec/frr/frr-reload.py

# zebra shows "no ip forwarding" on a host that does not forward. frr-reload.py
# takes that for a line to be removed and would turn forwarding on. So it gets a
# file that has the line, in a configuration folder of its own: given a file
# outside of that folder it would overwrite frr.conf.
reload() {
	tmp=$(mktemp -d /run/ipfabric-frr.XXXXXX) || return 1
	cp /etc/frr/vtysh.conf "$tmp/" 2>/dev/null || : >"$tmp/vtysh.conf"
	{
		cat "$1" || return 1
		[ "$(cat /proc/sys/net/ipv4/ip_forward)" != 0 ] || echo 'no ip forwarding'
		[ "$(cat /proc/sys/net/ipv6/conf/all/forwarding 2>/dev/null)" != 0 ] || echo 'no ipv6 forwarding'
	} >"$tmp/frr.conf"
	# It works line by line and in an order that FRR sometimes does not like: it
	# removes what is gone already, or sets what is not allowed just then, says so,
	# ends with 1, and has everything right in the end. A second run finds nothing
	# left to do then.
	for try in 1 2 3; do
		"$frr_reload" --reload --stdout --confdir "$tmp" "$tmp/frr.conf" >"$tmp/out" 2>&1
		rc=$?
		# What it prints holds whole lines, and this goes into the journal.
		sed -E 's/( password +)[^ "'"'"'\\]+/\1******/g' "$tmp/out" >"$tmp/shown"
		cat "$tmp/shown"
		[ $rc != 0 ] || break
	done
	[ $rc = 0 ] || grep -E '^ *%|[Ff]ailure|ERROR|Error|not found' "$tmp/shown" | tail -n 10 >&2
	rm -rf "$tmp"
	return $rc
}

put() { # SOURCE TARGET: in place at once, with mode and owner
	[ -e "$1" ] || return 0
	cp -p "$1" "$2.ipfabric-rollback" && mv -f "$2.ipfabric-rollback" "$2"
}

case "$1" in
reload)
	reload "$2"
	;;
rollback)
	[ -e "$dir/armed" ] || exit 0
	put "$dir/daemons" /etc/frr/daemons
	put "$dir/frr.conf" /etc/frr/frr.conf
	reload "$dir/running.conf" || {
		systemctl reset-failed frr.service # or a third restart within minutes is refused
		systemctl restart frr.service
	}
	date -u +%Y-%m-%dT%H:%M:%SZ >"$dir/rolled-back"
	rm -f "$dir/armed"
	;;
*)
	sed -n 's/^#   //p' "$0" >&2
	exit 64
	;;
esac
