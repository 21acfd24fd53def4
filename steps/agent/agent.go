package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"ipfabric/assets"
	"ipfabric/inventory"
	"ipfabric/inventory/vm"
	"ipfabric/steps/host"
	"ipfabric/steps/step"
)

const (
	// Path is the agent's program on a node.
	Path       = "/usr/local/bin/ipfabric-agent"
	configPath = "/etc/ipfabric/agent.yaml"
	unitPath   = "/etc/systemd/system/ipfabric-agent.service"
)

// Installed: the agent's binary, configuration and unit are current.
type Installed struct {
	Config    inventory.AgentConfig
	Builds    *Builds
	Downgrade bool // replace a newer agent too
}

func (s Installed) String() string { return "the agent is installed" }

// Check believes a running agent that says it is the wanted binary, unreplaced,
// and reads the file only if none says so: it is large.
func (s Installed) Check(ctx context.Context, r step.Reader) (step.Diff, error) {
	status, statusErr := NewClient(r).Status(ctx)
	if statusErr != nil && step.ExitStatus(statusErr) < 0 {
		return nil, statusErr
	}
	build, err := s.Builds.of(ctx, r)
	if err != nil {
		return nil, err
	}
	files := s.files(build)
	if status.runs(build) {
		return host.DiffFiles(ctx, r, files[1:])
	}
	have, err := installedVersion(ctx, r, status, statusErr)
	if err != nil {
		return nil, err
	}
	if ours := ourVersion(); have.Newer(ours) && !s.Downgrade {
		return nil, &newerAgentError{have, ours}
	}
	return host.DiffFiles(ctx, r, files)
}

func (s Installed) Apply(ctx context.Context, h step.Host) error {
	build, err := s.Builds.of(ctx, h)
	if err != nil {
		return err
	}
	if err := host.WriteFiles(ctx, h, s.files(build)); err != nil {
		return err
	}
	return h.Run(ctx, "systemctl", "daemon-reload")
}

func (s Installed) files(b binary) []host.File {
	return []host.File{
		{Path: Path, Data: b.data, Mode: 0o755},
		{Path: configPath, Data: s.Config.Marshal(), Mode: 0o644},
		{Path: unitPath, Data: assets.File("agent.service"), Mode: 0o644},
	}
}

// Builds are the agent's binaries, each hashed once for all nodes: they
// are large.
type Builds struct {
	mu     sync.Mutex
	builds map[string]binary // by Go architecture
}

type binary struct {
	data []byte
	hash string
}

// of returns the agent for the host's machine type.
func (b *Builds) of(ctx context.Context, r step.Reader) (binary, error) {
	out, err := r.Query(ctx, "uname", "-m")
	if err != nil {
		return binary{}, err
	}
	machine := strings.TrimSpace(out)
	arch := map[string]string{"x86_64": "amd64", "aarch64": "arm64"}[machine]
	if arch == "" {
		return binary{}, fmt.Errorf("there is no agent for machines of the type %s: x86_64 and aarch64 are supported", machine)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	build, ok := b.builds[arch]
	if ok {
		return build, nil
	}
	data, err := assets.Agent(arch)
	if err != nil {
		return binary{}, err
	}
	build = binary{data, host.Hash(data)}
	if b.builds == nil {
		b.builds = map[string]binary{}
	}
	b.builds[arch] = build
	return build, nil
}

// runs says whether the agent runs this binary, and its file is still there.
func (s Status) runs(b binary) bool {
	return s.Binary.SHA256 == b.hash && !s.Binary.Replaced
}

// ourVersion is the version of the agents that this program has with it.
func ourVersion() vm.Build {
	b := vm.Build{Protocol: vm.Protocol}
	b.Version, b.Committed = assets.AgentVersion()
	return b
}

// installedVersion is the version of the agent's file on a host, zero if there
// is none. An agent that runs and whose file was not replaced has said it in its
// status. An agent that is too old to be asked for it has protocol 0.
func installedVersion(ctx context.Context, r step.Reader, status Status, statusErr error) (vm.Build, error) {
	if statusErr == nil && !status.Binary.Replaced {
		return status.Build, nil
	}
	out, err := r.Query(ctx, Path, "version", "--json")
	if err != nil && step.ExitStatus(err) < 0 {
		return vm.Build{}, err
	}
	var b vm.Build
	if err != nil || json.Unmarshal([]byte(out), &b) != nil {
		return vm.Build{}, nil
	}
	return b, nil
}

// A newerAgentError says that a host has a newer agent than this program. It is
// not replaced: it may have written VM files that an older agent does not
// understand.
type newerAgentError struct{ have, ours vm.Build }

func (e *newerAgentError) Error() string {
	return fmt.Sprintf("the agent there is newer (%s) than the one of this ipfabric (%s), and is left as it is", e.have, e.ours)
}

// Hint says what to do now.
func (e *newerAgentError) Hint() string {
	return "update this ipfabric; or, to go back to its agent all the same, `ipfabric init --downgrade-agent`"
}

// Running: the agent runs the installed binary with the installed
// configuration, and starts at boot.
type Running struct {
	Config inventory.AgentConfig
	Builds *Builds
}

func (s Running) String() string { return "the agent runs" }

func (s Running) Check(ctx context.Context, r step.Reader) (step.Diff, error) {
	status, statusErr := NewClient(r).Status(ctx)
	if statusErr != nil && step.ExitStatus(statusErr) < 0 {
		return nil, statusErr
	}
	unit, err := host.ShowUnit(ctx, r, "ipfabric-agent.service")
	if err != nil {
		return nil, err
	}
	if diff := unit.Diff("ipfabric-agent"); len(diff) > 0 {
		return diff, nil
	}
	if statusErr != nil {
		return step.Diff{{Item: "running agent", Have: "does not answer", Want: "answers"}}, nil
	}
	build, err := s.Builds.of(ctx, r)
	if err != nil {
		return nil, err
	}
	if !status.runs(build) {
		return step.Diff{{Item: "running agent", Have: olderOrNewer(status.Build), Want: "the installed one"}}, nil
	}
	if want := host.Hash(s.Config.Marshal()); status.Config.SHA256 != want {
		return step.Diff{{Item: "running agent's configuration", Have: "an older one", Want: "the installed one"}}, nil
	}
	return nil, nil // one that is not healthy is verify's business
}

// olderOrNewer says how an agent that is to be replaced compares with ours.
func olderOrNewer(have vm.Build) string {
	switch ours := ourVersion(); {
	case have.Newer(ours):
		return "a newer version"
	case ours.Newer(have):
		return "an older version"
	}
	return "another build"
}

// Apply restarts the agent: that withdraws nothing, the routes are the kernel's.
func (s Running) Apply(ctx context.Context, h step.Host) error {
	for _, argv := range [][]string{
		{"systemctl", "daemon-reload"},
		{"systemctl", "enable", "ipfabric-agent.service"},
		{"systemctl", "reset-failed", "ipfabric-agent.service"},
		{"systemctl", "restart", "ipfabric-agent.service"},
	} {
		if err := h.Run(ctx, argv...); err != nil {
			return err
		}
	}
	return nil
}
