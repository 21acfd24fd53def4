package steps

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"ipfabric/assets"
	"ipfabric/inventory"
)

const (
	confPath   = "/etc/frr/frr.conf"
	stagedPath = "/etc/frr/frr.conf.ipfabric-staged"
	backupDir  = "/var/lib/ipfabric/backup"
)

// confAuthor is the item of a difference that --adopt is needed for.
const confAuthor = "author of " + confPath

// A confRenderer gives a host's frr.conf for a version of FRR.
type confRenderer func(frrVersion) ([]byte, error)

// frrConf: /etc/frr/frr.conf is what the inventory says.
type frrConf struct {
	host     inventory.Host
	render   confRenderer
	Options  FRROptions
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
		diff = append(diff, Change{Item: confAuthor, Have: "somebody else", Want: "ipfabric (needs --adopt)"})
		if s.Options.Adopt {
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
	if foreign(have) && !s.Options.Adopt {
		return errForeignConf{}
	}
	if err := s.mayChange(ctx, h, have, want); err != nil {
		return err
	}
	if err := writeFile(ctx, h, confFile(stagedPath, want)); err != nil {
		return err
	}
	if _, err := h.Query(ctx, "vtysh", "-C", "-f", stagedPath); err != nil {
		return fmt.Errorf("FRR does not accept the new configuration (left in %s): %w", stagedPath, err)
	}
	if err := h.Run(ctx, "rm", "-f", stagedPath); err != nil { // it holds the password
		return err
	}
	if err := h.Run(ctx, assets.Script("backup-conf.sh", confPath, backupDir)...); err != nil {
		return err
	}
	if err := s.rollback.arm(ctx, h); err != nil {
		return err
	}
	return writeFile(ctx, h, confFile(confPath, want))
}

// mayChange says why the configuration cannot be changed, while nothing has
// been touched yet.
func (s frrConf) mayChange(ctx context.Context, h Host, have, want []byte) error {
	if err := canReload(ctx, h); err != nil {
		return err
	}
	if len(have) == 0 || foreign(have) || s.Options.AcceptSessionLoss || slices.Equal(sessionKeys(have), sessionKeys(want)) {
		return nil
	}
	peers, err := establishedPeers(ctx, h)
	if err != nil || len(peers) == 0 {
		return err
	}
	return errBreaksSessions{len(peers)}
}

// sessionKeys are what no session outlives a change of: the AS number and the
// passwords, each once, whichever peer groups have them.
func sessionKeys(conf []byte) []string {
	var out []string
	for line := range strings.Lines(string(conf)) {
		switch f := strings.Fields(line); {
		case len(f) == 3 && f[0] == "router" && f[1] == "bgp":
			out = append(out, "AS "+f[2])
		case len(f) == 4 && f[0] == "neighbor" && f[2] == "password":
			out = append(out, "password "+f[3])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// errBreaksSessions is an error with a hint.
type errBreaksSessions struct{ peers int }

func (e errBreaksSessions) Error() string {
	return fmt.Sprintf("the AS number or the BGP password changes, which ends the sessions with %d neighbors until both ends have it", e.peers)
}

// RolledBack keeps the change from the other hosts too.
func (e errBreaksSessions) RolledBack() bool { return true }

func (e errBreaksSessions) Hint() string {
	return "nothing was changed here; in a maintenance window run init with --accept-session-loss, then change the core gateways"
}

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
