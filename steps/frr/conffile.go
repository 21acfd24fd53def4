package frr

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"ipfabric/assets"
	"ipfabric/inventory"
	"ipfabric/steps/bgp"
	"ipfabric/steps/frr/conf"
	"ipfabric/steps/host"
	"ipfabric/steps/step"
)

const (
	confPath   = "/etc/frr/frr.conf"
	stagedPath = "/etc/frr/frr.conf.ipfabric-staged"
	backupDir  = "/var/lib/ipfabric/backup"
)

// ConfAuthor is the item of a difference that --adopt is needed for.
const ConfAuthor = "author of " + confPath

// A Renderer gives a host's frr.conf for a version of FRR.
type Renderer func(conf.Version) ([]byte, error)

// confFileCurrent: /etc/frr/frr.conf is what the inventory says.
type confFileCurrent struct {
	host    inventory.Host
	render  Renderer
	options Options
}

func (s confFileCurrent) String() string { return "frr.conf is current" }

func (s confFileCurrent) Check(ctx context.Context, r step.Reader) (step.Diff, error) {
	want, err := wantedConf(ctx, r, s.host, s.render)
	if err != nil {
		return nil, err
	}
	diff, err := host.DiffFiles(ctx, r, []host.File{confFile(confPath, want)})
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
	if conf.Foreign(have) {
		diff = append(diff, step.Change{Item: ConfAuthor, Have: "somebody else", Want: "ipfabric (needs --adopt)"})
		if s.options.Adopt {
			diff[len(diff)-1].Want = "ipfabric"
		}
	}
	lost, err := s.lostSessions(ctx, r, have, want)
	if err == nil && lost > 0 {
		diff = append(diff, step.Change{Item: "this host's BGP sessions", Have: fmt.Sprintf("%d Established", lost),
			Want: "ended by the new AS number or BGP password (needs --accept-session-loss)"})
	}
	return diff, err
}

// ForeignConfError is an error with a hint.
type ForeignConfError struct{}

func (ForeignConfError) Error() string { return confPath + " was not written by ipfabric" }

func (ForeignConfError) Hint() string {
	return "`ipfabric plan` shows what would change; move the lines that you need into frr.extra of the inventory, then run init with --adopt, which keeps a copy in " + backupDir
}

// prepare has FRR's own parser accept the new file before it takes the old
// one's place, and keeps a copy of the old one.
func (s confFileCurrent) prepare(ctx context.Context, h step.Host) (prepared, error) {
	want, err := wantedConf(ctx, h, s.host, s.render)
	if err != nil {
		return prepared{}, err
	}
	have, err := h.ReadFile(ctx, confPath)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return prepared{}, err
	}
	if conf.Foreign(have) && !s.options.Adopt {
		return prepared{}, ForeignConfError{}
	}
	if err := s.mayChange(ctx, h, have, want); err != nil {
		return prepared{}, err
	}
	if err := host.WriteFile(ctx, h, confFile(stagedPath, want)); err != nil {
		return prepared{}, err
	}
	if _, err := h.Query(ctx, "vtysh", "-C", "-f", stagedPath); err != nil {
		return prepared{}, fmt.Errorf("FRR does not accept the new configuration (left in %s): %w", stagedPath, err)
	}
	if err := h.Run(ctx, "rm", "-f", stagedPath); err != nil { // it holds the password
		return prepared{}, err
	}
	if err := h.Run(ctx, assets.Script("backup-conf.sh", confPath, backupDir)...); err != nil {
		return prepared{}, err
	}
	return prepared{apply: func(ctx context.Context) error {
		return host.WriteFile(ctx, h, confFile(confPath, want))
	}}, nil
}

// mayChange says why the configuration cannot be changed, while nothing has
// been touched yet.
func (s confFileCurrent) mayChange(ctx context.Context, h step.Host, have, want []byte) error {
	if err := canReload(ctx, h); err != nil {
		return err
	}
	lost, err := s.lostSessions(ctx, h, have, want)
	if err != nil || lost == 0 {
		return err
	}
	return errBreaksSessions{lost}
}

// lostSessions counts the sessions that a new AS number or BGP password would end
// without the operator's leave.
func (s confFileCurrent) lostSessions(ctx context.Context, r step.Reader, have, want []byte) (int, error) {
	if len(have) == 0 || conf.Foreign(have) || s.options.AcceptSessionLoss || slices.Equal(sessionKeys(have), sessionKeys(want)) {
		return 0, nil
	}
	peers, err := bgp.Established(ctx, r)
	return len(peers), err
}

// sessionKeys are what no session outlives a change of: the AS number and the
// passwords, each once, whichever peer groups have them.
func sessionKeys(text []byte) []string {
	var out []string
	for line := range strings.Lines(string(text)) {
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

// Refused tells the runner that the host was left as it is, and that the other
// hosts are not to be changed either: they would refuse, too, or lose sessions.
func (e errBreaksSessions) Refused() bool { return true }

func (e errBreaksSessions) Hint() string {
	return "nothing was changed here; in a maintenance window run init with --accept-session-loss, then change the core gateways"
}

func wantedConf(ctx context.Context, r step.Reader, host inventory.Host, render Renderer) ([]byte, error) {
	v, err := versionOf(ctx, r, host)
	if err != nil {
		return nil, err
	}
	return render(v)
}

// confFile holds the BGP password, so only FRR reads it.
func confFile(path string, data []byte) host.File {
	return host.File{Path: path, Data: data, Mode: 0o640, Owner: "frr:frr"}
}
