package inventory

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gopkg.in/yaml.v3"
)

func TestSecretIsNeverPrinted(t *testing.T) {
	const value = "s3cr3t-value"
	f := &Fabric{BGP: BGP{Password: Secret{Env: "PW"}}}
	if err := f.ReadSecrets(func(string) (string, bool) { return value, true }, nil); err != nil {
		t.Fatal(err)
	}
	if got := f.BGP.Password.Reveal(); got != value {
		t.Fatalf("Reveal gives %q", got)
	}
	s := f.BGP.Password
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%w"} {
		for _, x := range []any{s, &s, f.BGP, &f.BGP, *f, f, []Secret{s}, map[string]Secret{"a": s}} {
			if out := fmt.Sprintf(verb, x); strings.Contains(out, value) || strings.Contains(out, fmt.Sprintf("%x", value)) {
				t.Errorf("%s of %T shows it: %s", verb, x, out)
			}
		}
	}
	if out := fmt.Sprint(s, f.BGP) + fmt.Sprintln(s); strings.Contains(out, value) {
		t.Error("Sprint shows it:", out)
	}
	data, err := json.Marshal(f)
	if err != nil || strings.Contains(string(data), value) {
		t.Errorf("JSON shows it: %s, %v", data, err)
	}
	data, err = yaml.Marshal(f.BGP)
	if err != nil || strings.Contains(string(data), value) {
		t.Errorf("YAML shows it: %s, %v", data, err)
	}
}

func TestSecretForms(t *testing.T) {
	for want, s := range map[string]Secret{"(none)": {}, "(hidden, from $PW)": {Env: "PW"}, "(hidden, from /etc/pw)": {File: "/etc/pw"}, "(hidden)": {value: new(string)}} {
		if got := s.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if s.IsZero() != (want == "(none)") {
			t.Errorf("%s: IsZero is %t", want, s.IsZero())
		}
	}
}

func TestReadSecretsFromEnvironment(t *testing.T) {
	tests := map[string]struct{ value, want string }{
		"letters":  {"Abc123", ""},
		"signs":    {"a!#$%&()*+,-./:;<=>@[]^_{}~Z9", ""},
		"longest":  {strings.Repeat("x", 80), ""},
		"empty":    {"", "fabric.yaml: bgp.password: the environment variable PW is empty; set it, or remove bgp.password from the inventory"},
		"too long": {strings.Repeat("x", 81), "the password has 81 bytes, more than the 80 of a TCP-MD5 key"},
		"space":    {"a b", "the password has a space in it"},
		"newline":  {"a\nb", "the password has a control character in it"},
		"NUL":      {"a\x00b", "the password has a control character in it"},
		"quote":    {`a"b`, "the password has a quote character or backslash in it"},
		"apos":     {`a'b`, "the password has a quote character or backslash in it"},
		"help":     {"a?b", "the password has a ? or | in it"},
		"pipe":     {"a|b", "the password has a ? or | in it"},
		"umlaut":   {"aäb", "the password has a character in it that is not ASCII"},
		"comment":  {"!ab", "the password begins like a comment of frr.conf"},
		"junos":    {"$9$abc", "the password begins like one that Junos has encrypted"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := &Fabric{File: "fabric.yaml", BGP: BGP{Password: Secret{Env: "PW"}}}
			err := f.ReadSecrets(func(k string) (string, bool) { return tt.value, k == "PW" }, nil)
			if tt.want == "" {
				if err != nil || f.BGP.Password.Reveal() != tt.value {
					t.Fatalf("got %q, %v", f.BGP.Password.Reveal(), err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %s", err, tt.want)
			}
			if len(tt.value) > 0 && strings.Contains(err.Error(), tt.value) {
				t.Error("the error shows the password")
			}
			if f.BGP.Password.Reveal() != "" {
				t.Error("a refused password is kept")
			}
		})
	}
}

func TestReadSecretsUnset(t *testing.T) {
	f := &Fabric{File: "fabric.yaml", BGP: BGP{Password: Secret{Env: "PW"}}}
	err := f.ReadSecrets(func(string) (string, bool) { return "", false }, nil)
	const want = "fabric.yaml: bgp.password: the environment variable PW is not set; set it: read -rs PW && export PW"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := new(Fabric).ReadSecrets(nil, ReadSecretFile); err != nil {
		t.Error("no password wanted:", err)
	}
}

func TestReadSecretsFromFile(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string]string{
		"one": "pass\n", "crlf": "pass\r\n", "bare": "pass", "more": "pass\nnotes\n", "empty": "", "blank": "\npass\n",
		"long": "pass\n" + strings.Repeat("notes\n", 1000),
	} {
		write(t, filepath.Join(dir, name), data)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	go os.WriteFile(pipe, []byte("pass\n"), 0o600)
	const hint = "; put the password into its first line, or name another file"
	for name, want := range map[string]string{
		"one": "", "crlf": "", "bare": "", "more": "", "pipe": "",
		"empty":     "bgp.password: the first line of FILE is empty; put the password there",
		"blank":     "bgp.password: the first line of FILE is empty; put the password there",
		"none":      "bgp.password: FILE: no such file or directory" + hint,
		"long":      "bgp.password: FILE: too large: it has more than 4096 bytes" + hint,
		".":         "bgp.password: FILE: is a directory" + hint,
		"/dev/zero": "bgp.password: FILE: not a regular file" + hint,
	} {
		path := name
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, name)
		}
		want = strings.Replace(want, "FILE", path, 1)
		f := &Fabric{BGP: BGP{Password: Secret{File: path}}}
		err := f.ReadSecrets(nil, ReadSecretFile)
		if want == "" && (err != nil || f.BGP.Password.Reveal() != "pass") {
			t.Errorf("%s: got %q, %v", path, f.BGP.Password.Reveal(), err)
		}
		var errs Errors
		if want != "" && (!errors.As(err, &errs) || err.Error() != want) {
			t.Errorf("%s: got %v, want %s", path, err, want)
		}
	}
}
