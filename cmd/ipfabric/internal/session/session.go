package session

import (
	"context"
	"fmt"
	"slices"
	"time"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/inventory"
	"ipfabric/remote"
	"ipfabric/steps"
	"ipfabric/steps/frr"
	"ipfabric/steps/run"
	"ipfabric/steps/step"
	"ipfabric/steps/verify"
)

// A Session is one run of a command that works with hosts.
type Session struct {
	*Env
	command  string
	fabric   *inventory.Fabric
	limit    limit
	fleet    *fleet
	progress *ui.Progress
	Close    func()

	// connect is fleet.connect, or shares answers while nothing is changed.
	connect func(ctx context.Context, host string) (step.Host, error)

	// verifyOnce verifies once, and pollEvery the time between two calls of it.
	verifyOnce func(context.Context, *inventory.Fabric, func(context.Context, string) (step.Host, error)) *verify.Report
	pollEvery  time.Duration
	holdTime   time.Duration // how long a fabric that was changed must be healthy
}

// Open reads the inventory and starts the log. It touches no host.
func (a *Env) Open(ctx context.Context, command string, words []string) (*Session, error) {
	fabric, err := a.loadForHosts()
	if err != nil {
		return nil, err
	}
	limit, err := parseLimit(fabric, words)
	if err != nil {
		return nil, err
	}
	if err := a.openLog(command); err != nil {
		return nil, err
	}
	login, sudo, err := a.passwords(ctx)
	if err != nil {
		return nil, err
	}
	cfg := remote.Config{
		KnownHosts: fabric.KnownHosts, AcceptNew: a.AcceptNew, Log: a.Say.Debug,
		LoginPassword: login, SudoPassword: sudo,
	}
	if a.Ask != nil { // a nil *asker is not a nil Prompter
		cfg.Prompt = a.Ask
	}
	client, err := remote.New(cfg)
	if err != nil {
		return nil, err
	}
	if err := a.checkKeys(client, fabric, limit); err != nil {
		return nil, err
	}
	s := &Session{
		Env: a, command: command, fabric: fabric, limit: limit, progress: ui.NewProgress(a.Say),
		verifyOnce: verifyOnce, pollEvery: 2 * time.Second, holdTime: holdTime,
	}
	s.fleet = NewFleet(func(name string) (Machine, error) {
		h, ok := fabric.Host(name)
		if !ok {
			return nil, fmt.Errorf("the fabric has no host %q", name)
		}
		return client.Host(SSHTarget(fabric, h)), nil
	})
	s.connect = s.fleet.Connect
	s.Close = func() {
		s.progress.Close()
		_ = client.Close()
	}
	return s, nil
}

// agentTimeout is how long an ssh-agent may take to list its keys.
const agentTimeout = 10 * time.Second

// checkKeys finds keys that cannot be used before any host is contacted, and says so once, not
// for each host.
func (a *Env) checkKeys(client *remote.Client, fabric *inventory.Fabric, limit limit) error {
	ctx, cancel := context.WithTimeout(context.Background(), agentTimeout)
	defer cancel()
	var targets []remote.Target
	for _, h := range fabric.Hosts() {
		if limit.has(h.Name) {
			targets = append(targets, SSHTarget(fabric, h))
		}
	}
	warnings, err := client.CheckKeys(ctx, targets)
	for _, w := range warnings {
		a.Say.Warn("%s", w)
	}
	if err != nil {
		return ui.Usage(err)
	}
	return nil
}

// openLog starts the run's log. A log in the usual place is not worth failing
// for, one that was asked for is.
func (a *Env) openLog(command string) error {
	if a.LogFile != "" {
		if err := a.Say.Log.OpenFile(a.LogFile, a.Mask); err != nil {
			return ui.Usagef("name a file that can be written", "--log-file: %v", err)
		}
		a.logStart(command)
		return nil
	}
	dir, err := ui.LogDir(a.LookupEnv)
	if err == nil {
		err = a.Say.Log.OpenIn(dir, command, a.Mask)
	}
	if err != nil {
		a.Say.Warn("this run has no log file: %v", err)
		return nil
	}
	a.logStart(command)
	return nil
}

func (a *Env) logStart(command string) {
	a.Say.Log.Record("", "%s %s, inventory %s", a.Program, command, a.File)
}

// Plan returns what must be true of the hosts of --limit.
func (s *Session) Plan(o PlanOptions) (run.Plan, error) {
	plan, err := steps.New(s.fabric, steps.Options{
		FRR:            frr.Options{Adopt: o.Adopt, AcceptSessionLoss: o.Loss, Upgrade: o.Upgrade},
		DowngradeAgent: o.Downgrade,
	})
	if err != nil {
		return nil, err
	}
	if s.limit.all() {
		return plan, nil
	}
	managed := plan.Hosts()
	hosts := slices.DeleteFunc(slices.Clone(s.limit.hosts), func(name string) bool { return !slices.Contains(managed, name) })
	for _, name := range s.limit.hosts {
		if slices.Contains(managed, name) || len(hosts) > 0 && !slices.Contains(s.limit.named, name) {
			continue // a pattern or group may fit hosts that are not managed, too
		}
		if h, _ := s.fabric.Host(name); h.Role == inventory.RoleCoreGateway {
			return nil, ui.Usagef(fmt.Sprintf("`ipfabric gateway %s` prints what to paste there", name),
				"--limit: %s is a core gateway, which ipfabric does not change", name)
		}
		return nil, ui.Usagef("leave it out of --limit, or remove `managed: false` from the inventory",
			"--limit: %s is not managed by ipfabric", name)
	}
	return plan.Only(hosts...), nil
}

// role says what a host is.
func (s *Session) role(name string) string {
	h, _ := s.fabric.Host(name)
	return h.Role
}

// run carries out a plan, or looks only, as the Runner says.
func (s *Session) run(ctx context.Context, plan run.Plan, r run.Runner) run.Result {
	r.Connect, r.Stop = s.connect, s.Signals.stop
	return r.Run(ctx, plan)
}
