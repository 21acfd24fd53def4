package steps

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"ipfabric/assets"
	"ipfabric/inventory"
)

const (
	agentPath   = "/usr/local/bin/ipfabric-agent"
	agentConfig = "/etc/ipfabric/agent.yaml"
	agentUnit   = "/etc/systemd/system/ipfabric-agent.service"
)

// agentInstalled: the agent's binary, configuration and unit are current.
type agentInstalled struct{ config inventory.AgentConfig }

func (s agentInstalled) String() string { return "the agent is installed" }

func (s agentInstalled) Check(ctx context.Context, r Reader) (Diff, error) {
	files, err := s.files(ctx, r)
	if err != nil {
		return nil, err
	}
	return diffFiles(ctx, r, files)
}

func (s agentInstalled) Apply(ctx context.Context, h Host) error {
	files, err := s.files(ctx, h)
	if err != nil {
		return err
	}
	if err := writeFiles(ctx, h, files); err != nil {
		return err
	}
	return h.Run(ctx, "systemctl", "daemon-reload")
}

func (s agentInstalled) files(ctx context.Context, r Reader) ([]file, error) {
	machine, err := r.Query(ctx, "uname", "-m")
	if err != nil {
		return nil, err
	}
	arch := map[string]string{"x86_64": "amd64", "aarch64": "arm64"}[strings.TrimSpace(machine)]
	if arch == "" {
		return nil, fmt.Errorf("there is no agent for machines of the type %s: x86_64 and aarch64 are supported", strings.TrimSpace(machine))
	}
	binary, err := assets.Agent(arch)
	if err != nil {
		return nil, err
	}
	return []file{
		{path: agentPath, data: binary, mode: 0o755},
		{path: agentConfig, data: s.config.Marshal(), mode: 0o644},
		{path: agentUnit, data: assets.File("agent.service"), mode: 0o644},
	}, nil
}

// agentRunning: the agent runs the installed binary with the installed
// configuration, and starts at boot.
type agentRunning struct{ config inventory.AgentConfig }

func (s agentRunning) String() string { return "the agent runs" }

// agentState prints the running program's path, which ends in " (deleted)" if
// it was replaced after it started, and what the agent says of itself.
const agentState = `readlink /proc/"$(systemctl show -p MainPID --value ipfabric-agent)"/exe; ` + agentPath + ` status --json`

func (s agentRunning) Check(ctx context.Context, r Reader) (Diff, error) {
	unit, err := showUnit(ctx, r, "ipfabric-agent.service")
	if err != nil {
		return nil, err
	}
	if diff := unit.diff("ipfabric-agent"); len(diff) > 0 {
		return diff, nil
	}
	out, err := r.Query(ctx, "sh", "-c", agentState)
	exe, status, _ := strings.Cut(out, "\n")
	if strings.HasSuffix(exe, " (deleted)") {
		return Diff{{Item: "running agent", Have: "an older version", Want: "the installed one"}}, nil
	}
	var st struct {
		Config struct {
			SHA256 string `json:"sha256"`
		} `json:"config"`
	}
	if json.Unmarshal([]byte(status), &st) != nil {
		return Diff{{Item: "running agent", Have: "does not answer", Want: "answers"}}, nil
	}
	sum := sha256.Sum256(s.config.Marshal())
	if want := hex.EncodeToString(sum[:]); st.Config.SHA256 != want {
		return Diff{{Item: "running agent's configuration", Have: "an older one", Want: "the installed one"}}, nil
	}
	// An unhealthy agent that runs what it should is verify's business.
	_ = err
	return nil, nil
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
