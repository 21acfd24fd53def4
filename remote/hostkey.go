package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"al.essio.dev/pkg/shellescape"
	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// hostKeys holds the known_hosts files that were read.
type hostKeys struct {
	mu  sync.Mutex
	dbs map[string]*knownhosts.HostKeyDB // by the list of files
}

// db returns the content of the files. Files that do not exist are left out.
func (k *hostKeys) db(files []string) (*knownhosts.HostKeyDB, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key := strings.Join(files, "\n")
	if db := k.dbs[key]; db != nil {
		return db, nil
	}
	var there []string
	for _, f := range files {
		if _, err := os.Stat(f); !errors.Is(err, fs.ErrNotExist) {
			there = append(there, f)
		}
	}
	db, err := knownhosts.NewDB(there...)
	if err != nil {
		return nil, err
	}
	if k.dbs == nil {
		k.dbs = make(map[string]*knownhosts.HostKeyDB)
	}
	k.dbs[key] = db
	return db, nil
}

// forget empties the cache, so that the files are read again.
func (k *hostKeys) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.dbs = nil
}

// add appends a host's key to a file.
func (k *hostKeys) add(file string, addr string, key ssh.PublicKey) error {
	defer k.forget()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	line := knownhosts.Line([]string{addr}, key) + "\n"
	// An editor may have left the last line without a line break.
	if st, err := f.Stat(); err == nil && st.Mode().IsRegular() && st.Size() > 0 {
		last := make([]byte, 1)
		if _, err := f.ReadAt(last, st.Size()-1); err == nil && last[0] != '\n' {
			line = "\n" + line
		}
	}
	if _, err := f.WriteString(line); err != nil { // one write, so that another process cannot come in between
		return err
	}
	return f.Close()
}

// hostKeyCheck returns the host key algorithms to offer, which are those of the server's known keys
// if there are any, and the function that checks the key that the server shows.
func (c *Client) hostKeyCheck(at *attempt) ([]string, ssh.HostKeyCallback, error) {
	db, err := c.hostKeys.db(at.ep.knownHosts)
	if err != nil {
		return nil, nil, &ConnectError{Host: at.ep.name, Address: at.ep.addr(), Kind: Setup, Err: err,
			what: fmt.Sprintf("is not connected to, as known_hosts cannot be read: %v", err),
			hint: "correct or delete that line"}
	}
	check := func(addr string, remote net.Addr, key ssh.PublicKey) error {
		err := db.HostKeyCallback()(addr, remote, key)
		at.trusted = err == nil
		if knownhosts.IsHostUnknown(err) && (c.cfg.AcceptNew || c.cfg.Prompt != nil) {
			at.failed = &question{func(ctx context.Context) error { return c.trustNew(ctx, at.ep, remote, key) }}
			return err
		}
		at.failed = hostKeyError(at.ep, key, err)
		return err
	}
	algorithms := db.HostKeyAlgorithms(at.ep.keyAddr())
	if len(algorithms) == 0 {
		algorithms = firstContact
	}
	return algorithms, check, nil
}

// firstContact are the host key algorithms for a host that is not known yet, with the kind of key
// whose fingerprint people compare at the beginning.
var firstContact = []string{
	ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
	ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256,
}

// trustNew decides about the key of a host that is not in known_hosts, and adds it there. It is
// called for one host at a time.
func (c *Client) trustNew(ctx context.Context, ep endpoint, remote net.Addr, key ssh.PublicKey) error {
	c.hostKeys.forget() // the same host may have been added in the meantime
	db, err := c.hostKeys.db(ep.knownHosts)
	if err != nil {
		return err
	}
	err = db.HostKeyCallback()(ep.keyAddr(), remote, key)
	if !knownhosts.IsHostUnknown(err) {
		return hostKeyError(ep, key, err)
	}
	if !c.cfg.AcceptNew {
		yes, err := c.cfg.Prompt.Confirm(ctx, fmt.Sprintf("%s (%s) is not known yet. Its host key is %s. Trust it from now on?",
			ep.name, ep.addr(), fingerprint(key)))
		if err != nil {
			return err
		}
		if !yes {
			return hostKeyError(ep, key, &xknownhosts.KeyError{})
		}
	}
	if err := c.hostKeys.add(ep.knownHosts[0], ep.keyAddr(), key); err != nil {
		return &ConnectError{Host: ep.name, Address: ep.addr(), Kind: Setup, Err: err,
			what: fmt.Sprintf("is not connected to, as its host key cannot be stored: %v", err),
			hint: "make " + ep.knownHosts[0] + " writable, or name another known_hosts file"}
	}
	if db, err = c.hostKeys.db(ep.knownHosts); err != nil {
		return err
	}
	if err := db.HostKeyCallback()(ep.keyAddr(), remote, key); err != nil { // the file is /dev/null, for example
		return &ConnectError{Host: ep.name, Address: ep.addr(), Kind: Setup, Err: err,
			what: fmt.Sprintf("is not connected to, as %s does not keep its host key", ep.knownHosts[0]),
			hint: "name a known_hosts file that is one"}
	}
	c.cfg.Log(ep.name, "added the host key %s of %s to %s", fingerprint(key), ep.addr(), ep.knownHosts[0])
	return nil
}

// hostKeyError explains the error of known_hosts; nil stays nil.
func hostKeyError(ep endpoint, key ssh.PublicKey, err error) error {
	if err == nil {
		return nil
	}
	e := &ConnectError{Host: ep.name, Address: ep.addr(), Kind: HostKeyChanged, Err: err}
	var revoked *xknownhosts.RevokedError
	var differs *xknownhosts.KeyError
	switch {
	case errors.As(err, &revoked):
		e.what = fmt.Sprintf("shows the host key %s, which is revoked in %s:%d", fingerprint(key), revoked.Revoked.Filename, revoked.Revoked.Line)
		e.hint = "this may be an attack: do not go on before you know why the key was revoked"
	case errors.As(err, &differs) && len(differs.Want) == 0:
		e.Kind = HostKeyUnknown
		e.what = "is not known: its host key is " + fingerprint(key)
		e.hint = fmt.Sprintf("compare the fingerprint with `ssh-keygen -lf` of the host's own key; then add it to %s with --accept-new-host-keys", ep.knownHosts[0])
	case errors.As(err, &differs):
		known := differs.Want[0]
		e.what = fmt.Sprintf("shows the host key %s, but %s:%d has %s", fingerprint(key), known.Filename, known.Line, fingerprint(known.Key))
		e.hint = "either this is an attack, or the host was installed again; only if you know that it was, remove its old key: " + forgetIn(ep, known.Filename)
	default:
		e.what = fmt.Sprintf("shows the host key %s, which cannot be accepted: %v", fingerprint(key), err)
		e.hint = "check that the host's certificate is valid for this name and signed by the authority in known_hosts"
	}
	return e
}

func forget(ep endpoint) string { return forgetIn(ep, ep.knownHosts[0]) }

// forgetIn is the command that removes a host from a known_hosts file.
func forgetIn(ep endpoint, file string) string {
	return "ssh-keygen -f " + shellescape.Quote(file) + " -R " + shellescape.Quote(knownhosts.Normalize(ep.keyAddr()))
}

// fingerprint is the key as ssh-keygen -l shows it: "ED25519 SHA256:…".
func fingerprint(key ssh.PublicKey) string {
	kind := key.Type()
	for _, name := range []string{"ed25519", "ecdsa", "rsa", "dsa"} {
		if strings.Contains(kind, name) {
			kind = strings.ToUpper(name)
			break
		}
	}
	return kind + " " + ssh.FingerprintSHA256(key)
}
