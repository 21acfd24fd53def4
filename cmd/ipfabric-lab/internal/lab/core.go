package lab

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"

	"ipfabric/cmd/ipfabric-lab/internal/hint"
	"ipfabric/cmd/ipfabric-lab/internal/machine"
	"ipfabric/cmd/ipfabric-lab/internal/plan"
	"ipfabric/cmd/ipfabric-lab/internal/render"
	"ipfabric/inventory"
)

// installBird reads a bird.conf and puts it into place if it differs and BIRD
// accepts it.
const installBird = `set -eu
new=/etc/bird/.ipfabric-lab.conf
trap 'rm -f "$new"' EXIT
install -m 640 -o root -g bird /dev/null "$new"
cat >"$new"
if cmp -s "$new" /etc/bird/bird.conf; then
	echo same
	exit
fi
bird -p -c "$new"
mv "$new" /etc/bird/bird.conf
if systemctl is-active -q bird; then birdc configure; else systemctl start bird; fi
`

// configureCores brings fabric.yaml into the BIRD of each core gateway among
// the machines.
func (l *Lab) configureCores(ctx context.Context, machines []*machine.Machine) error {
	var f *inventory.Fabric
	for _, m := range machines {
		if m.Role != plan.Core {
			continue
		}
		if f == nil {
			var err error
			if f, err = l.fabric(); err != nil {
				return hint.Add(err, "correct %s, then `ipfabric-lab up` again: the core gateway is configured from it", l.path("fabric.yaml"))
			}
		}
		if err := l.configureCore(ctx, f, m); err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	return nil
}

func (l *Lab) configureCore(ctx context.Context, f *inventory.Fabric, m *machine.Machine) error {
	for _, core := range f.CoreGateways {
		if core.Name != m.Name {
			continue
		}
		conf, err := render.Bird(f, core)
		if err != nil {
			return err
		}
		args := l.SSHArgs(m, installBird)
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Stdin = bytes.NewReader(conf)
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("configure BIRD: %v: %s", err, strings.TrimSpace(string(out)))
		}
		if strings.TrimSpace(string(out)) != "same" {
			l.Say("%s: BIRD configured from fabric.yaml", m.Name)
		}
		return nil
	}
	l.Say("%s: not in fabric.yaml; its BIRD is left as it is", m.Name)
	return nil
}
