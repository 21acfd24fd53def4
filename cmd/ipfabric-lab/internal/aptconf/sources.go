package aptconf

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// A Source is one archive of binary packages: an entry of sources.list(5), in
// the one-line or the deb822 form, with one URI.
type Source struct {
	URI        string
	Suites     []string
	Components []string
	SignedBy   string // key file names as written; "embedded" for a key in the entry itself
}

// ReadSources reads sources.list and sources.list.d below root, which is the
// host's / as a file system. Entries that are switched off, of source
// packages or on a CD-ROM are left out.
func ReadSources(root fs.FS) ([]Source, error) {
	var out []Source
	files := []string{"etc/apt/sources.list"}
	more, err := fs.ReadDir(root, "etc/apt/sources.list.d")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range more {
		files = append(files, path.Join("etc/apt/sources.list.d", e.Name()))
	}
	for _, name := range files {
		parse := parseOneLine
		switch path.Ext(name) {
		case ".list":
		case ".sources":
			parse = parseDeb822
		default:
			continue // apt ignores it as well
		}
		data, err := fs.ReadFile(root, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, s := range parse(string(data)) {
			s.URI = resolveMirrorFile(root, s.URI)
			if strings.HasPrefix(s.URI, "http://") || strings.HasPrefix(s.URI, "https://") {
				out = append(out, s)
			}
		}
	}
	return out, nil
}

// resolveMirrorFile gives the first mirror of a list of mirrors on the host
// ("mirror+file:/etc/apt/mirrors/debian.list", as cloud images have it): the
// machines do not have that file.
func resolveMirrorFile(root fs.FS, uri string) string {
	name, ok := strings.CutPrefix(uri, "mirror+file:")
	if !ok {
		return uri
	}
	data, err := fs.ReadFile(root, strings.TrimLeft(name, "/"))
	if err != nil {
		return uri
	}
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) > 0 && !strings.HasPrefix(f[0], "#") {
			return f[0]
		}
	}
	return uri
}

func parseOneLine(text string) []Source {
	var out []Source
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) == 0 || f[0] != "deb" {
			continue
		}
		var s Source
		f = f[1:]
		if len(f) > 0 && strings.HasPrefix(f[0], "[") {
			end := slices.IndexFunc(f, func(w string) bool { return strings.HasSuffix(w, "]") })
			if end < 0 {
				continue
			}
			for _, w := range f[:end+1] {
				k, v, _ := strings.Cut(strings.Trim(w, "[]"), "=")
				if strings.EqualFold(k, "signed-by") {
					s.SignedBy = v
				}
			}
			f = f[end+1:]
		}
		if len(f) < 2 {
			continue
		}
		s.URI, s.Suites, s.Components = f[0], f[1:2], f[2:]
		out = append(out, s)
	}
	return out
}

func parseDeb822(text string) []Source {
	var out []Source
	for _, stanza := range stanzas(text) {
		if !slices.Contains(strings.Fields(stanza["types"]), "deb") || isNo(stanza["enabled"]) {
			continue
		}
		signed := strings.TrimSpace(stanza["signed-by"])
		if strings.Contains(signed, "BEGIN PGP") {
			signed = "embedded"
		}
		for _, uri := range strings.Fields(stanza["uris"]) {
			out = append(out, Source{
				URI:        uri,
				Suites:     strings.Fields(stanza["suites"]),
				Components: strings.Fields(stanza["components"]),
				SignedBy:   signed,
			})
		}
	}
	return out
}

// stanzas gives each paragraph's fields by lower-case name. Lines that begin
// with white space go on with the field before them.
func stanzas(text string) []map[string]string {
	var out []map[string]string
	cur, last := map[string]string{}, ""
	flush := func() {
		if len(cur) > 0 {
			out = append(out, cur)
		}
		cur, last = map[string]string{}, ""
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.TrimSpace(line) == "":
			flush()
		case line[0] == ' ' || line[0] == '\t':
			if last != "" {
				cur[last] += "\n" + strings.TrimSpace(line)
			}
		default:
			k, v, ok := strings.Cut(line, ":")
			if !ok {
				continue
			}
			last = strings.ToLower(strings.TrimSpace(k))
			cur[last] = strings.TrimSpace(v)
		}
	}
	flush()
	return out
}

func isNo(v string) bool {
	switch strings.ToLower(strings.TrimSpace(v)) {
	case "no", "false", "0", "off", "without", "disable":
		return true
	}
	return false
}
