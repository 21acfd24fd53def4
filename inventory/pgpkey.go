package inventory

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// A PublicKey is an OpenPGP public key file, of one key or several.
type PublicKey struct {
	Armored      string   // in ASCII armor, as apt and rpm read it
	Fingerprints []string // of the primary keys: 40 hex digits, upper case
}

const (
	publicBlock  = "PGP PUBLIC KEY BLOCK"
	privateBlock = "PGP PRIVATE KEY BLOCK"
)

var (
	errNoKeyFile  = errors.New("it is not an OpenPGP key file")
	errPrivateKey = errors.New("it is a private key, which must stay with its owner")
)

// The packets of RFC 9580, section 5, that are keys.
const (
	tagPrivateKey    = 5
	tagPublicKey     = 6
	tagPrivateSubkey = 7
)

// ParsePublicKey reads a key file, in ASCII armor or binary. It reads the packets only for the
// keys' fingerprints. Signatures, expiry and algorithms are checked by apt, dnf and rpm.
func ParsePublicKey(data []byte) (PublicKey, error) {
	if bytes.Contains(data, []byte("-----BEGIN "+privateBlock)) {
		return PublicKey{}, errPrivateKey
	}
	if bytes.Contains(data, []byte("-----BEGIN "+publicBlock)) {
		var err error
		if data, err = dearmor(data); err != nil {
			return PublicKey{}, err
		}
	}
	var key PublicKey
	packets := packet.NewOpaqueReader(bytes.NewReader(data))
	for {
		p, err := packets.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return PublicKey{}, errNoKeyFile
		}
		switch p.Tag {
		case tagPrivateKey, tagPrivateSubkey:
			return PublicKey{}, errPrivateKey
		case tagPublicKey:
			f, err := fingerprint(p)
			if err != nil {
				return PublicKey{}, err
			}
			key.Fingerprints = append(key.Fingerprints, f)
		}
	}
	if len(key.Fingerprints) == 0 {
		return PublicKey{}, errors.New("there is no OpenPGP public key in it")
	}
	var err error
	key.Armored, err = enarmor(data)
	return key, err
}

// fingerprint returns the fingerprint of a key of version 4, the only one that apt and rpm accept.
func fingerprint(p *packet.OpaquePacket) (string, error) {
	if len(p.Contents) > 0 && p.Contents[0] != 4 {
		return "", fmt.Errorf("a key of version %d: apt and rpm take version 4", p.Contents[0])
	}
	parsed, err := p.Parse()
	public, ok := parsed.(*packet.PublicKey)
	if err != nil || !ok {
		return "", errNoKeyFile
	}
	return fmt.Sprintf("%X", public.Fingerprint), nil
}

// dearmor decodes ASCII armor of one block.
func dearmor(text []byte) ([]byte, error) {
	if bytes.Count(text, []byte("-----BEGIN "+publicBlock)) > 1 {
		return nil, errors.New("it has more than one block: put all keys into one (gpg --armor --export)")
	}
	if !bytes.Contains(text, []byte("-----END "+publicBlock)) {
		return nil, errors.New("its end is missing")
	}
	block, err := armor.Decode(bytes.NewReader(text))
	if err != nil {
		return nil, errors.New("its text is damaged")
	}
	data, err := io.ReadAll(block.Body)
	if err != nil {
		return nil, errors.New("its text is damaged")
	}
	return data, nil
}

// enarmor writes ASCII armor with the checksum, which RFC 9580 makes optional, but rpm requires.
func enarmor(data []byte) (string, error) {
	var b strings.Builder
	w, err := armor.EncodeWithChecksumOption(&b, publicBlock, nil, true)
	if err != nil {
		return "", err
	}
	if _, err := w.Write(data); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return b.String() + "\n", nil
}
