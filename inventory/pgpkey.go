package inventory

import (
	"bytes"
	"crypto/sha1" // what OpenPGP's fingerprints are made of
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// A PublicKey is an OpenPGP public key file, of one key or several.
type PublicKey struct {
	Armored      string   // in ASCII armor, as apt and rpm read it
	Fingerprints []string // of the primary keys: 40 hex digits, upper case
}

const (
	armorBegin = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
	armorEnd   = "-----END PGP PUBLIC KEY BLOCK-----"
)

// ParsePublicKey reads a key file, in ASCII armor or binary. It looks at the
// packets only to tell whose keys they are: what a key is good for, apt, dnf
// and rpm check by themselves.
func ParsePublicKey(data []byte) (PublicKey, error) {
	text := string(data)
	if strings.Contains(text, "-----BEGIN PGP PRIVATE KEY BLOCK-----") {
		return PublicKey{}, errors.New("it is a private key, which must stay with its owner")
	}
	if strings.Contains(text, armorBegin) {
		var err error
		if data, err = dearmor(text); err != nil {
			return PublicKey{}, err
		}
	}
	var key PublicKey
	for rest := data; len(rest) > 0; {
		var tag int
		var body []byte
		var err error
		if tag, body, rest, err = cutPacket(rest); err != nil {
			return PublicKey{}, err
		}
		switch tag {
		case 5, 7:
			return PublicKey{}, errors.New("it is a private key, which must stay with its owner")
		case 6:
			f, err := fingerprint(body)
			if err != nil {
				return PublicKey{}, err
			}
			key.Fingerprints = append(key.Fingerprints, f)
		}
	}
	if len(key.Fingerprints) == 0 {
		return PublicKey{}, errors.New("there is no OpenPGP public key in it")
	}
	key.Armored = armor(data)
	return key, nil
}

// dearmor decodes the first block of RFC 4880's ASCII armor. The checksum
// behind it is left out: what is damaged makes no sense as packets, or has
// another fingerprint.
func dearmor(text string) ([]byte, error) {
	_, text, _ = strings.Cut(text, armorBegin)
	text, rest, found := strings.Cut(text, armorEnd)
	if !found {
		return nil, errors.New("its end is missing")
	}
	if strings.Contains(rest, armorBegin) {
		return nil, errors.New("it has more than one block: put all keys into one (gpg --armor --export)")
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.Contains(line, ":") || strings.HasPrefix(line, "=") { // header, checksum
			continue
		}
		b.WriteString(line)
	}
	data, err := base64.StdEncoding.DecodeString(b.String())
	if err != nil {
		return nil, errors.New("its text is damaged")
	}
	return data, nil
}

// armor writes RFC 4880's ASCII armor. Its checksum may be left out, says RFC
// 9580, but rpm wants it.
func armor(data []byte) string {
	crc := uint32(0xB704CE)
	for _, b := range data {
		crc ^= uint32(b) << 16
		for range 8 {
			if crc <<= 1; crc&0x1000000 != 0 {
				crc ^= 0x1864CFB
			}
		}
	}
	var b strings.Builder
	b.WriteString(armorBegin + "\n\n")
	text := base64.StdEncoding.EncodeToString(data)
	for len(text) > 64 {
		b.WriteString(text[:64] + "\n")
		text = text[64:]
	}
	b.WriteString(text + "\n=")
	b.WriteString(base64.StdEncoding.EncodeToString([]byte{byte(crc >> 16), byte(crc >> 8), byte(crc)}))
	b.WriteString("\n" + armorEnd + "\n")
	return b.String()
}

var errNoPacket = errors.New("it is not an OpenPGP key file")

// cutPacket takes the first packet of RFC 4880 from data.
func cutPacket(data []byte) (tag int, body, rest []byte, err error) {
	r := bytes.NewReader(data)
	first, err := r.ReadByte()
	if err != nil || first&0x80 == 0 {
		return 0, nil, nil, errNoPacket
	}
	var length uint32
	if first&0x40 == 0 { // the old format
		tag = int(first>>2) & 0xf
		length, err = readNumber(r, 1<<(first&3)) // three lengths, and one that has no end
	} else {
		tag = int(first) & 0x3f
		var n byte
		n, err = r.ReadByte()
		switch {
		case n < 192:
			length = uint32(n)
		case n < 224:
			var low uint32
			low, err = readNumber(r, 1)
			length = uint32(n-192)<<8 + low + 192
		case n == 255:
			length, err = readNumber(r, 4)
		default:
			return 0, nil, nil, errNoPacket // in parts, as only messages are
		}
	}
	if err != nil || int64(length) > int64(r.Len()) {
		return 0, nil, nil, errNoPacket
	}
	start := len(data) - r.Len()
	return tag, data[start : start+int(length)], data[start+int(length):], nil
}

func readNumber(r *bytes.Reader, size int) (uint32, error) {
	if size > 4 {
		return 0, errNoPacket
	}
	var b [4]byte
	for i := 4 - size; i < 4; i++ {
		c, err := r.ReadByte()
		if err != nil {
			return 0, errNoPacket
		}
		b[i] = c
	}
	return binary.BigEndian.Uint32(b[:]), nil
}

// fingerprint is that of a version 4 key.
func fingerprint(body []byte) (string, error) {
	if len(body) == 0 || len(body) > 0xffff {
		return "", errNoPacket
	}
	if body[0] != 4 {
		return "", fmt.Errorf("a key of version %d: apt and rpm take version 4", body[0])
	}
	h := sha1.New()
	h.Write([]byte{0x99, byte(len(body) >> 8), byte(len(body))})
	h.Write(body)
	return strings.ToUpper(hex.EncodeToString(h.Sum(nil))), nil
}
