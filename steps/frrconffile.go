package steps

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"ipfabric/inventory"
)

const (
	confPath   = "/etc/frr/frr.conf"
	stagedPath = "/etc/frr/frr.conf.ipfabric-staged"
	backupDir  = "/var/lib/ipfabric/backup"
)

// A confRenderer gives a host's frr.conf for a version of FRR.
type confRenderer func(frrVersion) ([]byte, error)

// frrConf: /etc/frr/frr.conf is what the inventory says.
type frrConf struct {
	host   inventory.Host
	render confRenderer
	adopt  bool // take over a file that ipfabric did not write

	rollback rollback
}

func (s frrConf) String() string { return "frr.conf is current" }

func (s frrConf) Check(ctx context.Context, r Reader) (Diff, error) {
	want, err := wantedConf(ctx, r, s.host, s.render)
	if err != nil {
		return nil, err
	}
	diff, err := diffFiles(ctx, r, []file{confFile(confPath, want)})
	if err != nil || len(diff) == 0 {
		return diff, err
	}
	have, err := r.ReadFile(ctx, confPath)
	if errors.Is(err, fs.ErrNotExist) {
		return diff, nil
	}
	if err != nil {
		return nil, err
	}
	if foreign(have) {
		diff = append(diff, Change{Item: "author of " + confPath, Have: "somebody else", Want: "ipfabric (needs --adopt)"})
		if s.adopt {
			diff[len(diff)-1].Want = "ipfabric"
		}
	}
	return diff, nil
}

// errForeignConf is an error with a hint.
type errForeignConf struct{}

func (errForeignConf) Error() string { return confPath + " was not written by ipfabric" }

func (errForeignConf) Hint() string {
	return "`ipfabric plan` shows what would change; move the lines that you need into frr.extra of the inventory, then run init with --adopt, which keeps a copy in " + backupDir
}

// Apply has FRR's own parser accept the new file before it takes the old
// one's place, and keeps a copy of the old one.
func (s frrConf) Apply(ctx context.Context, h Host) error {
	want, err := wantedConf(ctx, h, s.host, s.render)
	if err != nil {
		return err
	}
	have, err := h.ReadFile(ctx, confPath)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if foreign(have) && !s.adopt {
		return errForeignConf{}
	}
	if err := writeFile(ctx, h, confFile(stagedPath, want)); err != nil {
		return err
	}
	if _, err := h.Query(ctx, "vtysh", "-C", "-f", stagedPath); err != nil {
		return fmt.Errorf("FRR does not accept the new configuration (left in %s): %w", stagedPath, err)
	}
	if err := h.Run(ctx, "sh", "-c", backup, "sh", confPath, backupDir); err != nil {
		return err
	}
	if err := s.rollback.arm(ctx, h); err != nil {
		return err
	}
	if err := writeFile(ctx, h, confFile(confPath, want)); err != nil {
		return err
	}
	return h.Run(ctx, "rm", "-f", stagedPath)
}

// backup copies $1, if it is there, into the folder $2 and keeps the newest
// twenty copies there. Copies hold the BGP password.
const backup = `set -e
[ -e "$1" ] || exit 0
install -d -m 0700 "$2"
cp -p "$1" "$2/frr.conf.$(date -u +%Y%m%dT%H%M%SZ)"
ls -1 "$2" | head -n -20 | while read -r old; do rm -f "$2/$old"; done`

func wantedConf(ctx context.Context, r Reader, host inventory.Host, render confRenderer) ([]byte, error) {
	v, err := frrVersionOf(ctx, r, host)
	if err != nil {
		return nil, err
	}
	return render(v)
}

// confFile holds the BGP password, so only FRR reads it.
func confFile(path string, data []byte) file {
	return file{path: path, data: data, mode: 0o640, owner: "frr:frr"}
}

// foreign says whether somebody else has put configuration into a frr.conf:
// it lacks our header and has more in it than a new package's.
func foreign(conf []byte) bool {
	if bytes.HasPrefix(conf, []byte(confHeader)) {
		return false
	}
	for line := range strings.Lines(string(conf)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '!' || line[0] == '#' || packaged(line) {
			continue
		}
		return true
	}
	return false
}

func packaged(line string) bool {
	for _, prefix := range []string{"frr version ", "frr defaults ", "hostname ", "log ", "service integrated-vtysh-config", "no ip forwarding", "no ipv6 forwarding", "end"} {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}
