package frr

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"ipfabric/assets"
	"ipfabric/steps/frr/conf"
	"ipfabric/steps/host"
	"ipfabric/steps/step"
)

const vtyshPath = "/etc/frr/vtysh.conf"

// integrated: FRR's configuration is the one file frr.conf. The packages of
// AlmaLinux 8 and RHEL 8 come with one file for each daemon: frr-reload.py
// refuses to work then, and vtysh's write would go to files that nobody reads.
type integrated struct{ options Options }

func (s integrated) String() string { return "FRR is configured by frr.conf alone" }

func (s integrated) Check(ctx context.Context, r step.Reader) (step.Diff, error) {
	data, err := r.ReadFile(ctx, vtyshPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // integrated is the default
	}
	if err != nil {
		return nil, err
	}
	if !separate(data) {
		return nil, nil
	}
	diff := step.Diff{{Item: vtyshPath, Have: "a file for each daemon", Want: "frr.conf"}}
	text, err := r.Query(ctx, assets.Script("separate-conf.sh")...)
	if err != nil {
		return nil, err
	}
	if conf.Foreign([]byte(text)) {
		diff = append(diff, step.Change{Item: "author of the daemons' own files in /etc/frr", Have: "somebody else", Want: "ipfabric (needs --adopt)"})
		if s.options.Adopt {
			diff[1].Want = "ipfabric"
		}
	}
	return diff, nil
}

// errSeparateConf is an error with a hint.
type errSeparateConf struct{}

func (errSeparateConf) Error() string {
	return "FRR runs the daemons' own configuration files in /etc/frr, which ipfabric did not write"
}

func (errSeparateConf) Hint() string {
	return "move the lines that you need into frr.extra of the inventory, then run init with --adopt: frr.conf takes the files' place, and they stay where they are"
}

func (s integrated) Apply(ctx context.Context, h step.Host) error {
	data, err := h.ReadFile(ctx, vtyshPath)
	if err != nil {
		return err
	}
	text, err := h.Query(ctx, assets.Script("separate-conf.sh")...)
	if err != nil {
		return err
	}
	if conf.Foreign([]byte(text)) && !s.options.Adopt {
		return errSeparateConf{}
	}
	var kept strings.Builder
	for line := range strings.Lines(string(data)) {
		if !separate([]byte(line)) {
			kept.WriteString(line)
		}
	}
	return host.WriteFile(ctx, h, host.File{Path: vtyshPath, Data: []byte(kept.String()), Mode: 0o640, Owner: "frr:frrvty"})
}

// separate says whether a vtysh.conf wants a file for each daemon.
func separate(vtyshConf []byte) bool {
	for line := range strings.Lines(string(vtyshConf)) {
		if strings.Join(strings.Fields(line), " ") == "no service integrated-vtysh-config" {
			return true
		}
	}
	return false
}
