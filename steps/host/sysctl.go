package host

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"ipfabric/assets"
	"ipfabric/steps/step"
)

// Forwarding: the node routes, now and after a reboot.
type Forwarding struct{}

const sysctlFile = "/etc/sysctl.d/60-ipfabric.conf"

func (s Forwarding) String() string { return "the node forwards IPv4 and IPv6" }

func (s Forwarding) Check(ctx context.Context, r step.Reader) (step.Diff, error) {
	data, err := s.settings(ctx, r)
	if err != nil {
		return nil, err
	}
	diff, err := DiffFiles(ctx, r, []File{{Path: sysctlFile, Data: data, Mode: 0o644}})
	if err != nil {
		return nil, err
	}
	keys, want := parseSysctl(data)
	out, err := r.Query(ctx, append([]string{"sysctl", "-n"}, keys...)...)
	if err != nil {
		return nil, err
	}
	have := strings.Split(strings.TrimSpace(out), "\n")
	if len(have) != len(keys) {
		return nil, fmt.Errorf("asked for %d kernel settings, the answer has %d", len(keys), len(have))
	}
	for i, key := range keys {
		if have[i] != want[i] {
			diff = append(diff, step.Change{Item: "kernel setting " + key, Have: have[i], Want: want[i]})
		}
	}
	return diff, nil
}

func (s Forwarding) Apply(ctx context.Context, h step.Host) error {
	data, err := s.settings(ctx, h)
	if err != nil {
		return err
	}
	return setSysctl(ctx, h, sysctlFile, data)
}

// setSysctl writes a sysctl.d(5) file, and has the kernel take its settings.
func setSysctl(ctx context.Context, h step.Host, path string, data []byte) error {
	if err := WriteFile(ctx, h, File{Path: path, Data: data, Mode: 0o644}); err != nil {
		return err
	}
	return h.Run(ctx, "sysctl", "-q", "-p", path)
}

// settings is the file's content. A kernel that forwards no longer accepts
// router advertisements unless accept_ra is 2: an uplink that has its default
// route from one would lose it, and with it the operator.
func (s Forwarding) settings(ctx context.Context, r step.Reader) ([]byte, error) {
	data := assets.File("node/60-ipfabric.conf")
	out, err := r.Query(ctx, "ip", "-6", "-j", "route", "show", "default", "proto", "ra")
	if err != nil {
		return nil, err
	}
	var routes []struct{ Dev string }
	if strings.TrimSpace(out) == "" {
		return data, nil
	}
	if err := json.Unmarshal([]byte(out), &routes); err != nil {
		return nil, fmt.Errorf("default routes from router advertisements: %v", err)
	}
	seen := map[string]bool{}
	for _, route := range routes {
		if route.Dev == "" || seen[route.Dev] {
			continue
		}
		seen[route.Dev] = true
		// A device's dots are slashes to sysctl.
		key := "net/ipv6/conf/" + route.Dev + "/accept_ra"
		accept, err := r.Query(ctx, "sysctl", "-n", key)
		if err != nil {
			return nil, err
		}
		if strings.TrimSpace(accept) == "0" {
			continue // a program of the host's handles advertisements itself
		}
		data = fmt.Appendf(data, "# The default route of %s comes from router advertisements.\n%s = 2\n", route.Dev, key)
	}
	return data, nil
}

// parseSysctl reads a sysctl.d(5) file that this package wrote.
func parseSysctl(data []byte) (keys, values []string) {
	for line := range strings.Lines(string(data)) {
		key, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		keys = append(keys, strings.TrimSpace(key))
		values = append(values, strings.TrimSpace(value))
	}
	return keys, values
}
