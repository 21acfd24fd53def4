package steps

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
)

const daemonsPath = "/etc/frr/daemons"

// frrDaemons: FRR starts bgpd and bfdd; zebra it starts always. Everything
// else in the file stays as it is.
type frrDaemons struct{ rollback rollback }

var wantedDaemons = []string{"bgpd", "bfdd"}

func (s frrDaemons) String() string { return "FRR's daemons are enabled" }

func (s frrDaemons) Check(ctx context.Context, r Reader) (Diff, error) {
	data, err := r.ReadFile(ctx, daemonsPath)
	if errors.Is(err, fs.ErrNotExist) {
		data, err = nil, nil // FRR is not installed yet
	}
	if err != nil {
		return nil, err
	}
	var diff Diff
	have := daemonSettings(data)
	for _, name := range wantedDaemons {
		if have[name] != "yes" {
			diff = append(diff, Change{Item: name + " in " + daemonsPath, Have: have[name], Want: "yes"})
		}
	}
	return diff, nil
}

func (s frrDaemons) Apply(ctx context.Context, h Host) error {
	data, err := h.ReadFile(ctx, daemonsPath)
	if err != nil {
		return err
	}
	if err := s.rollback.arm(ctx, h); err != nil {
		return err
	}
	return writeFile(ctx, h, file{path: daemonsPath, data: enableDaemons(data), mode: 0o640, owner: "frr:frr"})
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
		if slices.Contains(wantedDaemons, key) {
			found[key] = true
			line = []byte(key + "=yes\n")
		}
		out.Write(line)
	}
	if b := out.Bytes(); len(b) > 0 && b[len(b)-1] != '\n' {
		out.WriteByte('\n')
	}
	for _, name := range wantedDaemons {
		if !found[name] {
			out.WriteString(name + "=yes\n")
		}
	}
	return out.Bytes()
}
