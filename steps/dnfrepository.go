package steps

import (
	"context"
	"fmt"
	"strings"
)

const (
	dnfKey    = "/etc/pki/rpm-gpg/RPM-GPG-KEY-ipfabric-frr"
	dnfConfig = "/etc/yum.repos.d/ipfabric-frr.repo"
	dnfRepo   = "ipfabric-frr*" // the names of our repositories in it
)

func (dnf) keyPath() string { return dnfKey }

func (dnf) repositoryPaths() []string { return []string{dnfConfig, dnfKey} }

// repositoryFiles are the key first: a repository without its key makes dnf
// fail.
func (dnf) repositoryFiles(r repository) []file {
	return []file{
		{path: dnfKey, data: []byte(r.Key), mode: 0o644},
		{path: dnfConfig, data: []byte(dnfSections(r, dnfKey)), mode: 0o644},
	}
}

// dnfSections has a priority, so that FRR is never taken from the distribution
// (99) even if that has a newer one.
func dnfSections(r repository, keyPath string) string {
	section := func(name, title, url, more string) string {
		return fmt.Sprintf("[%s]\nname=%s\nbaseurl=%s\nenabled=1\ngpgcheck=1\ngpgkey=file://%s\npriority=10\n%s", name, title, url, keyPath, more)
	}
	only := ""
	if r.Series != "" {
		only = "includepkgs=" + strings.Join(r.packages(), " ") + "\n"
	}
	s := "# Written by ipfabric.\n" + section("ipfabric-frr", "FRR", r.URL, only)
	if r.Extras != "" {
		s += "\n" + section("ipfabric-frr-extras", "what FRR needs", r.Extras, "includepkgs=libyang* librtr*\n")
	}
	return s
}

// packages are FRR's, of one release line.
func (r repository) packages() []string {
	var out []string
	for _, name := range []string{"frr", "frr-pythontools", "frr-snmp", "frr-rpki-rtrlib", "frr-selinux"} {
		if strings.Contains(r.Series, ".") {
			out = append(out, name+"-"+r.Series+"-*")
		}
		out = append(out, name+"-"+r.Series+".*")
	}
	return out
}

// tryDnf looks at a repository, $3 with the key $2, from a folder of its own,
// and prints the newest version of each package that is asked for. If $1 is
// "yes" it downloads FRR too, and has rpm check it with that key alone, in a
// data base of its own: dnf would import a wrong key before it finds that out.
// It prints "failed" and why if that does not work.
const tryDnf = `fail() { echo failed; printf '%s\n' "$1"; exit 0; }
t=$(mktemp -d 2>&1) || fail "$t"
trap 'rm -rf "$t"' EXIT
full=$1 key=$2 sections=$3
mkdir "$t/repos" "$t/get" "$t/db" && printf '%s' "$key" >"$t/key" && printf '%s' "$sections" >"$t/repos/try.repo" || fail "No space left on device"
shift 3
export LC_ALL=C
own="--setopt=cachedir=$t/cache --setopt=timeout=10 --setopt=retries=1 --setopt=*.skip_if_unavailable=0"
versions=$(dnf $own --setopt=reposdir="$t/repos" repoquery --latest-limit=1 --qf '%{name} %{version}-%{release}' "$@" 2>"$t/err") ||
	fail "$(grep -E '^  - ' "$t/err" || grep -v '^$' "$t/err" | tail -n 3)"
[ -n "$versions" ] || fail "no package $*"
if [ "$full" = yes ]; then
	dnf -q -y --setopt=reposdir=/etc/yum.repos.d,"$t/repos" --setopt=*.gpgcheck=0 --setopt=install_weak_deps=False \
		--downloadonly --downloaddir="$t/get" install frr >"$t/out" 2>&1 || fail "$(grep -v '^$' "$t/out" | tail -n 4)"
	rpmkeys --dbpath "$t/db" --import "$t/key" 2>"$t/err" || fail "$(cat "$t/err")"
	for f in "$t"/get/frr-[0-9]*.rpm; do # none, if the host has this FRR already
		[ -e "$f" ] || continue
		out=$(rpmkeys --dbpath "$t/db" --checksig "$f" 2>&1)
		case $out in *"signatures OK"*) ;; *) fail "${out##*/}" ;; esac
	done
fi
printf '%s\n' "$versions"`

// Try looks at the packages of a repository that is not put in place.
func (dnf) Try(ctx context.Context, r Reader, repo repository, full bool) (map[string]string, error) {
	yes := "no"
	if full {
		yes = "yes"
	}
	out, err := r.Query(ctx, "sh", "-c", tryDnf, "sh", yes, repo.Key, dnfSections(repo, "/nowhere"), "frr", "frr-pythontools")
	if err != nil {
		return nil, err
	}
	versions, err := triedVersions(repo, out)
	if err == nil && versions["frr"] == "" {
		return nil, errRepository{repo, "no package frr"}
	}
	return versions, err
}

// Refresh fetches the metadata of our repository.
func (dnf) Refresh(ctx context.Context, h Host) error {
	return packageError(h.Run(ctx, dnfDo(append(append([]string{"--refresh"}, dnfOwn...), "makecache")...)...))
}
