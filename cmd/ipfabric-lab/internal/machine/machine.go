package machine

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"ipfabric/cmd/ipfabric-lab/internal/image"
	"ipfabric/cmd/ipfabric-lab/internal/plan"
)

// A Machine is one machine as its folder describes it.
type Machine struct {
	plan.Machine
	OS    string `json:"os"`
	Image string `json:"image"` // folder in the image cache

	dir string // the machine's folder
	lab string // the lab's ID

	// launched gets the end of the command that Start ran: of the machine
	// itself, or of the request to systemd to run it. nil without Start.
	launched chan error
}

// Folder is where a machine of a lab lives.
func Folder(labDir, name string) string { return filepath.Join(labDir, "machines", name) }

// Load reads the machine in that folder.
func Load(dir, lab string) (*Machine, error) {
	data, err := os.ReadFile(filepath.Join(dir, "machine.json"))
	if err != nil {
		return nil, err
	}
	m := &Machine{dir: dir, lab: lab}
	if err := json.Unmarshal(data, m); err != nil {
		return nil, fmt.Errorf("%s: %v", filepath.Join(dir, "machine.json"), err)
	}
	return m, nil
}

// Create makes the folder of a new machine. What a Create that was cut off
// left is used again. The machine is there, for Load, when all of it is.
func Create(dir, lab string, p plan.Machine, os_ string, img image.Image, network plan.Network, settings Settings) (*Machine, error) {
	m := &Machine{Machine: p, OS: os_, Image: img.Path, dir: dir, lab: lab}
	for _, d := range []string{"upper", "work", "root"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	files, err := firstFiles(m, network, settings)
	if err != nil {
		return nil, err
	}
	if err := writeAll(m.path("upper"), files); err != nil {
		return nil, err
	}
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	tmp := m.path("machine.json.tmp")
	if err := os.WriteFile(tmp, append(data, '\n'), 0o644); err != nil {
		return nil, err
	}
	return m, os.Rename(tmp, m.path("machine.json"))
}

func (m *Machine) path(name string) string { return filepath.Join(m.dir, name) }

// Console is the file with what the machine says while it boots and runs.
func (m *Machine) Console() string { return m.path("console.log") }

// HostKey returns the machine's public SSH host key in authorized_keys form.
func (m *Machine) HostKey() ([]byte, error) {
	return os.ReadFile(m.path("upper/etc/ssh/ssh_host_ed25519_key.pub"))
}

// Running says whether any process of the machine is there.
func (m *Machine) Running() bool { return m.group().populated() }

// Kill ends the machine as a power cut does.
func (m *Machine) Kill(ctx context.Context) error {
	if err := m.group().kill(ctx); err != nil {
		return fmt.Errorf("%s: %w", m.Name, err)
	}
	return nil
}
