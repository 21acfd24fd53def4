package steps

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"ipfabric/assets"
	"ipfabric/inventory"
	"ipfabric/inventory/vm"
)

const (
	agentPath   = "/usr/local/bin/ipfabric-agent"
	agentConfig = "/etc/ipfabric/agent.yaml"
	agentUnit   = "/etc/systemd/system/ipfabric-agent.service"
)

// agentInstalled: the agent's binary, configuration and unit are current.
type agentInstalled struct {
	config    inventory.AgentConfig
	builds    *agentBuilds
	downgrade bool // replace a newer agent too
}

func (s agentInstalled) String() string { return "the agent is installed" }

// Check believes a running agent that says it is the wanted binary, unreplaced,
// and reads the file only if none says so: it is large.
func (s agentInstalled) Check(ctx context.Context, r Reader) (Diff, error) {
	status, statusErr := askAgent(ctx, r)
	if statusErr != nil && exitStatus(statusErr) < 0 {
		return nil, statusErr
	}
	build, err := s.builds.of(ctx, r)
	if err != nil {
		return nil, err
	}
	files := s.files(build)
	if status.runs(build) {
		return diffFiles(ctx, r, files[1:])
	}
	have, err := installedVersion(ctx, r, status, statusErr)
	if err != nil {
		return nil, err
	}
	if ours := agentVersion(); have.Newer(ours) && !s.downgrade {
		return nil, &newerAgentError{have, ours}
	}
	return diffFiles(ctx, r, files)
}

func (s agentInstalled) Apply(ctx context.Context, h Host) error {
	build, err := s.builds.of(ctx, h)
	if err != nil {
		return err
	}
	if err := writeFiles(ctx, h, s.files(build)); err != nil {
		return err
	}
	return h.Run(ctx, "systemctl", "daemon-reload")
}

func (s agentInstalled) files(b agentBuild) []file {
	return []file{
		{path: agentPath, data: b.data, mode: 0o755},
		{path: agentConfig, data: s.config.Marshal(), mode: 0o644},
		{path: agentUnit, data: assets.File("agent.service"), mode: 0o644},
	}
}

// agentBuilds are the agent's binaries, each hashed once for all nodes: they
// are large.
type agentBuilds struct {
	mu     sync.Mutex
	builds map[string]agentBuild // by Go architecture
}

type agentBuild struct {
	data []byte
	hash string
}

// of returns the agent for the host's machine type.
func (b *agentBuilds) of(ctx context.Context, r Reader) (agentBuild, error) {
	out, err := r.Query(ctx, "uname", "-m")
	if err != nil {
		return agentBuild{}, err
	}
	machine := strings.TrimSpace(out)
	arch := map[string]string{"x86_64": "amd64", "aarch64": "arm64"}[machine]
	if arch == "" {
		return agentBuild{}, fmt.Errorf("there is no agent for machines of the type %s: x86_64 and aarch64 are supported", machine)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	build, ok := b.builds[arch]
	if ok {
		return build, nil
	}
	data, err := assets.Agent(arch)
	if err != nil {
		return agentBuild{}, err
	}
	build = agentBuild{data, hash(data)}
	if b.builds == nil {
		b.builds = map[string]agentBuild{}
	}
	b.builds[arch] = build
	return build, nil
}

// agentStatus is what `ipfabric-agent status --json` prints.
type agentStatus struct{ vm.Status }

// runs says whether the agent runs this binary, and its file is still there.
func (s agentStatus) runs(b agentBuild) bool {
	return s.Binary.SHA256 == b.hash && !s.Binary.Replaced
}

// agentVersion is the version of the agents that this program has with it.
func agentVersion() vm.Build {
	b := vm.Build{Protocol: vm.Protocol}
	b.Version, b.Committed = assets.AgentVersion()
	return b
}

// installedVersion is the version of the agent's file on a host, zero if there
// is none. An agent that runs and whose file was not replaced has said it in its
// status. An agent that is too old to be asked for it has protocol 0.
func installedVersion(ctx context.Context, r Reader, status agentStatus, statusErr error) (vm.Build, error) {
	if statusErr == nil && !status.Binary.Replaced {
		return status.Build, nil
	}
	out, err := r.Query(ctx, agentPath, "version", "--json")
	if err != nil && exitStatus(err) < 0 {
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

func askAgent(ctx context.Context, r Reader) (agentStatus, error) {
	var s agentStatus
	out, err := r.Query(ctx, agentPath, "status", "--json")
	if err != nil && out == "" {
		return s, err
	}
	// An agent that is not healthy says so by its exit status too.
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		return s, fmt.Errorf("its status cannot be read: %v", err)
	}
	return s, nil
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// agentRunning: the agent runs the installed binary with the installed
// configuration, and starts at boot.
type agentRunning struct {
	config inventory.AgentConfig
	builds *agentBuilds
}

func (s agentRunning) String() string { return "the agent runs" }

func (s agentRunning) Check(ctx context.Context, r Reader) (Diff, error) {
	status, statusErr := askAgent(ctx, r)
	if statusErr != nil && exitStatus(statusErr) < 0 {
		return nil, statusErr
	}
	unit, err := showUnit(ctx, r, "ipfabric-agent.service")
	if err != nil {
		return nil, err
	}
	if diff := unit.diff("ipfabric-agent"); len(diff) > 0 {
		return diff, nil
	}
	if statusErr != nil {
		return Diff{{Item: "running agent", Have: "does not answer", Want: "answers"}}, nil
	}
	build, err := s.builds.of(ctx, r)
	if err != nil {
		return nil, err
	}
	if !status.runs(build) {
		return Diff{{Item: "running agent", Have: olderOrNewer(status.Build), Want: "the installed one"}}, nil
	}
	if want := hash(s.config.Marshal()); status.Config.SHA256 != want {
		return Diff{{Item: "running agent's configuration", Have: "an older one", Want: "the installed one"}}, nil
	}
	return nil, nil // one that is not healthy is verify's business
}

// olderOrNewer says how an agent that is to be replaced compares with ours.
func olderOrNewer(have vm.Build) string {
	switch ours := agentVersion(); {
	case have.Newer(ours):
		return "a newer version"
	case ours.Newer(have):
		return "an older version"
	}
	return "another build"
}

// Apply restarts the agent: that withdraws nothing, the routes are the kernel's.
func (s agentRunning) Apply(ctx context.Context, h Host) error {
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
