package steps

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// A platform is what differs between operating systems. All of it is in the
// table below; every supported one runs systemd.
type platform struct {
	Name      string // "debian12", as in the inventory's os
	Packages  packageManager
	FRR       []string // FRR's packages: the daemons, and frr-reload.py
	FRRReload string   // path of frr-reload.py
}

// A packageManager knows a distribution's packages.
type packageManager interface {
	// Installed returns the versions of those packages that are installed.
	Installed(ctx context.Context, r Reader, names []string) (map[string]string, error)
	// Candidate returns the version that Install would install; "" if it is not known.
	Candidate(ctx context.Context, r Reader, name string) (string, error)
	// Install installs packages, and upgrades none that is there.
	Install(ctx context.Context, h Host, names []string) error
}

// platforms is every operating system that ipfabric knows.
var platforms = []struct {
	id, version string // as in os-release
	platform
}{
	{"debian", "11", debian("debian11")},
	{"debian", "12", debian("debian12")},
	{"debian", "13", debian("debian13")},
	{"ubuntu", "20.04", debian("ubuntu2004")},
	{"ubuntu", "22.04", debian("ubuntu2204")},
	{"ubuntu", "24.04", debian("ubuntu2404")},
}

func debian(name string) platform {
	return platform{
		Name: name, Packages: apt{},
		FRR: []string{"frr", "frr-pythontools"}, FRRReload: "/usr/lib/frr/frr-reload.py",
	}
}

// errUnsupportedOS is an error with a hint.
type errUnsupportedOS struct{ found string }

func (e errUnsupportedOS) Error() string { return e.found + " is not supported" }

func (e errUnsupportedOS) Hint() string {
	var names []string
	for _, p := range platforms {
		names = append(names, p.Name)
	}
	return "supported are " + strings.Join(names, ", ") + "; if it is as good as one of them, say so with the host's `os:` in the inventory"
}

// platformOf finds the host's platform: what the inventory says, else what
// its os-release says.
func platformOf(ctx context.Context, r Reader, override string) (platform, error) {
	if override != "" {
		for _, p := range platforms {
			if p.Name == override {
				return p.platform, nil
			}
		}
		return platform{}, errUnsupportedOS{override}
	}
	data, err := r.ReadFile(ctx, "/etc/os-release")
	if errors.Is(err, fs.ErrNotExist) {
		data, err = r.ReadFile(ctx, "/usr/lib/os-release")
	}
	if err != nil {
		return platform{}, fmt.Errorf("which operating system: %w", err)
	}
	rel := parseOSRelease(data)
	for _, id := range append([]string{rel["ID"]}, strings.Fields(rel["ID_LIKE"])...) {
		for _, p := range platforms {
			if p.id == id && p.version == rel["VERSION_ID"] {
				return p.platform, nil
			}
		}
	}
	name := rel["PRETTY_NAME"]
	if name == "" {
		name = "this operating system"
	}
	return platform{}, errUnsupportedOS{name}
}

// parseOSRelease reads os-release(5): shell assignments, perhaps quoted.
func parseOSRelease(data []byte) map[string]string {
	out := map[string]string{}
	sc := bufio.NewScanner(bytes.NewReader(data))
	for sc.Scan() {
		line := strings.TrimSpace(sc.Text())
		key, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
			value = value[1 : n-1]
		}
		for _, c := range []string{`"`, "$", "`", `\`} {
			value = strings.ReplaceAll(value, `\`+c, c)
		}
		out[key] = value
	}
	return out
}

// supported: the operating system is one that ipfabric knows.
type supported struct{ os string }

func (s supported) String() string { return "the operating system is supported" }

func (s supported) Check(ctx context.Context, r Reader) (Diff, error) {
	_, err := platformOf(ctx, r, s.os)
	return nil, err
}

func (s supported) Apply(context.Context, Host) error {
	return errors.New("an operating system cannot be changed") // Check finds no Diff
}

// missing returns the names that are not keys of have.
func missing(names []string, have map[string]string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return have[n] != "" })
}
