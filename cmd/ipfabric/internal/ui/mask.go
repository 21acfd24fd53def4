package ui

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"regexp"
	"strings"
	"sync"
)

// masked stands for a secret wherever one would be printed.
const masked = "******"

// frrPassword finds the passwords of a frr.conf, also those that the inventory
// does not know: a diff shows the old one, and a file that somebody else wrote.
// The value ends at a quote or backslash too, because the text may be JSON.
var frrPassword = regexp.MustCompile(`(neighbor \S+ password (?:\d )?)[^\s"\\]+`)

// placeholder stands for the password in what `ipfabric gateway` prints. It is
// shown, so that the administrator finds it.
const placeholder = "BGP-PASSWORD"

// A Masker hides secrets. All that the program writes, to standard output,
// standard error and the log file, goes through its writers: no other code has
// to think of it.
type Masker struct {
	mu      sync.RWMutex
	secrets []string
}

// Hide makes the masker hide a value from now on. A value below 4 bytes is
// hidden only where a frr.conf says "password": anywhere else it would hide
// parts of ordinary words, and tell by that what it is.
func (m *Masker) Hide(secret string) {
	if len(secret) < 4 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.secrets = append(m.secrets, secret)
	// The same as it looks within JSON and XML.
	if quoted, err := json.Marshal(secret); err == nil {
		m.secrets = append(m.secrets, strings.Trim(string(quoted), `"`))
	}
	var escaped strings.Builder
	if err := xml.EscapeText(&escaped, []byte(secret)); err == nil {
		m.secrets = append(m.secrets, escaped.String())
	}
}

// text returns s with every secret masked.
func (m *Masker) text(s string) string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, secret := range m.secrets {
		s = strings.ReplaceAll(s, secret, masked)
	}
	return frrPassword.ReplaceAllStringFunc(s, func(found string) string {
		if strings.HasSuffix(found, " "+placeholder) {
			return found
		}
		return frrPassword.ReplaceAllString(found, "${1}"+masked)
	})
}

// writer returns a writer that masks what goes to w. Each Write must hold
// whole lines: a secret that is cut in two is not found.
func (m *Masker) writer(w io.Writer) io.Writer { return &maskingWriter{m, w} }

type maskingWriter struct {
	mask *Masker
	w    io.Writer
}

// Write writes what it is given with every secret masked.
func (w *maskingWriter) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.w, w.mask.text(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
