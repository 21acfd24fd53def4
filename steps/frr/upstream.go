package frr

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"ipfabric/inventory"
	"ipfabric/steps/packages"
)

// The FRR project's repositories. apt's have a component for each release line;
// RPMs have a repository for each major version, and one with libyang beside.
const (
	upstreamApt    = "https://deb.frrouting.org/frr"
	upstreamAptKey = "https://deb.frrouting.org/frr/keys.gpg"
	upstreamRPM    = "https://rpm.frrouting.org/repo/el"
	upstreamRPMKey = "https://keyserver.ubuntu.com/pks/lookup?op=get&options=mr&search=0x7AB8AC624CBA356CB6216D48F66B5A9140673A87"
)

// upstreamFingerprints are the project's keys. The first three for apt stand on
// deb.frrouting.org itself, the fourth is in its key file and signs the
// repository today.
func upstreamFingerprints(family string) []string {
	if family == "el" {
		return []string{"7AB8AC624CBA356CB6216D48F66B5A9140673A87"}
	}
	return []string{
		"4A56C7738BB3F81595A805D2A832769908F13ED1",
		"3D9968AC9AE7BE1169288DDB1FD5839895F57FDA",
		"BBC9ACA9D13025A2C186FF7F741E92A1F6E3975B",
		"A90FC36D9429409798E9C2D874DEED43AB194DBF",
	}
}

// upstream is the project's repository for one release line. Its key is not
// known yet.
func upstream(p packages.Platform, series string) *packages.Repository {
	if p.Family == "el" {
		// $releasever may be 8.6 on RHEL.
		major, _, _ := strings.Cut(series, ".")
		return &packages.Repository{
			Repository: inventory.Repository{URL: upstreamRPM + p.Version + "/frr" + major},
			Series:     series,
			Extras:     upstreamRPM + p.Version + "/extras",
		}
	}
	return &packages.Repository{Repository: inventory.Repository{URL: upstreamApt, Suite: p.Codename, Component: "frr-" + series}}
}

// pinned says what is wrong with a key file, whose every key must be the
// project's.
func pinned(data []byte, family string) error {
	key, err := inventory.ParsePublicKey(data)
	if err != nil {
		return err
	}
	for _, f := range key.Fingerprints {
		if !slices.Contains(upstreamFingerprints(family), f) {
			return fmt.Errorf("it has the key %s in it, which ipfabric does not know as the project's", f)
		}
	}
	return nil
}

// UpstreamKeys fetches the project's keys, each once for all hosts, from where
// ipfabric runs: so a host need not have a program for it, and no host decides
// by itself what to trust.
type UpstreamKeys struct {
	mu   sync.Mutex
	keys map[string]string // family → key in ASCII armor

	get func(ctx context.Context, url string) ([]byte, error) // nil is over HTTP
}

func (u *UpstreamKeys) of(ctx context.Context, family string) (string, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if key := u.keys[family]; key != "" {
		return key, nil
	}
	url, get := upstreamAptKey, u.get
	if family == "el" {
		url = upstreamRPMKey
	}
	if get == nil {
		get = fetch
	}
	data, err := get(ctx, url)
	if err != nil {
		return "", errUpstreamKey{err}
	}
	if err := pinned(data, family); err != nil {
		return "", errUpstreamKey{fmt.Errorf("%s: %v", url, err)}
	}
	key, err := inventory.ParsePublicKey(data)
	if err != nil {
		return "", errUpstreamKey{fmt.Errorf("%s: %v", url, err)}
	}
	if u.keys == nil {
		u.keys = map[string]string{}
	}
	u.keys[family] = key.Armored
	return key.Armored, nil
}

// errUpstreamKey is an error with a hint.
type errUpstreamKey struct{ err error }

func (e errUpstreamKey) Error() string {
	return "the key of FRR's own repository, which ipfabric fetches, cannot be used: " + e.err.Error()
}

func (e errUpstreamKey) Hint() string {
	return "may this machine reach it (HTTPS_PROXY is used)? Else get the key another way and use source: mirror with url: " + upstreamApt
}

// maxKeyFile is larger than any sensible key file.
const maxKeyFile = 1 << 20

func fetch(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, strings.TrimSpace(resp.Status))
	}
	return io.ReadAll(io.LimitReader(resp.Body, maxKeyFile))
}
