package frr

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"ipfabric/steps/host"
	"ipfabric/steps/step"
)

const daemonsPath = "/etc/frr/daemons"

// daemons: FRR starts bgpd and bfdd; zebra it starts always. Everything
// else in the file stays as it is.
type daemons struct{}

// WantedDaemons are the daemons that ipfabric needs beside zebra.
var WantedDaemons = []string{"bgpd", "bfdd"}

func (s daemons) String() string { return "FRR's daemons are enabled" }

func (s daemons) Check(ctx context.Context, r step.Reader) (step.Diff, error) {
	data, err := r.ReadFile(ctx, daemonsPath)
	if errors.Is(err, fs.ErrNotExist) {
		data, err = nil, nil // FRR is not installed yet
	}
	if err != nil {
		return nil, err
	}
	var diff step.Diff
	have := daemonSettings(data)
	for _, name := range WantedDaemons {
		if have[name] != "yes" {
			diff = append(diff, step.Change{Item: name + " in " + daemonsPath, Have: have[name], Want: "yes"})
		}
	}
	return diff, nil
}

func (s daemons) prepare(ctx context.Context, h step.Host) (prepared, error) {
	data, err := h.ReadFile(ctx, daemonsPath)
	if err != nil {
		return prepared{}, err
	}
	return prepared{apply: func(ctx context.Context) error {
		return host.WriteFile(ctx, h, host.File{Path: daemonsPath, Data: enableDaemons(data), Mode: 0o640, Owner: "frr:frr"})
	}}, nil
}

// daemonSettings reads the file, which is shell: the last assignment counts.
func daemonSettings(data []byte) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(string(data)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			out[key] = strings.Trim(value, `"'`)
		}
	}
	return out
}

// enableDaemons sets the wanted daemons to yes where they stand, and adds
// those that do not.
func enableDaemons(data []byte) []byte {
	found := map[string]bool{}
	var out bytes.Buffer
	for line := range bytes.Lines(data) {
		key, _, _ := strings.Cut(strings.TrimSpace(string(line)), "=")
		if slices.Contains(WantedDaemons, key) {
			found[key] = true
			line = []byte(key + "=yes\n")
		}
		out.Write(line)
	}
	if b := out.Bytes(); len(b) > 0 && b[len(b)-1] != '\n' {
		out.WriteByte('\n')
	}
	for _, name := range WantedDaemons {
		if !found[name] {
			out.WriteString(name + "=yes\n")
		}
	}
	return out.Bytes()
}
