package machine

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"ipfabric/cmd/ipfabric-lab/internal/image"
	"ipfabric/cmd/ipfabric-lab/internal/plan"
)

func TestCreate(t *testing.T) {
	n := plan.Network(7)
	p := n.Machines(plan.Size{Reflectors: 1, Nodes: 1})[1]
	dir := filepath.Join(t.TempDir(), p.Name)
	s := Settings{AuthorizedKey: []byte("ssh-ed25519 AAAA me\n"), ResolvConf: "nameserver 192.0.2.53\n", MTU: 1400}
	for range 2 { // one that was cut off is done again
		if _, err := Create(dir, "0a1b2c3d", p, "debian12", image.Image{Path: "/images/x"}, n, s); err != nil {
			t.Fatal(err)
		}
	}
	m, err := Load(dir, "0a1b2c3d")
	if err != nil {
		t.Fatal(err)
	}
	if m.Machine != p || m.OS != "debian12" || m.Image != "/images/x" {
		t.Errorf("loaded %+v", m)
	}
	// sshd refuses keys that others could read, and folders that others could
	// write to.
	for name, want := range map[string]fs.FileMode{
		"root":                         0o700 | fs.ModeDir,
		"root/.ssh":                    0o700 | fs.ModeDir,
		"root/.ssh/authorized_keys":    0o600,
		"etc":                          0o755 | fs.ModeDir,
		"etc/ssh/ssh_host_ed25519_key": 0o600,
	} {
		fi, err := os.Stat(filepath.Join(dir, "upper", name))
		if err != nil {
			t.Fatal(err)
		}
		if fi.Mode() != want {
			t.Errorf("%s: mode %v, want %v", name, fi.Mode(), want)
		}
	}
	private, err := os.ReadFile(filepath.Join(dir, "upper/etc/ssh/ssh_host_ed25519_key"))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	line, err := m.HostKey()
	if err != nil {
		t.Fatal(err)
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey(line)
	if err != nil || ssh.FingerprintSHA256(public) != ssh.FingerprintSHA256(signer.PublicKey()) {
		t.Errorf("host key %q does not fit the private one: %v", line, err)
	}
}

// paths lists the files that a machine of a role gets.
func paths(t *testing.T, role plan.Role, s Settings) []string {
	t.Helper()
	n := plan.Network(7)
	for _, p := range n.Machines(plan.Size{Cores: 1, Reflectors: 1, Nodes: 1}) {
		if p.Role != role {
			continue
		}
		files, err := firstFiles(&Machine{Machine: p}, n, s)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, f := range files {
			out = append(out, f.path)
			if strings.HasSuffix(f.path, ".repo") && !strings.Contains(f.data, "baseurl=http://10.213.7.1/el8-like/os/\n") {
				t.Errorf("the repository is not the core gateway's:\n%s", f.data)
			}
		}
		return out
	}
	t.Fatal("no such role")
	return nil
}

func TestPackageSources(t *testing.T) {
	apt, dnf := "etc/apt/apt.conf.d/91host", "etc/yum.repos.d/appstream.repo"
	if got := paths(t, plan.Node, Settings{}); !slices.Contains(got, apt) || slices.Contains(got, dnf) {
		t.Errorf("with apt: %v", got)
	}
	if got := paths(t, plan.Node, Settings{RPM: true}); slices.Contains(got, apt) || !slices.Contains(got, dnf) {
		t.Errorf("with dnf: %v", got)
	}
}

func TestCoreServesTheMirrors(t *testing.T) {
	unit := "etc/systemd/system/" + MirrorUnit
	if !slices.Contains(paths(t, plan.Core, Settings{}), unit) || slices.Contains(paths(t, plan.Node, Settings{}), unit) {
		t.Error("it is for core gateways, and for them alone")
	}
	core := &Machine{Machine: plan.Machine{Name: "core1", Role: plan.Core}, dir: "/a:lab/machines/core1"}
	if args := core.nspawn("ipfl7"); !slices.Contains(args, `--bind-ro=/a\:lab/mirror:/srv/mirror`) {
		t.Errorf("it does not see them: %q", args)
	}
}

func TestNetworkFile(t *testing.T) {
	n := plan.Network(7)
	m := &Machine{Machine: n.Machines(plan.Size{Reflectors: 1})[0]}
	want := `[Match]
Name=host0

[Link]
MTUBytes=1400
RequiredForOnline=no

[Network]
LinkLocalAddressing=ipv6
IPv6AcceptRA=no
IPv6DuplicateAddressDetection=0
LLDP=no
Address=10.213.7.11/24
Address=fd00:10:213:7::11/64
Gateway=10.213.7.254
`
	if diff := cmp.Diff(want, networkFile(m, n, 1400)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHostsFile(t *testing.T) {
	want := `127.0.0.1 localhost
::1 localhost ip6-localhost ip6-loopback
127.0.1.1 rr1
10.213.7.11 rr1
fd00:10:213:7::11 rr1
10.213.7.21 node1
fd00:10:213:7::21 node1
`
	got := HostsFile("rr1", plan.Network(7).Machines(plan.Size{Reflectors: 1, Nodes: 1}))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Nor may a folder of the machine's that is a link lead there.
func TestWriteAllDoesNotFollowLinkedFolders(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(root, "etc")); err != nil {
		t.Fatal(err)
	}
	if err := writeAll(root, []file{{"etc/hosts", 0o644, "the machine's"}}); err == nil {
		t.Error("no error")
	}
	if left, _ := os.ReadDir(outside); len(left) != 0 {
		t.Errorf("written outside: %v", left)
	}
}

// A file of the machine's may be a link by now. What is written for the
// machine must never land on the host.
func TestWriteAllDoesNotFollowLinks(t *testing.T) {
	root, outside := t.TempDir(), filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(outside, []byte("the host's"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(root, "etc/hosts")); err != nil {
		t.Fatal(err)
	}
	if err := writeAll(root, []file{{"etc/hosts", 0o644, "the machine's"}}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{outside: "the host's", filepath.Join(root, "etc/hosts"): "the machine's"} {
		got, err := os.ReadFile(name)
		if err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
