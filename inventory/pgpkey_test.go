package inventory

import (
	"os"
	"strings"
	"testing"
)

// testdata/key.asc was made by gpg --quick-generate-key, with a subkey and two user IDs.
const testFingerprint = "D2E538021154C0947C464B79B4122C28A9CAD190"

func testKey(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("testdata/key.asc")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestParsePublicKey(t *testing.T) {
	armored := testKey(t)
	key, err := ParsePublicKey([]byte(armored))
	if err != nil || len(key.Fingerprints) != 1 || key.Fingerprints[0] != testFingerprint {
		t.Fatalf("got %q, %v", key.Fingerprints, err)
	}
	if key.Armored != armored { // and so with gpg's own checksum
		t.Errorf("armored as\n%s", key.Armored)
	}
	binary, err := dearmor([]byte(armored))
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParsePublicKey(append(binary, binary...)) // a keyring is keys, one after the other
	if err != nil || len(again.Fingerprints) != 2 || again.Fingerprints[1] != testFingerprint {
		t.Errorf("got %q, %v", again.Fingerprints, err)
	}
}

func TestFilesThatAreNoPublicKey(t *testing.T) {
	armored := testKey(t)
	for data, want := range map[string]string{
		"":                                    "no OpenPGP public key",
		"<html>404</html>":                    "not an OpenPGP key file",
		armored[:len(armored)-60]:             "its end is missing",
		armored + armored:                     "more than one block",
		strings.Replace(armored, "m", "!", 1): "damaged",
		"-----BEGIN PGP PRIVATE KEY BLOCK-----\n": "private key",
		"\x95\x00\x01\x04":                        "private key",
		"\x99\xff\xff\x04":                        "not an OpenPGP key file",
		"\x9b":                                    "not an OpenPGP key file",
		"\xc6\xff\xff":                            "not an OpenPGP key file",
		"\xc6\xe0":                                "not an OpenPGP key file",
		"\xc6\x01\x06":                            "version 6",
		"\xc6\x00":                                "not an OpenPGP key file",
	} {
		if _, err := ParsePublicKey([]byte(data)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: got %v, want %s", data, err, want)
		}
	}
}

func FuzzParsePublicKey(f *testing.F) {
	data, err := os.ReadFile("testdata/key.asc")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(_ *testing.T, data []byte) { _, _ = ParsePublicKey(data) })
}
