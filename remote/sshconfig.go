package remote

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kevinburke/ssh_config"
)

// readSSHConfig reads an ssh_config(5) file. A file that is not there is empty.
func readSSHConfig(path string, log func(host, format string, args ...any)) (*ssh_config.Config, error) {
	lines, err := withIncludes(path, 0, log)
	if errors.Is(err, fs.ErrNotExist) {
		return &ssh_config.Config{}, nil
	}
	if err != nil {
		return nil, err
	}
	cfg, err := ssh_config.DecodeBytes([]byte(strings.Join(lines, "\n")))
	if err != nil {
		return nil, fmt.Errorf("%s: %v", path, err)
	}
	return cfg, nil
}

const maxIncludes = 16 // files within files, as in ssh

// withIncludes returns the lines of a file, with Include replaced by the lines of the files that it
// names. The parser could read those files itself, but it fails at a Match block in one of them.
func withIncludes(path string, depth int, log func(host, format string, args ...any)) ([]string, error) {
	if depth > maxIncludes {
		return nil, fmt.Errorf("%s: there are more than %d files that include each other", path, maxIncludes)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	kept, dropped := dropMatch(data)
	for _, line := range dropped {
		log("", "%s: left out the block %q, which ipfabric does not understand", path, line)
	}
	var out []string
	block := "Host *"
	for line := range strings.SplitSeq(string(kept), "\n") {
		words := fields(line)
		if len(words) == 0 || words[0] != "include" {
			if isBlock(words) {
				block = line
			}
			out = append(out, line)
			continue
		}
		for _, pattern := range words[1:] {
			included, err := include(pattern, depth, log)
			if err != nil {
				return nil, err
			}
			out = append(out, included...)
			if slices.ContainsFunc(included, func(l string) bool { return isBlock(fields(l)) }) {
				out = append(out, block) // what follows belongs to where the Include stands
			}
		}
	}
	return out, nil
}

// include returns the lines of the files that one pattern names; there may be none.
func include(pattern string, depth int, log func(host, format string, args ...any)) ([]string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return nil, err
	}
	pattern = strings.Trim(pattern, `"`)
	switch rest, ok := strings.CutPrefix(pattern, "~/"); {
	case ok:
		pattern = filepath.Join(home, rest)
	case !filepath.IsAbs(pattern):
		pattern = filepath.Join(home, ".ssh", pattern)
	}
	files, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fmt.Errorf("the Include of %s: %v", pattern, err)
	}
	var out []string
	for _, file := range files {
		lines, err := withIncludes(file, depth+1, log)
		if err != nil {
			return nil, err
		}
		out = append(out, lines...)
	}
	return out, nil
}

// fields are the words of a line, the first one, the keyword, in lower case.
func fields(line string) []string {
	words := strings.FieldsFunc(line, func(r rune) bool {
		return r == ' ' || r == '\t' || r == '=' || r == '\r'
	})
	if len(words) > 0 {
		words[0] = strings.ToLower(words[0])
	}
	return words
}

func isBlock(words []string) bool {
	return len(words) > 0 && (words[0] == "host" || words[0] == "match")
}

// dropMatch blanks the Match blocks whose criteria the parser does not know, such as exec, and
// returns their first lines. Otherwise one such block, even for another host, would make the whole
// file unreadable.
func dropMatch(data []byte) (kept []byte, dropped []string) {
	drop := false
	lines := bytes.Split(data, []byte("\n"))
	for i, line := range lines {
		words := fields(strings.ToLower(string(line)))
		if isBlock(words) {
			drop = words[0] == "match" && !knownMatch(words[1:])
			if drop {
				dropped = append(dropped, strings.TrimSpace(string(line)))
			}
		}
		if drop {
			lines[i] = nil // an empty line stays, so that line numbers in errors are right
		}
	}
	return bytes.Join(lines, []byte("\n")), dropped
}

func knownMatch(criteria []string) bool {
	return len(criteria) == 1 && criteria[0] == "all" || len(criteria) == 2 && criteria[0] == "host"
}

// options are ssh_config's values for one host.
type options struct {
	cfg   *ssh_config.Config
	alias string
}

func (c *Client) options(alias string) (options, error) {
	cfg, err := c.sshConfig()
	return options{cfg, alias}, err
}

// get returns the first value of a keyword, "" if there is none.
func (o options) get(keyword string) string {
	if all := o.all(keyword); len(all) > 0 {
		return all[0]
	}
	return ""
}

func (o options) all(keyword string) []string {
	values, err := o.cfg.GetAll(o.alias, keyword)
	if err != nil {
		return nil // only for node types that the parser never makes
	}
	for i, v := range values {
		values[i] = strings.Trim(v, `"`)
	}
	return values
}
