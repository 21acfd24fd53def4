#!/bin/sh
# firewalld-state.sh "POLICY..." "SET..."
# prints "off" where firewalld does not run, else its version, "no sets" where it
# cannot have any, and what it has loaded of these policies and sets of addresses.
# It asks over D-Bus: firewall-cmd takes half a second of CPU for each question.
systemctl -q is-active firewalld 2>/dev/null || { echo off; exit 0; }
ask() { i=$1; shift; busctl call org.fedoraproject.FirewallD1 /org/fedoraproject/FirewallD1 "org.fedoraproject.FirewallD1.$i" "$@" 2>/dev/null || echo none; }
v=$(busctl get-property org.fedoraproject.FirewallD1 /org/fedoraproject/FirewallD1 org.fedoraproject.FirewallD1 version | cut -d'"' -f2)
echo "version $v"
busctl get-property org.fedoraproject.FirewallD1 /org/fedoraproject/FirewallD1 org.fedoraproject.FirewallD1 IPSetTypes | grep -q '"hash:ip"' || echo "no sets"
for p in $1; do echo "policy $p $(ask policy getPolicySettings s "$p")"; done
for s in $2; do echo "set $s $(ask ipset getEntries s "$s")"; done
