package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"ipfabric/inventory"
	"ipfabric/remote"
	"ipfabric/steps"
	"ipfabric/steps/frr"
	"ipfabric/steps/run"
	"ipfabric/steps/step"
	"ipfabric/steps/verify"
)

// A session is one run of a command that works with hosts.
type session struct {
	*runEnv
	command  string
	fabric   *inventory.Fabric
	limit    []string // hosts of --limit; none is all
	fleet    *fleet
	progress *progress
	close    func()

	// connect is fleet.connect, or shares answers while nothing is changed.
	connect func(ctx context.Context, host string) (step.Host, error)

	// verifyOnce verifies once, and pollEvery the time between two calls of it.
	verifyOnce func(context.Context, *inventory.Fabric, func(context.Context, string) (step.Host, error)) *verify.Report
	pollEvery  time.Duration
}

// open reads the inventory and starts the log. It touches no host.
func (a *runEnv) open(ctx context.Context, command string, limit []string) (*session, error) {
	fabric, err := a.loadForHosts()
	if err != nil {
		return nil, err
	}
	names, err := limited(fabric, limit)
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
		KnownHosts: fabric.KnownHosts, AcceptNew: a.acceptNew, Log: a.say.debug,
		LoginPassword: login, SudoPassword: sudo,
	}
	if a.ask != nil { // a nil *asker is not a nil Prompter
		cfg.Prompt = a.ask
	}
	client, err := remote.New(cfg)
	if err != nil {
		return nil, err
	}
	if err := a.checkKeys(client, fabric, names); err != nil {
		return nil, err
	}
	s := &session{
		runEnv: a, command: command, fabric: fabric, limit: names, progress: newProgress(a.say),
		verifyOnce: verifyOnce, pollEvery: 2 * time.Second,
	}
	s.fleet = newFleet(func(name string) (machine, error) {
		h, ok := fabric.Host(name)
		if !ok {
			return nil, fmt.Errorf("the fabric has no host %q", name)
		}
		return client.Host(sshTarget(fabric, h)), nil
	})
	s.connect = s.fleet.connect
	s.close = func() {
		s.progress.close()
		_ = client.Close()
	}
	return s, nil
}

// agentTimeout is how long an ssh-agent may take to list its keys.
const agentTimeout = 10 * time.Second

// checkKeys finds keys that cannot be used before any host is contacted, and says so once, not
// for each host.
func (a *runEnv) checkKeys(client *remote.Client, fabric *inventory.Fabric, limit []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), agentTimeout)
	defer cancel()
	var targets []remote.Target
	for _, h := range fabric.Hosts() {
		if len(limit) == 0 || slices.Contains(limit, h.Name) {
			targets = append(targets, sshTarget(fabric, h))
		}
	}
	warnings, err := client.CheckKeys(ctx, targets)
	for _, w := range warnings {
		a.say.warn("%s", w)
	}
	if err != nil {
		return usage(err)
	}
	return nil
}

// openLog starts the run's log. A log in the usual place is not worth failing
// for, one that was asked for is.
func (a *runEnv) openLog(command string) error {
	if a.logFile != "" {
		if err := a.say.log.openFile(a.logFile, a.mask); err != nil {
			return usagef("name a file that can be written", "--log-file: %v", err)
		}
		a.logStart(command)
		return nil
	}
	dir, err := logDir(a.env)
	if err == nil {
		err = a.say.log.openIn(dir, command, a.mask)
	}
	if err != nil {
		a.say.warn("this run has no log file: %v", err)
		return nil
	}
	a.logStart(command)
	return nil
}

func (a *runEnv) logStart(command string) {
	a.say.log.record("", "%s %s, inventory %s", a.program, command, a.file)
}

// plan returns what must be true of the hosts of --limit.
func (s *session) plan(o planOptions) (run.Plan, error) {
	plan, err := steps.New(s.fabric, frr.Options{Adopt: o.adopt, AcceptSessionLoss: o.loss, Upgrade: o.upgrade})
	if err != nil {
		return nil, err
	}
	if len(s.limit) == 0 {
		return plan, nil
	}
	hosts := plan.Hosts()
	for _, name := range s.limit {
		if slices.Contains(hosts, name) {
			continue
		}
		if h, _ := s.fabric.Host(name); h.Role == inventory.RoleCoreGateway {
			return nil, usagef(fmt.Sprintf("`ipfabric gateway %s` prints what to paste there", name),
				"--limit: %s is a core gateway, which ipfabric does not change", name)
		}
		return nil, usagef("leave it out of --limit, or remove `managed: false` from the inventory",
			"--limit: %s is not managed by ipfabric", name)
	}
	return plan.Only(s.limit...), nil
}

// role says what a host is.
func (s *session) role(name string) string {
	h, _ := s.fabric.Host(name)
	return h.Role
}

// run carries out a plan, or looks only, as the Runner says.
func (s *session) run(ctx context.Context, plan run.Plan, r run.Runner) run.Result {
	r.Connect, r.Stop = s.connect, s.signals.stop
	return r.Run(ctx, plan)
}
