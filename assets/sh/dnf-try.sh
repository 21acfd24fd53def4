#!/bin/sh
# dnf-try.sh yes|no KEY SECTIONS PACKAGE...
# looks at a repository, SECTIONS of a .repo file with that key, from a folder of
# its own, and prints the newest version of each package, as "NAME VERSION". With
# "yes" it downloads FRR too and has rpm check it with that key alone, in a data
# base of its own: dnf would import a wrong key before it finds that out. Where
# that does not work it prints "failed" and why, and still ends with 0.
# shellcheck disable=SC2015 # "fail" ends the script, so A && B || fail is meant
fail() { echo failed; printf '%s\n' "$1"; exit 0; }
t=$(mktemp -d 2>&1) || fail "$t"
trap 'rm -rf "$t"' EXIT
full=$1 key=$2 sections=$3
mkdir "$t/repos" "$t/get" "$t/db" && printf '%s' "$key" >"$t/key" && printf '%s' "$sections" >"$t/repos/try.repo" || fail "No space left on device"
shift 3
export LC_ALL=C
versions=$(dnf --setopt=cachedir="$t/cache" --setopt=timeout=10 --setopt=retries=1 --setopt='*.skip_if_unavailable=0' \
	--setopt=reposdir="$t/repos" repoquery --latest-limit=1 --qf '%{name} %{version}-%{release}' "$@" 2>"$t/err") ||
	fail "$(grep -E '^  - ' "$t/err" || grep -v '^$' "$t/err" | tail -n 3)"
[ -n "$versions" ] || fail "no package $*"
if [ "$full" = yes ]; then
	dnf -q -y --setopt=reposdir=/etc/yum.repos.d,"$t/repos" --setopt='*.gpgcheck=0' --setopt=install_weak_deps=False \
		--downloadonly --downloaddir="$t/get" install frr >"$t/out" 2>&1 || fail "$(grep -v '^$' "$t/out" | tail -n 4)"
	rpmkeys --dbpath "$t/db" --import "$t/key" 2>"$t/err" || fail "$(cat "$t/err")"
	for f in "$t"/get/frr-[0-9]*.rpm; do # none, if the host has this FRR already
		[ -e "$f" ] || continue
		out=$(rpmkeys --dbpath "$t/db" --checksig "$f" 2>&1)
		case $out in *"signatures OK"*) ;; *) fail "${out##*/}" ;; esac
	done
fi
printf '%s\n' "$versions"
