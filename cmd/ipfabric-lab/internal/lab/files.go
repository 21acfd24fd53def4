package lab

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"

	"ipfabric/cmd/ipfabric-lab/internal/hint"
	"ipfabric/cmd/ipfabric-lab/internal/machine"
	"ipfabric/cmd/ipfabric-lab/internal/plan"
	"ipfabric/cmd/ipfabric-lab/internal/render"
)

// ownFiles are the files in the lab's folder that the lab writes and removes,
// besides fabric.yaml.
var ownFiles = []string{"id_ed25519", "id_ed25519.pub", "known_hosts", "bgp.password", "lab.json"}

// claim makes the folder a lab, unless it is somebody's folder of something
// else.
func (l *Lab) claim() (state, error) {
	s, err := l.load()
	if !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	entries, err := os.ReadDir(l.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	for _, e := range entries {
		// An edited fabric.yaml is kept by down, and other inventories are none of the lab's files.
		if filepath.Ext(e.Name()) != ".yaml" && !strings.HasPrefix(e.Name(), tmpPrefix) {
			return s, hint.Add(fmt.Errorf("%s is not empty and not a lab: it has %s in it", l.Dir, e.Name()),
				"give the lab a folder of its own with --dir")
		}
	}
	if err := os.MkdirAll(l.Dir, 0o755); err != nil {
		return s, err
	}
	l.own(l.Dir)
	return s, l.save(s)
}

// writeKey makes the lab's key and BGP password if they are not there yet, and
// returns the public key.
func (l *Lab) writeKey() ([]byte, error) {
	if _, err := os.Stat(l.path("bgp.password")); errors.Is(err, fs.ErrNotExist) {
		raw := make([]byte, 18)
		if _, err := rand.Read(raw); err != nil {
			return nil, err
		}
		if err := l.write("bgp.password", []byte(base64.RawURLEncoding.EncodeToString(raw)+"\n"), 0o600); err != nil {
			return nil, err
		}
	}
	public, err := os.ReadFile(l.path("id_ed25519.pub"))
	if !errors.Is(err, fs.ErrNotExist) {
		return public, err
	}
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(priv, "ipfabric-lab")
	if err != nil {
		return nil, err
	}
	key, err := ssh.NewPublicKey(pub)
	if err != nil {
		return nil, err
	}
	public = append(bytes.TrimSpace(ssh.MarshalAuthorizedKey(key)), " ipfabric-lab\n"...)
	if err := l.write("id_ed25519", pem.EncodeToMemory(block), 0o600); err != nil {
		return nil, err
	}
	// Last: its presence says that both are there.
	return public, l.write("id_ed25519.pub", public, 0o644)
}

// writeKnownHosts sets the lines of the lab's machines and keeps any others.
func (l *Lab) writeKnownHosts(all []*machine.Machine) error {
	var ours []string
	var out bytes.Buffer
	for _, m := range all {
		key, err := m.HostKey()
		if err != nil {
			return err
		}
		fields := strings.Fields(string(key))
		if len(fields) < 2 {
			return fmt.Errorf("%s: its public host key is damaged", m.Name)
		}
		names := []string{m.Name, m.IPv4.String(), m.IPv6.String()}
		ours = append(ours, names...)
		fmt.Fprintf(&out, "%s %s %s\n", strings.Join(names, ","), fields[0], fields[1])
	}
	old, err := os.ReadFile(l.path("known_hosts"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for line := range strings.Lines(string(old)) {
		hosts, _, _ := strings.Cut(line, " ")
		isOurs := func(h string) bool { return slices.Contains(ours, h) }
		if !slices.ContainsFunc(strings.Split(hosts, ","), isOurs) {
			out.WriteString(strings.TrimRight(line, "\n") + "\n")
		}
	}
	if bytes.Equal(old, out.Bytes()) {
		return nil
	}
	return l.write("known_hosts", out.Bytes(), 0o644)
}

// writeFabric writes fabric.yaml for all machines, unless there is one that
// somebody has edited.
func (l *Lab) writeFabric(s *state, all []plan.Machine) error {
	text, err := render.Fabric(s.Network, all)
	if err != nil {
		return err
	}
	old, err := os.ReadFile(l.path("fabric.yaml"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case bytes.Equal(old, text):
		s.FabricHash = hashOf(text)
		return l.save(*s)
	case hashOf(old) != s.FabricHash:
		return nil // edited: missing tells what it lacks
	}
	// The hash goes last: after a kill between the two, the case above puts it
	// right. The other way round the lab's own file would look like an edited
	// one.
	if err := l.write("fabric.yaml", text, 0o644); err != nil {
		return err
	}
	s.FabricHash = hashOf(text)
	return l.save(*s)
}

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func (l *Lab) write(name string, data []byte, mode fs.FileMode) error {
	return writeFile(l.path(name), data, mode, l.own)
}

// tmpPrefix begins the names of files that are being written. A kill leaves
// them.
const tmpPrefix = ".ipfabric-lab-"

// writeFile replaces a file at once.
func writeFile(name string, data []byte, mode fs.FileMode, own ...func(string)) error {
	f, err := os.CreateTemp(filepath.Dir(name), tmpPrefix+"*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	for _, o := range own {
		o(f.Name())
	}
	return os.Rename(f.Name(), name)
}

// own gives a file to the user who called sudo, who is the one to run ipfabric
// with it. That it does not work is no reason to stop.
func (l *Lab) own(name string) {
	uid, err1 := strconv.Atoi(os.Getenv("SUDO_UID"))
	gid, err2 := strconv.Atoi(os.Getenv("SUDO_GID"))
	if err1 == nil && err2 == nil && os.Geteuid() == 0 {
		_ = os.Lchown(name, uid, gid)
	}
}

// join says a list in words: "a, b and c".
func join(names []string) string {
	switch len(names) {
	case 0:
		return ""
	case 1:
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
