package machine

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"

	"ipfabric/cmd/ipfabric-lab/internal/plan"
)

// Settings are what a lab puts into all of its machines.
type Settings struct {
	AuthorizedKey []byte // the lab's public key
	ResolvConf    string
	AptConf       string // the host's proxies and the like
	MTU           int
	RPM           bool // its packages are installed by dnf
}

// MirrorUnit is the service of core gateways that serves the lab's mirrors.
const MirrorUnit = "ipfabric-lab-mirror.service"

// served is where core gateways see what they are to serve.
const served = "/srv/mirror"

// A file is put on a machine's disk before it boots.
type file struct {
	path string // relative to the machine's root
	mode fs.FileMode
	data string
}

// modes of folders that are not 0755. A folder on the machine's own layer
// decides the mode of the one in the image below it.
var folderModes = map[string]fs.FileMode{"root": 0o700, "root/.ssh": 0o700}

// firstFiles are what makes a machine of an image. They are written once: from
// then on the disk is the machine's own.
func firstFiles(m *Machine, n plan.Network, s Settings) ([]file, error) {
	private, public, err := newHostKey(m.Name)
	if err != nil {
		return nil, err
	}
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return nil, err
	}
	files := []file{
		{"etc/hostname", 0o644, m.Name + "\n"},
		{"etc/machine-id", 0o444, hex.EncodeToString(id) + "\n"}, // not empty: that would be a first boot, with presets
		{"etc/resolv.conf", 0o644, s.ResolvConf},
		{"etc/systemd/network/10-host0.network", 0o644, networkFile(m, n, s.MTU)},
		{"etc/sysctl.d/00-ipfabric-lab.conf", 0o644, sysctls(m.Role)},
		{"root/.ssh/authorized_keys", 0o600, string(s.AuthorizedKey)},
		{"etc/ssh/ssh_host_ed25519_key", 0o600, private},
		{"etc/ssh/ssh_host_ed25519_key.pub", 0o644, public},
	}
	if m.Role == plan.Core {
		files = append(files, mirrorFiles()...)
	}
	if s.RPM {
		return append(files, file{"etc/yum.repos.d/appstream.repo", 0o644, repoFile(n)}), nil
	}
	return append(files, file{"etc/apt/apt.conf.d/91host", 0o644, s.AptConf}), nil
}

// repoFile is the source of packages of machines with dnf: the mirror that the
// core gateway serves.
func repoFile(n plan.Network) string {
	return fmt.Sprintf(`[appstream]
name=FRR of Debian 11 as RPM packages
baseurl=http://%s/el8-like/os/
gpgcheck=1
gpgkey=http://%s/el8-like/key.asc
enabled=1
`, n.Core4(), n.Core4())
}

// mirrorFiles make a core gateway serve the lab's mirrors.
func mirrorFiles() []file {
	return []file{
		{"etc/systemd/system/" + MirrorUnit, 0o644, `[Unit]
Description=Package mirrors of ipfabric-lab
After=network.target

[Service]
ExecStart=/usr/bin/python3 -m http.server 80 --bind :: --directory ` + served + `
Restart=on-failure
`},
		{"etc/systemd/system/multi-user.target.d/ipfabric-lab.conf", 0o644, "[Unit]\nWants=" + MirrorUnit + "\n"},
	}
}

// sysctls are those of a freshly installed server: the kernel hands the host's
// forwarding down to new network namespaces. A core gateway is a router.
func sysctls(r plan.Role) string {
	if r == plan.Core {
		return "net.ipv4.ip_forward = 1\nnet.ipv6.conf.all.forwarding = 1\n"
	}
	return "net.ipv4.ip_forward = 0\n"
}

// networkFile is for systemd-networkd. IPv6 addresses are there at once,
// without duplicate address detection.
func networkFile(m *Machine, n plan.Network, mtu int) string {
	return fmt.Sprintf(`[Match]
Name=host0

[Link]
MTUBytes=%d
RequiredForOnline=no

[Network]
LinkLocalAddressing=ipv6
IPv6AcceptRA=no
IPv6DuplicateAddressDetection=0
LLDP=no
Address=%s/%d
Address=%s/%d
Gateway=%s
`, mtu, m.IPv4, n.Prefix4().Bits(), m.IPv6, n.Prefix6().Bits(), n.Host4())
}

// HostsFile names all machines of a lab, for the machine called self.
func HostsFile(self string, all []plan.Machine) string {
	var b strings.Builder
	b.WriteString("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n")
	fmt.Fprintf(&b, "127.0.1.1 %s\n", self)
	for _, m := range all {
		fmt.Fprintf(&b, "%s %s\n%s %s\n", m.IPv4, m.Name, m.IPv6, m.Name)
	}
	return b.String()
}

func newHostKey(comment string) (private, public string, err error) {
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", "", err
	}
	block, err := ssh.MarshalPrivateKey(priv, comment)
	if err != nil {
		return "", "", err
	}
	key, err := ssh.NewPublicKey(pub)
	if err != nil {
		return "", "", err
	}
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
	return string(pem.EncodeToMemory(block)), line + " " + comment + "\n", nil
}

// writeAll writes files below dir. The machine must not be running. It may have
// put symbolic links anywhere on its disk: none is followed out of dir.
func writeAll(dir string, files []file) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, f := range files {
		if err := f.write(root); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
	}
	return nil
}

func (f file) write(root *os.Root) error {
	if err := mkdirs(root, filepath.Dir(f.path)); err != nil {
		return err
	}
	// Removed first, so that neither an old mode nor a link decides where and
	// how this is written.
	if err := root.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	out, err := root.OpenFile(f.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = out.WriteString(f.data)
	return errors.Join(err, out.Chmod(f.mode), out.Close())
}

func mkdirs(root *os.Root, dir string) error {
	if dir == "." {
		return nil
	}
	if err := mkdirs(root, filepath.Dir(dir)); err != nil {
		return err
	}
	err := root.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	mode, ok := folderModes[dir]
	if !ok {
		mode = 0o755
	}
	made, err := root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(made.Chmod(mode), made.Close()) // whatever the umask is
}
