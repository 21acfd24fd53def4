package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"

	"al.essio.dev/pkg/shellescape"
	"golang.org/x/crypto/ssh"
)

// An identity is what one key file holds.
type identity struct {
	path   string
	public ssh.PublicKey // nil: the file is an encrypted PEM file, which does not have it in clear
	cert   *ssh.Certificate
	signer ssh.Signer  // nil: encrypted and not yet unlocked, or a public key alone
	locked bool        // there is a private key, but it is encrypted
	gaveUp bool        // the operator was asked and did not know the passphrase
	open   fs.FileMode // the permission bits of group and others on a private key
}

// keyring caches the key files that were read, so that a passphrase is asked for once.
type keyring struct {
	mu    sync.Mutex
	files map[string]*identity
}

// identity returns what a key file holds.
func (k *keyring) identity(path string) (identity, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if id := k.files[path]; id != nil {
		return *id, nil
	}
	id, err := readIdentity(path)
	if err != nil {
		return identity{}, err
	}
	k.files[path] = id
	return *id, nil
}

func readIdentity(path string) (*identity, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	id := &identity{path: path}
	if id.public, _, _, _, err = ssh.ParseAuthorizedKey(data); err == nil {
		return id, nil // a public key: the private one is in the agent
	}
	signer, err := ssh.ParsePrivateKey(data)
	var encrypted *ssh.PassphraseMissingError
	switch {
	case err == nil:
		id.signer, id.public = signer, signer.PublicKey()
	case errors.As(err, &encrypted):
		id.locked, id.public = true, encrypted.PublicKey
		if id.public == nil {
			id.public, _ = readPublic(path + ".pub")
		}
	default:
		return nil, &keyError{path, fmt.Sprintf("is not a private key (%v)", err), notPrivateHint}
	}
	if st, err := os.Stat(path); err == nil {
		id.open = st.Mode().Perm() & 0o077
	}
	if public, err := readPublic(path + "-cert.pub"); err == nil {
		id.cert, _ = public.(*ssh.Certificate)
	}
	return id, nil
}

func readPublic(path string) (ssh.PublicKey, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(data)
	return key, err
}

// unlock asks for a key file's passphrase, three times at most. A passphrase that the operator does
// not know is no error: the key is then not used any more.
func (k *keyring) unlock(ctx context.Context, path string, prompt Prompter) error {
	id, err := k.identity(path)
	if err != nil {
		return err
	}
	if id.signer != nil || id.gaveUp {
		return nil // another host's login has asked in the meantime
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	question := "Passphrase of the key " + path
	for range 3 {
		pass, err := prompt.Secret(ctx, question)
		if err != nil {
			return err
		}
		if pass == "" {
			break
		}
		signer, err := ssh.ParsePrivateKeyWithPassphrase(data, []byte(pass))
		if err == nil {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.files[path].signer, k.files[path].public = signer, signer.PublicKey()
			return nil
		}
		question = "That was not it. Passphrase of the key " + path
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.files[path].gaveUp = true
	return nil
}

const notPrivateHint = "name the private key: the file that begins with -----BEGIN OPENSSH PRIVATE KEY-----"

// A keyError says why a key file cannot be used.
type keyError struct{ path, what, hint string }

func (e *keyError) Error() string { return "the key " + e.path + " " + e.what }

func (e *keyError) Hint() string { return e.hint }

// unusable is why a key that was read cannot be tried. If it is encrypted, either the operator did
// not know the passphrase (gaveUp), or there is nobody to ask.
func (id identity) unusable() *keyError {
	load := "load it into an ssh-agent: ssh-add " + shellescape.Quote(id.path)
	switch {
	case !id.locked:
		return &keyError{id.path, "is a public key, and the agent does not have its private one", load + ", or name the private key"}
	case id.gaveUp:
		return &keyError{id.path, "is encrypted, and its passphrase was not given", load}
	}
	return &keyError{id.path, "is encrypted, and there is no terminal to ask for its passphrase: use ssh-agent", load}
}

// keyFileError is the error of a host whose key file, named by the caller, cannot be used.
func keyFileError(ep endpoint, err error) error {
	e := &ConnectError{Host: ep.name, Address: ep.addr(), Kind: Setup, Err: err,
		what: fmt.Sprintf("is not connected to, as its key cannot be used: %v", err),
		hint: "name a private key file that you may read"}
	var key *keyError
	if errors.As(err, &key) {
		e.hint = key.hint
	}
	if errors.Is(err, fs.ErrNotExist) {
		e.hint = "correct the path, or make a key: ssh-keygen -t ed25519"
	}
	return e
}

// CheckKeys reads the key files that the targets name, without connecting to any host. The error
// says why a key cannot be used: it is not a private key, or it is encrypted and there is nobody
// to ask. It is about the key, not about a host. The warnings are about keys that other users may
// read, which OpenSSH refuses.
func (c *Client) CheckKeys(ctx context.Context, targets []Target) (warnings []string, err error) {
	seen := map[string]bool{}
	for _, t := range targets {
		ep, _, err := c.endpoint(t)
		if err != nil {
			continue // connecting says it, with what to do about it
		}
		way := ep.agent + "\n" + strings.Join(ep.keys, "\n")
		if len(t.Keys) == 0 || seen[way] {
			continue
		}
		seen[way] = true
		offer, err := c.keys.offer(ctx, ep, c.cfg.Prompt)
		if offer != nil {
			offer.close()
		}
		var fail *ConnectError
		if errors.As(err, &fail) {
			return warnings, fail.Err
		}
		for _, path := range ep.keys {
			if id, err := c.keys.identity(path); err == nil && id.open != 0 && !seen[path] {
				seen[path] = true
				warnings = append(warnings, fmt.Sprintf("the key %s can be read by other users, and ssh would refuse it: chmod 600 %s", path, shellescape.Quote(path)))
			}
		}
	}
	return warnings, nil
}
