package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"golang.org/x/crypto/ssh"
)

// An identity is what one key file holds.
type identity struct {
	path   string
	public ssh.PublicKey // nil: an encrypted file of the old form that does not show it
	cert   *ssh.Certificate
	signer ssh.Signer // nil: encrypted and not yet unlocked, or a public key alone
	locked bool       // there is a private key, but it is encrypted
	gaveUp bool       // the operator was asked and did not know the passphrase
}

// keyring holds the key files that were read, so that a passphrase is asked for once.
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
		return nil, fmt.Errorf("%s is no private key that can be used: %v", path, err)
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

// unlock asks for a key file's passphrase, three times at most. It is an error only
// if nobody can be asked; without the passphrase the key is not used any more.
func (k *keyring) unlock(ctx context.Context, path string, prompt Prompter) error {
	id, err := k.identity(path)
	if err != nil {
		return err
	}
	if id.signer != nil || id.gaveUp {
		return nil // somebody else was asked in the meantime
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

// A keyFileError says that a key file that the caller named cannot be used.
func keyFileError(ep endpoint, err error) error {
	e := &ConnectError{Host: ep.name, Address: ep.addr(), Kind: Setup, Err: err,
		what: fmt.Sprintf("is not connected to, as its key cannot be read: %v", err),
		hint: "name a private key file that you may read"}
	if errors.Is(err, fs.ErrNotExist) {
		e.hint = "correct the path, or make a key: ssh-keygen -t ed25519"
	}
	return e
}
