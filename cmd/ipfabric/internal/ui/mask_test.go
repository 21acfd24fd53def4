package ui

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
)

func TestMaskHidesTheSecretWhereverItStands(t *testing.T) {
	m := &Masker{}
	m.Hide("s3cret<&>")
	quoted, err := json.Marshal("s3cret<&>")
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		"a s3cret<&> b":        "a ****** b",
		"s3cret<&>s3cret<&>":   "************",
		string(quoted):         `"******"`,
		"s3cret&lt;&amp;&gt;":  "******",
		"nothing of that kind": "nothing of that kind",
	} {
		if got := m.text(in); got != want {
			t.Errorf("text(%q) = %q, want %q", in, got, want)
		}
	}
}

// The host's old password is in a diff too, and the inventory does not know it.
func TestMaskHidesPasswordsOfFRR(t *testing.T) {
	m := &Masker{}
	for in, want := range map[string]string{
		" neighbor NODE4 password old":                   " neighbor NODE4 password ******",
		"- neighbor fd00::1 password 8 abc\n+ next":      "- neighbor fd00::1 password 8 ******\n+ next",
		`{"have": "neighbor R password x\n description"`: `{"have": "neighbor R password ******\n description"`,
		`{"have": "neighbor R password x"}`:              `{"have": "neighbor R password ******"}`,
		"the password is missing":                        "the password is missing",
		" neighbor IPFABRIC-RR4 password BGP-PASSWORD":   " neighbor IPFABRIC-RR4 password BGP-PASSWORD",
		` authentication-key "BGP-PASSWORD"`:             ` authentication-key "BGP-PASSWORD"`,
	} {
		if got := m.text(in); got != want {
			t.Errorf("text(%q) = %q, want %q", in, got, want)
		}
	}
}

// Masking "a" everywhere would say what the password is.
func TestMaskLeavesShortSecretsInWords(t *testing.T) {
	m := &Masker{}
	m.Hide("a")
	m.Hide("")
	if got := m.text("a banana; neighbor R password a"); got != "a banana; neighbor R password ******" {
		t.Errorf("%q", got)
	}
}

func TestMaskingWriterTellsOfAllBytes(t *testing.T) {
	m := &Masker{}
	m.Hide("a long secret")
	var b bytes.Buffer
	n, err := io.Copy(m.writer(&b), strings.NewReader("it is a long secret\n"))
	if err != nil || n != 20 || b.String() != "it is ******\n" {
		t.Errorf("%d, %v, %q", n, err, b.String())
	}
}
