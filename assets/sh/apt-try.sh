#!/bin/sh
# apt-try.sh KEY SOURCE PACKAGE...
# fetches the lists of one source with that key into a folder of its own, and
# prints the newest version of each package, as "NAME VERSION". Where that does
# not work it prints "failed" and what apt says, and still ends with 0: apt itself
# does if a source does not answer.
# shellcheck disable=SC2015 # "fail" ends the script, so A && B || fail is meant
fail() { echo failed; printf '%s\n' "$1"; exit 0; }
t=$(mktemp -d 2>&1) || fail "$t"
trap 'rm -rf "$t"' EXIT
chmod 755 "$t" # for apt's own user
mkdir -p "$t/parts" "$t/lists/partial" "$t/cache/archives/partial" &&
	printf '%s' "$1" >"$t/key.asc" &&
	{ printf '%s' "$2" | sed "s#^Signed-By: .*#Signed-By: $t/key.asc#" >"$t/parts/try.sources"; } ||
	fail "No space left on device"
shift 2
set -- "$t" "$@"
try() { "$@" -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$t/parts" -o Dir::State::lists="$t/lists" -o Dir::Cache="$t/cache" \
	-o Acquire::Retries=1 -o Acquire::http::Timeout=10 -o Acquire::https::Timeout=10; }
versions=
out=$(LC_ALL=C try apt-get -q update 2>&1)
bad=$(printf '%s\n' "$out" | grep -E '^E:|^W: (GPG error|Failed to fetch|.*[Ss]ignature)' | head -n 4)
shift
for p; do
	v=$(LC_ALL=C try apt-cache madison "$p" 2>/dev/null | head -n 1 | cut -d'|' -f2 | tr -d ' ')
	[ -z "$v" ] || versions="$versions$p $v
"
done
[ -n "$versions" ] || fail "${bad:-no package $*}"
printf '%s' "$versions"
