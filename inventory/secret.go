package inventory

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxSecret is how long a TCP-MD5 key may be: TCP_MD5SIG_MAXKEYLEN of Linux.
const maxSecret = 80

// Reveal returns the value in clear, "" until ReadSecrets has been called.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero says whether there is no secret at all.
func (s Secret) IsZero() bool { return s == Secret{} }

// String says where the secret comes from, never what it is.
func (s Secret) String() string {
	switch {
	case s.Env != "":
		return "(hidden, from $" + s.Env + ")"
	case s.File != "":
		return "(hidden, from " + s.File + ")"
	case s.IsZero():
		return "(none)"
	}
	return "(hidden)"
}

// GoString is String, for %#v.
func (s Secret) GoString() string { return s.String() }

// Format is String for every verb, so that none shows the value.
func (s Secret) Format(f fmt.State, verb rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText is String, for JSON and every other encoding.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// maxSecretFile is how long a file with a secret in its first line may be, in bytes.
const maxSecretFile = 4 << 10

// ReadSecretFile reads a file whose first line is a secret: a regular file or a
// pipe, of at most 4 KiB.
func ReadSecretFile(path string) ([]byte, error) { return readFile(path, maxSecretFile) }

// ReadSecrets gets the values of the secrets that the inventory names, from
// os.LookupEnv and ReadSecretFile or what stands in for them. The error is
// Errors and says what to set.
func (f *Fabric) ReadSecrets(lookupEnv func(string) (string, bool), readFile func(path string) ([]byte, error)) error {
	s := &f.BGP.Password
	if s.Env == "" && s.File == "" {
		return nil
	}
	value, problem := readSecret(*s, lookupEnv, readFile)
	if problem.Msg == "" {
		if err := checkSecret(value); err != nil {
			problem = Problem{Msg: err.Error(), Hint: "use up to 80 letters, digits and signs such as - _ . + / ="}
		}
	}
	if problem.Msg != "" {
		problem.File = f.File
		problem.Msg = "bgp.password: " + problem.Msg
		return Errors{problem}
	}
	s.value = &value
	return nil
}

func readSecret(s Secret, lookupEnv func(string) (string, bool), readFile func(path string) ([]byte, error)) (string, Problem) {
	if s.Env != "" {
		value, ok := lookupEnv(s.Env)
		if !ok {
			return "", Problem{Msg: "the environment variable " + s.Env + " is not set", Hint: "set it: read -rs " + s.Env + " && export " + s.Env}
		}
		if value == "" {
			return "", Problem{Msg: "the environment variable " + s.Env + " is empty", Hint: "set it, or remove bgp.password from the inventory"}
		}
		return value, Problem{}
	}
	data, err := readFile(s.File)
	if err != nil {
		return "", Problem{Msg: pathError(s.File, err), Hint: "put the password into its first line, or name another file"}
	}
	line, _, _ := strings.Cut(string(data), "\n")
	line = strings.TrimSuffix(line, "\r")
	if line == "" {
		return "", Problem{Msg: "the first line of " + s.File + " is empty", Hint: "put the password there"}
	}
	return line, Problem{}
}

// checkSecret refuses a password that FRR's `neighbor password`, Junos' authentication-key
// or a router's command line would read in another way. Its errors do not quote the value.
func checkSecret(s string) error {
	if len(s) > maxSecret {
		return fmt.Errorf("the password has %d bytes, more than the %d of a TCP-MD5 key", len(s), maxSecret)
	}
	for _, r := range s {
		switch {
		case r == ' ' || r == '\t':
			return errors.New("the password has a space in it")
		case r < ' ' || r == 0x7f:
			return errors.New("the password has a control character in it")
		case r > 0x7f:
			return errors.New("the password has a character in it that is not ASCII")
		case strings.ContainsRune("\"'`\\", r):
			return errors.New("the password has a quote character or backslash in it, which routers read as their own")
		case strings.ContainsRune("?|", r):
			return errors.New("the password has a ? or | in it, which routers read as their own")
		}
	}
	if s[0] == '!' || s[0] == '#' {
		return errors.New("the password begins like a comment of frr.conf")
	}
	if len(s) > 1 && s[0] == '$' && s[1] >= '0' && s[1] <= '9' {
		return errors.New("the password begins like one that Junos has encrypted")
	}
	return nil
}
