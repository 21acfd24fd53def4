package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipfabric/assets"
	"ipfabric/inventory"
	"ipfabric/inventory/vm"
	"ipfabric/steps/host"
	"ipfabric/steps/step"
	"ipfabric/steps/step/steptest"
)

const (
	askUnit   = "systemctl show ipfabric-agent.service -p LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,MainPID"
	unitUp    = "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\n"
	askThree  = "stat-files.sh " + Path + " " + configPath + " " + unitPath
	askTwo    = "stat-files.sh " + configPath + " " + unitPath
	askUname  = "uname -m"
	asFileIs  = "%o root:root %s\n"
	notFound  = "absent\n"
	otherHash = "0000"
)

var testConfig = inventory.AgentConfig{Fabric: "lab", Node: "node1"}

// current is a node whose agent is installed and runs as it should, changed by
// edit.
func current(t *testing.T, edit func(*vm.Status)) *steptest.Host {
	t.Helper()
	data, err := assets.Agent("amd64")
	if err != nil {
		t.Fatal(err)
	}
	s := vm.Status{Build: ourVersion(), Healthy: true, Binary: vm.Binary{SHA256: host.Hash(data)}, Config: vm.Config{SHA256: host.Hash(testConfig.Marshal())}}
	if edit != nil {
		edit(&s)
	}
	small := fmt.Sprintf(asFileIs, 0o644, host.Hash(testConfig.Marshal())) + fmt.Sprintf(asFileIs, 0o644, host.Hash(assets.File("agent.service")))
	return &steptest.Host{Files: map[string]string{}, Status: map[string]int{}, Fail: map[string]error{}, Answers: map[string]string{
		askUname: "x86_64\n", askStatusLine: marshal(t, s), askUnit: unitUp,
		askTwo: small, askThree: fmt.Sprintf(asFileIs, 0o755, host.Hash(data)) + small,
	}}
}

func TestInstalled(t *testing.T) {
	lost := errors.New("node1 lost the connection")
	for _, tt := range []struct {
		name   string
		edit   func(*vm.Status)
		damage func(*steptest.Host)
		want   string // of the Diff or the error
		asked  string // about the files
	}{
		{"as it should be: the large file is not read", nil, nil, "", askTwo},
		{"another configuration", nil, func(h *steptest.Host) {
			h.Answers[askTwo] = notFound + fmt.Sprintf(asFileIs, 0o644, host.Hash(assets.File("agent.service")))
		}, configPath + " is missing", askTwo},
		{"another program runs", func(s *vm.Status) { s.Binary.SHA256 = otherHash }, nil, "", askThree},
		{"its file was replaced since", func(s *vm.Status) { s.Binary.Replaced = true },
			func(h *steptest.Host) { h.Answers[Path+" version --json"] = "{}" }, "", askThree},
		{"it does not answer", nil, func(h *steptest.Host) {
			h.Answers[askStatusLine], h.Status[askStatusLine], h.Status[Path+" version --json"] = "", 1, 127
			h.Answers[askThree] = strings.Repeat(notFound, 3)
		}, Path + " is missing", askThree},
		{"no connection", nil, func(h *steptest.Host) { h.Fail[askStatusLine] = lost }, lost.Error(), ""},
		{"no connection for its version", func(s *vm.Status) { s.Binary.Replaced = true },
			func(h *steptest.Host) { h.Fail[Path+" version --json"] = lost }, lost.Error(), ""},
		{"another machine", nil, func(h *steptest.Host) { h.Answers[askUname] = "riscv64\n" },
			"there is no agent for machines of the type riscv64: x86_64 and aarch64 are supported", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := current(t, tt.edit)
			if tt.damage != nil {
				tt.damage(h)
			}
			diff, err := Installed{Config: testConfig, Builds: &Builds{}}.Check(context.Background(), h)
			got := diff.String()
			if err != nil {
				got = err.Error()
			}
			if !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			asked := strings.Contains(strings.Join(h.Log, "\n"), tt.asked)
			if other := map[string]string{askTwo: askThree, askThree: askTwo}[tt.asked]; !asked || other != "" && strings.Contains("\n"+strings.Join(h.Log, "\n"), "\n"+other) {
				t.Errorf("asked %q", h.Log)
			}
		})
	}
}

func TestInstalledWritesAllFiles(t *testing.T) {
	h := current(t, nil)
	for _, path := range []string{Path, configPath, unitPath} {
		h.Answers[steptest.Settled("root:root")+path] = ""
	}
	h.Answers["systemctl daemon-reload"] = ""
	builds := &Builds{}
	if err := (Installed{Config: testConfig, Builds: builds}).Apply(context.Background(), h); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"uname -m",
		"write " + Path + " 755", steptest.Settled("root:root") + Path,
		"write " + configPath + " 644", steptest.Settled("root:root") + configPath,
		"write " + unitPath + " 644", steptest.Settled("root:root") + unitPath,
		"systemctl daemon-reload",
	}
	if diff := cmp.Diff(want, h.Log); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if h.Files[configPath] != string(testConfig.Marshal()) || h.Files[unitPath] != string(assets.File("agent.service")) || len(h.Files[Path]) < 1<<20 {
		t.Error("not the files that are wanted")
	}
	for machine, arch := range map[string]string{"x86_64": "amd64", "aarch64": "arm64"} {
		h.Answers[askUname] = machine
		b, err := builds.of(context.Background(), h)
		data, _ := assets.Agent(arch)
		if err != nil || string(b.data) != string(data) || b.hash != host.Hash(data) {
			t.Errorf("%s: another program, %v", machine, err)
		}
		if again, err := builds.of(context.Background(), h); err != nil || &again.data[0] != &b.data[0] {
			t.Errorf("%s: it was read twice, %v", machine, err)
		}
	}
	h.Fail["systemctl daemon-reload"] = steptest.Status(1)
	if err := (Installed{Config: testConfig, Builds: builds}).Apply(context.Background(), h); err == nil {
		t.Error("systemd refuses, and nothing is said")
	}
}

func TestRunning(t *testing.T) {
	lost := errors.New("node1 lost the connection")
	for _, tt := range []struct {
		name   string
		edit   func(*vm.Status)
		damage func(*steptest.Host)
		want   string
	}{
		{"as it should be", nil, nil, ""},
		{"with problems: that is verify's business", func(s *vm.Status) { s.Healthy = false }, nil, ""},
		{"stopped", nil, func(h *steptest.Host) {
			h.Answers[askUnit] = "LoadState=loaded\nActiveState=inactive\nUnitFileState=enabled\n"
		}, "service ipfabric-agent is inactive, want active"},
		{"silent", nil, func(h *steptest.Host) { h.Answers[askStatusLine], h.Status[askStatusLine] = "", 1 },
			"running agent is does not answer, want answers"},
		{"another build", func(s *vm.Status) { s.Binary.SHA256 = otherHash }, nil, "running agent is another build, want the installed one"},
		{"an older one", func(s *vm.Status) { s.Binary.SHA256, s.Protocol = otherHash, 0 }, nil, "running agent is an older version, want the installed one"},
		{"its file was replaced", func(s *vm.Status) { s.Binary.Replaced = true }, nil, "running agent is another build, want the installed one"},
		{"another configuration", func(s *vm.Status) { s.Config.SHA256 = otherHash }, nil,
			"running agent's configuration is an older one, want the installed one"},
		{"no connection", nil, func(h *steptest.Host) { h.Fail[askStatusLine] = lost }, lost.Error()},
		{"no systemd", nil, func(h *steptest.Host) { h.Fail[askUnit] = lost }, lost.Error()},
		{"another machine", nil, func(h *steptest.Host) { h.Answers[askUname] = "riscv64" }, "there is no agent for machines of the type riscv64: x86_64 and aarch64 are supported"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := current(t, tt.edit)
			if tt.damage != nil {
				tt.damage(h)
			}
			diff, err := Running{Config: testConfig, Builds: &Builds{}}.Check(context.Background(), h)
			got := diff.String()
			if err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// A unit that failed too often is not started until its failures are forgotten.
func TestRunningRestartsTheAgent(t *testing.T) {
	lines := []string{"systemctl daemon-reload", "systemctl enable ipfabric-agent.service",
		"systemctl reset-failed ipfabric-agent.service", "systemctl restart ipfabric-agent.service"}
	h := &steptest.Host{Answers: map[string]string{}, Fail: map[string]error{}}
	for _, l := range lines {
		h.Answers[l] = ""
	}
	if err := (Running{}).Apply(context.Background(), h); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(lines, h.Log); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	h.Fail[lines[3]] = steptest.Status(1)
	if err := (Running{}).Apply(context.Background(), h); step.ExitStatus(err) != 1 {
		t.Errorf("got %v", err)
	}
}
