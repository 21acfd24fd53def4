package image

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"ipfabric/cmd/ipfabric-lab/internal/aptconf"
)

//go:embed build.sh
var buildScript string

//go:embed el8/build.sh
var el8Script string

//go:embed el8/userland.spec
var el8Userland string

// A Release is an operating system that a machine can have.
type Release struct {
	OS           string // as in fabric.yaml: "debian12"
	Distribution string // "debian"
	Codename     string // "bookworm"
	// Unsupported by its distribution: mirrors' security suites are not kept
	// whole any more. Debian 11's lists an FRR that is not there.
	Unsupported bool `json:",omitempty"`
	// From is the OS whose image this one's is a layer over.
	From string `json:",omitempty"`
}

// Core is the OS of core gateways in a lab of this one. There is no BIRD for
// dnf, and Debian 11's, 2.0.7, is too old for what `ipfabric gateway` prints.
func (r Release) Core() string {
	if r.From != "" || r.OS == "debian11" {
		return "debian12"
	}
	return r.OS
}

// RPM says whether its packages are installed by dnf.
func (r Release) RPM() bool { return r.From != "" }

var releases = []Release{
	{OS: "debian11", Distribution: "debian", Codename: "bullseye", Unsupported: true},
	{OS: "debian12", Distribution: "debian", Codename: "bookworm"},
	{OS: "debian13", Distribution: "debian", Codename: "trixie"},
	{OS: "el8-like", Distribution: "debian", Codename: "bullseye", Unsupported: true, From: "debian11"},
	{OS: "ubuntu2204", Distribution: "ubuntu", Codename: "jammy"},
	{OS: "ubuntu2404", Distribution: "ubuntu", Codename: "noble"},
}

// FindRelease returns the release of that name.
func FindRelease(os string) (Release, error) {
	for _, r := range releases {
		if r.OS == os {
			return r, nil
		}
	}
	return Release{}, fmt.Errorf("%q is not known; use one of %s", os, strings.Join(Names(), ", "))
}

// Names lists what FindRelease knows.
func Names() []string {
	var out []string
	for _, r := range releases {
		out = append(out, r.OS)
	}
	return out
}

// A Recipe is all that decides what is in an image.
type Recipe struct {
	Release
	Mirror  aptconf.Mirror
	Options []aptconf.Option // how the host's apt gets there
	// CAs are certificates that the host's administrator added to the trusted
	// ones; a mirror or proxy may need them. By file name.
	CAs map[string]string
}

// basePackages make a small but real server. libpam-systemd: without it a
// clean shutdown leaves SSH clients hanging.
var basePackages = []string{
	"systemd", "systemd-sysv", "libpam-systemd", "dbus",
	"openssh-server", "iproute2", "iputils-ping", "netbase", "nftables",
	"procps", "kmod", "python3", "ca-certificates", "less",
}

var corePackages = []string{"bird2"}

// el8Packages come on top of Debian 11's. Its firewalld is of the same
// version as Enterprise Linux 8's, and not running either until it is enabled.
var el8Packages = []string{"dnf", "rpm", "firewalld", "ipset", "logrotate"}

// Key names the image in the cache. Recipes that make different images have
// different keys.
func (r Recipe) Key() string {
	if r.From != "" {
		return r.OS + "-" + hashOf(r, r.from().Key(), el8Packages, el8Script, el8Userland)
	}
	return r.OS + "-" + hashOf(r, basePackages, corePackages, buildScript)
}

// hashOf is a short hash over all that decides what is in a folder of the
// cache.
func hashOf(all ...any) string {
	data, err := json.Marshal(all)
	if err != nil {
		panic(err) // strings only
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:6])
}

// from is the recipe of the image below.
func (r Recipe) from() Recipe {
	below, err := FindRelease(r.From)
	if err != nil {
		panic(err) // both are in the table
	}
	r.Release = below
	return r
}

// env is what the scripts get. base is the folder of the image below or of
// the image itself, if the script works on one.
func (r Recipe) env(base string) []string {
	mirror := r.Mirror
	if r.Unsupported {
		mirror.Security = ""
	}
	return []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/root",
		"BASE=" + base,
		"CODENAME=" + r.Codename,
		"DISTRIBUTION=" + r.Distribution,
		"MIRROR=" + r.Mirror.Main,
		"COMPONENTS=" + strings.Join(r.Mirror.Components, ","),
		"INCLUDE=" + strings.Join(basePackages, ","),
		"CORE_PACKAGES=" + strings.Join(corePackages, " "),
		"EL8_PACKAGES=" + strings.Join(el8Packages, " "),
		"SOURCES_LIST=" + mirror.SourcesList(r.Codename),
		"http_proxy=" + aptconf.Proxy(r.Options, "http"),
		"https_proxy=" + aptconf.Proxy(r.Options, "https"),
		"APT_OPTIONS=" + aptconf.Conf(r.Options, "127.0.0.1"),
	}
}
