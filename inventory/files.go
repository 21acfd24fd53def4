package inventory

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// maxKeyFile is far above a file of public keys: Debian's keyring of all its archives has 60 KB.
const maxKeyFile = 1 << 20

// CheckFiles checks the files that the inventory names: SSH keys must exist and
// be readable; known_hosts must be readable if it exists. It reads the keys of package
// repositories into the Fabric. The error is Errors.
func (f *Fabric) CheckFiles() error {
	var errs Errors
	for _, key := range f.keyUsers() {
		if err := readable(key.path); err != nil {
			errs = append(errs, Problem{
				File: f.File,
				Msg:  "the SSH key of " + summary(key.hosts) + ": " + pathError(key.path, err),
				Hint: "write the path of a private key that you can read, or remove it from ssh.keys",
			})
		}
	}
	if f.KnownHosts != "" {
		if err := readable(f.KnownHosts); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, Problem{
				File: f.File,
				Msg:  "ssh.known_hosts: " + pathError(f.KnownHosts, err),
				Hint: "write the path of a file that you can read; a missing one is made",
			})
		}
	}
	errs = append(errs, f.readRepositoryKeys()...)
	if len(errs) > 0 {
		return errs
	}
	return nil
}

// readRepositoryKeys reads the keys of each host's repositories. A key that several hosts use
// gives one error.
func (f *Fabric) readRepositoryKeys() Errors {
	var hosts []*Host
	for i := range f.RouteReflectors {
		hosts = append(hosts, &f.RouteReflectors[i].Host)
	}
	for i := range f.Nodes {
		hosts = append(hosts, &f.Nodes[i].Host)
	}
	var errs Errors
	said := map[string]bool{}
	for _, h := range hosts {
		for _, r := range []*Repository{&h.FRR.Mirror.Apt, &h.FRR.Mirror.RPM} {
			if r.KeyFile == "" {
				continue
			}
			if err := r.readKey(); err != nil && !said[r.KeyFile] {
				said[r.KeyFile] = true
				errs = append(errs, Problem{
					File: f.File,
					Msg:  "the key of " + r.URL + ": " + err.Error(),
					Hint: "name the public key that the repository is signed with; gpg --armor --export KEYID > mirror.asc makes such a file",
				})
			}
		}
	}
	return errs
}

func (r *Repository) readKey() error {
	data, err := readFile(r.KeyFile, maxKeyFile)
	if err != nil {
		return errors.New(pathError(r.KeyFile, err))
	}
	key, err := ParsePublicKey(data)
	if err != nil {
		return fmt.Errorf("%s: %v", r.KeyFile, err)
	}
	if r.Fingerprint != "" && (len(key.Fingerprints) != 1 || key.Fingerprints[0] != r.Fingerprint) {
		return fmt.Errorf("%s has the fingerprint %s, not %s as the inventory says", r.KeyFile, orAnd(key.Fingerprints), r.Fingerprint)
	}
	r.Key = key.Armored
	return nil
}

type keyUser struct {
	path  string
	hosts []string
}

// keyUsers returns each key once, in the order of the hosts.
func (f *Fabric) keyUsers() []keyUser {
	var out []keyUser
	index := map[string]int{}
	for _, h := range f.Hosts() {
		for _, path := range h.SSH.Keys {
			i, ok := index[path]
			if !ok {
				i = len(out)
				index[path] = i
				out = append(out, keyUser{path: path})
			}
			out[i].hosts = append(out[i].hosts, h.Name)
		}
	}
	return out
}

// summary names the first few hosts.
func summary(hosts []string) string {
	if len(hosts) <= 3 {
		return orAnd(hosts)
	}
	return strings.Join(hosts[:2], ", ") + " and others"
}

func orAnd(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// openFile opens a regular file or a pipe, such as the shell's <(pass show bgp). It refuses
// directories and devices: /dev/zero has no end.
func openFile(path string) (*os.File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	switch {
	case err != nil:
	case info.IsDir():
		err = syscall.EISDIR
	case !info.Mode().IsRegular() && info.Mode()&fs.ModeNamedPipe == 0:
		err = errors.New("not a regular file")
	default:
		return file, nil
	}
	file.Close()
	return nil, err
}

// readFile reads a file of at most so many bytes.
func readFile(path string, most int64) ([]byte, error) {
	file, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("%w: it has more than %d bytes", errTooBig, most)
	}
	return data, err
}

var errTooBig = errors.New("too large")

// readable opens a file and reads one byte, which finds more than opening it alone.
func readable(path string) error {
	file, err := openFile(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := io.ReadFull(file, make([]byte, 1)); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// pathError gives the path and the reason, without the name of the system call.
func pathError(path string, err error) string { return path + ": " + reason(err) }

func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
