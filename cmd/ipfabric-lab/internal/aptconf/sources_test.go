package aptconf_test

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"ipfabric/cmd/ipfabric-lab/internal/aptconf"
)

func host(files map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for name, text := range files {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

const deb822 = `# a comment
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb-src
URIs: http://src.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: https://tools.example/apt
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF
 -----END PGP PUBLIC KEY BLOCK-----
`

const oneLine = `
deb [arch=amd64 signed-by=/etc/apt/keyrings/vendor.gpg] https://vendor.example/debian bookworm main
# deb http://commented.example/debian bookworm main
deb cdrom:[Debian 12]/ bookworm main
deb-src http://mirror.example/debian bullseye main
deb http://mirror.example/debian/ bullseye main non-free # here too
deb [ trusted=yes  arch=amd64 ] http://mirror.example/debian-security/ bullseye-security main
deb http://broken.example/debian
deb [never closed http://broken.example/debian bullseye main
`

func TestReadSources(t *testing.T) {
	got, err := aptconf.ReadSources(host(map[string]string{
		"etc/apt/sources.list":                       oneLine,
		"etc/apt/sources.list.d/debian.sources":      deb822,
		"etc/apt/sources.list.d/debian.sources.save": deb822,
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := []aptconf.Source{
		{URI: "https://vendor.example/debian", Suites: []string{"bookworm"}, Components: []string{"main"}, SignedBy: "/etc/apt/keyrings/vendor.gpg"},
		{URI: "http://mirror.example/debian/", Suites: []string{"bullseye"}, Components: []string{"main", "non-free"}},
		{URI: "http://mirror.example/debian-security/", Suites: []string{"bullseye-security"}, Components: []string{"main"}},
		{URI: "http://mirror.example/debian", Suites: []string{"bookworm", "bookworm-updates"}, Components: []string{"main", "contrib"}, SignedBy: "/usr/share/keyrings/debian-archive-keyring.gpg"},
		{URI: "http://mirror.example/debian-security", Suites: []string{"bookworm-security"}, Components: []string{"main"}, SignedBy: "/usr/share/keyrings/debian-archive-keyring.gpg"},
		{URI: "https://tools.example/apt", Suites: []string{"bookworm"}, Components: []string{"main"}, SignedBy: "embedded"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFindMirror(t *testing.T) {
	cloud := map[string]string{
		"etc/apt/sources.list.d/debian.sources": "Types: deb\nURIs: mirror+file:///etc/apt/mirrors/debian.list\nSuites: bookworm bookworm-updates\nComponents: main\n\n" +
			"Types: deb\nURIs: mirror+file:///etc/apt/mirrors/debian-security.list\nSuites: bookworm-security\nComponents: main\n",
		"etc/apt/mirrors/debian.list":          "# near ones first\nhttps://near.example/debian\tpriority:1\nhttps://far.example/debian\n",
		"etc/apt/mirrors/debian-security.list": "https://near.example/debian-security\n",
	}
	ubuntu := map[string]string{
		"etc/apt/sources.list": "deb http://archive.example/ubuntu jammy main universe\ndeb http://archive.example/ubuntu jammy-updates main\n" +
			"deb http://security.example/ubuntu jammy-security main\n",
	}
	for _, tt := range []struct {
		name, distribution, codename string
		files                        map[string]string
		want                         string // sources.list, or the error
	}{
		{"deb822", "debian", "bookworm", map[string]string{"etc/apt/sources.list.d/debian.sources": deb822},
			"deb http://mirror.example/debian bookworm main\n" +
				"deb http://mirror.example/debian bookworm-updates main\n" +
				"deb http://mirror.example/debian-security bookworm-security main\n"},
		{"another release than the host's", "debian", "trixie", map[string]string{"etc/apt/sources.list": oneLine},
			"deb http://mirror.example/debian/ trixie main\n" +
				"deb http://mirror.example/debian-security/ trixie-security main\n"},
		{"mirror list of a cloud image", "debian", "bookworm", cloud,
			"deb https://near.example/debian bookworm main\n" +
				"deb https://near.example/debian bookworm-updates main\n" +
				"deb https://near.example/debian-security bookworm-security main\n"},
		{"ubuntu has FRR in universe", "ubuntu", "noble", ubuntu,
			"deb http://archive.example/ubuntu noble main universe\n" +
				"deb http://archive.example/ubuntu noble-updates main universe\n" +
				"deb http://security.example/ubuntu noble-security main universe\n"},
		{"archive signed by the distribution wins", "debian", "bookworm", map[string]string{
			"etc/apt/sources.list": "deb http://unsigned.example/apt bookworm main\n" +
				"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.example/pub bookworm main\n"},
			"deb http://mirror.example/pub bookworm main\n"},
		{"other distribution", "ubuntu", "jammy", map[string]string{"etc/apt/sources.list": oneLine},
			"the host's apt sources name no mirror of ubuntu"},
		{"only somebody else's archive", "debian", "bookworm", map[string]string{
			"etc/apt/sources.list": "deb [signed-by=/etc/apt/keyrings/vendor.gpg] https://vendor.example/debian bookworm main\n"},
			"the host's apt sources name no mirror of debian"},
		{"no sources at all", "debian", "bookworm", nil, "the host's apt sources name no mirror of debian"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sources, err := aptconf.ReadSources(host(tt.files))
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			m, err := aptconf.FindMirror(sources, tt.distribution)
			if err != nil {
				got = err.Error()
			} else {
				got = m.SourcesList(tt.codename)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestOptions(t *testing.T) {
	dump := `APT "";
Acquire::http "";
Acquire::http::Proxy "http://127.0.0.1:3142";
Acquire::http::Proxy::mirror.example "DIRECT";
Acquire::https::Proxy "http://proxy.example:8080/";
Acquire::Check-Valid-Until "false";
Acquire::http::Pipeline-Depth "0";
DPkg::Post-Invoke:: "rm -f /x || true";
`
	opts := aptconf.ParseDump(dump)
	want := `Acquire::http::Proxy "http://10.213.1.254:3142";
Acquire::http::Proxy::mirror.example "DIRECT";
Acquire::https::Proxy "http://proxy.example:8080/";
Acquire::Check-Valid-Until "false";
`
	if diff := cmp.Diff(want, aptconf.Conf(opts, "10.213.1.254")); diff != "" {
		t.Errorf("machines' apt.conf (-want +got):\n%s", diff)
	}
	if got := aptconf.Proxy(opts, "http"); got != "http://127.0.0.1:3142" {
		t.Errorf("http proxy of the host: %q", got)
	}
	if got := aptconf.Proxy(nil, "http"); got != "" {
		t.Errorf("http proxy without one: %q", got)
	}
}
