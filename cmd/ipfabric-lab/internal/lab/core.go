package lab

import (
	"archive/tar"
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
	"ipfabric/steps/gateway"
)

// installBird reads a tar of bird.conf and ipfabric.conf and puts them into
// place if one differs and BIRD accepts them.
const installBird = `set -eu
new=/etc/bird/.ipfabric-lab
trap 'rm -rf "$new"' EXIT
rm -rf "$new"
mkdir -m 700 "$new"
tar -x -m -C "$new" --no-same-owner
if cmp -s "$new/bird.conf" /etc/bird/bird.conf && cmp -s "$new/ipfabric.conf" /etc/bird/ipfabric.conf; then
	echo same
	exit
fi
bird -p -c "$new/bird.conf"
chgrp bird "$new"/*.conf
mv "$new/ipfabric.conf" "$new/bird.conf" /etc/bird/
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
		files, err := birdFiles(f, core)
		if err != nil {
			return err
		}
		args := l.SSHArgs(m, installBird)
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Stdin = bytes.NewReader(files)
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

// birdFiles is a tar of bird.conf, which has what is the router's own, and of
// ipfabric.conf, which `ipfabric gateway --vendor bird` prints.
func birdFiles(f *inventory.Fabric, core inventory.CoreGateway) ([]byte, error) {
	site, err := render.Site(f)
	if err != nil {
		return nil, err
	}
	text, err := gateway.Render("bird", f, core)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for name, data := range map[string][]byte{"bird.conf": site, "ipfabric.conf": []byte(text)} {
		// 640: bird.conf has the password.
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o640, Size: int64(len(data))}); err != nil {
			return nil, err
		}
		if _, err := w.Write(data); err != nil {
			return nil, err
		}
	}
	err = w.Close() // writes the end of it
	return out.Bytes(), err
}
