package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// maxKeys is one below sshd's default MaxAuthTries, 6, at which it closes the connection.
const maxKeys = 5

// An offer is the keys that are tried in one login, in their order.
type offer struct {
	signers []ssh.Signer
	names   []string // of the keys, for messages
	notes   []string // why others are not tried
	left    int      // how many more keys there are than maxKeys
	seen    map[string]bool
	unlock  func(ctx context.Context, path string) error

	mu    sync.Mutex
	agent net.Conn
	want  string // the encrypted key file that the server would accept
}

// offer collects the keys for a login: first the key files in their order, from the agent where
// that has the key, then the agent's other keys.
func (k *keyring) offer(ctx context.Context, ep endpoint, prompt Prompter) (*offer, error) {
	o := &offer{seen: make(map[string]bool), unlock: func(ctx context.Context, path string) error {
		return k.unlock(ctx, path, prompt)
	}}
	held := o.ask(ctx, ep.agent)
	var unusable *keyError // the first one
	for _, path := range ep.keys {
		id, err := k.identity(path)
		if err != nil && ep.mustKeys {
			o.close()
			return nil, keyFileError(ep, err)
		}
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				o.note("%v", err)
			} else {
				o.note("there is no %s", path)
			}
			continue
		}
		if o.addHeld(held, id) {
			continue
		}
		switch {
		case id.signer != nil:
			o.addFile(id, id.signer)
		case !id.locked, id.gaveUp, prompt == nil:
			fail := id.unusable()
			if unusable == nil {
				unusable = fail
			}
			o.note("%v; %s", fail, fail.hint)
		case id.public == nil: // without the public key, the server cannot be asked whether it accepts the key
			o.close()
			return nil, &question{func(ctx context.Context) error { return o.unlock(ctx, path) }}
		default:
			o.addFile(id, &lockedKey{offer: o, path: path, public: id.public})
		}
	}
	if unusable != nil && ep.mustKeys && len(o.signers) == 0 {
		o.close()
		return nil, keyFileError(ep, unusable)
	}
	for _, s := range held {
		if !ep.onlyKeys {
			o.add(s, "agent")
		}
	}
	return o, nil
}

// ask returns the agent's keys.
func (o *offer) ask(ctx context.Context, socket string) []ssh.Signer {
	if socket == "" {
		return nil
	}
	raw, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		o.note("the agent at %s does not answer: %v", socket, innermost(err))
		return nil
	}
	o.agent = raw
	stop := context.AfterFunc(ctx, o.close)
	defer stop()
	signers, err := agent.NewClient(raw).Signers()
	if err != nil {
		o.note("the agent at %s does not list its keys: %v", socket, err)
	}
	return signers
}

// addHeld adds those of the agent's keys that are in a key file, and their certificates. It says
// whether there are any.
func (o *offer) addHeld(held []ssh.Signer, id identity) bool {
	found := false
	for _, s := range held {
		public := s.PublicKey()
		if cert, ok := parsed(public).(*ssh.Certificate); ok {
			public = cert.Key
		}
		if id.public != nil && bytes.Equal(public.Marshal(), id.public.Marshal()) {
			o.add(s, id.path+", from the agent")
			found = true
		}
	}
	return found
}

// parsed decodes a key of the agent, which has only the encoded bytes.
func parsed(key ssh.PublicKey) ssh.PublicKey {
	if p, err := ssh.ParsePublicKey(key.Marshal()); err == nil {
		return p
	}
	return key
}

func (o *offer) addFile(id identity, signer ssh.Signer) {
	if id.cert != nil {
		if s, err := ssh.NewCertSigner(id.cert, signer); err == nil {
			o.add(s, id.path+"-cert.pub")
		}
	}
	o.add(signer, id.path)
}

func (o *offer) add(s ssh.Signer, from string) {
	key := s.PublicKey()
	if o.seen[string(key.Marshal())] {
		return
	}
	o.seen[string(key.Marshal())] = true
	name := fmt.Sprintf("%s (%s)", fingerprint(key), from)
	if len(o.signers) == maxKeys {
		o.left++
		return
	}
	o.signers = append(o.signers, s)
	o.names = append(o.names, name)
}

func (o *offer) note(format string, args ...any) {
	o.notes = append(o.notes, fmt.Sprintf(format, args...))
}

// close closes the connection to the agent.
func (o *offer) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.agent != nil {
		o.agent.Close()
	}
}

// question is what to ask before the next attempt; nil is nothing.
func (o *offer) question() *question {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.want == "" {
		return nil
	}
	path := o.want
	return &question{func(ctx context.Context) error { return o.unlock(ctx, path) }}
}

func (o *offer) String() string {
	switch len(o.names) {
	case 0:
		return "without a key: there is none that can be tried"
	case 1:
		return "with the key " + o.names[0]
	}
	return "with the keys " + strings.Join(o.names, ", ")
}

func (o *offer) hint(ep endpoint) string {
	hint := fmt.Sprintf("put the public key into authorized_keys of %s there, or name the right user and key", ep.user)
	notes := o.notes
	if o.left > 0 {
		notes = append(notes, fmt.Sprintf("%d more keys are not tried, as servers close the connection after so many: name the one to use", o.left))
	}
	if len(notes) > 0 {
		hint += " (" + strings.Join(notes, "; ") + ")"
	}
	return hint
}

// A lockedKey is an encrypted key, offered like any other. If the server accepts it, this attempt
// ends, and the operator is asked for the passphrase.
type lockedKey struct {
	offer  *offer
	path   string
	public ssh.PublicKey
}

var errLocked = errors.New("the key is encrypted")

func (k *lockedKey) PublicKey() ssh.PublicKey { return k.public }

func (k *lockedKey) Sign(rand io.Reader, data []byte) (*ssh.Signature, error) {
	return k.SignWithAlgorithm(rand, data, "")
}

func (k *lockedKey) SignWithAlgorithm(io.Reader, []byte, string) (*ssh.Signature, error) {
	k.offer.mu.Lock()
	defer k.offer.mu.Unlock()
	k.offer.want = k.path
	return nil, errLocked
}
