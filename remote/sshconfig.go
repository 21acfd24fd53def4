package remote

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/kevinburke/ssh_config"
)

// readSSHConfig reads an ssh_config(5) file. A file that is not there is empty.
func readSSHConfig(path string, log func(host, format string, args ...any)) (*ssh_config.Config, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &ssh_config.Config{}, nil
	}
	if err != nil {
		return nil, err
	}
	data, dropped := dropMatch(data)
	for _, line := range dropped {
		log("", "%s: left out the block %q, which ipfabric does not understand", path, line)
	}
	cfg, err := ssh_config.DecodeBytes(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %v", path, err)
	}
	return cfg, nil
}

// dropMatch blanks the Match blocks whose criteria the parser does not know,
// such as exec, and returns their first lines. Without it, one such block, meant
// for quite another host, would make the whole file unreadable.
func dropMatch(data []byte) (kept []byte, dropped []string) {
	drop := false
	lines := bytes.Split(data, []byte("\n"))
	for i, line := range lines {
		fields := strings.FieldsFunc(strings.ToLower(string(line)), func(r rune) bool {
			return r == ' ' || r == '\t' || r == '=' || r == '\r'
		})
		if len(fields) > 0 && (fields[0] == "host" || fields[0] == "match") {
			drop = fields[0] == "match" && !knownMatch(fields[1:])
			if drop {
				dropped = append(dropped, strings.TrimSpace(string(line)))
			}
		}
		if drop {
			lines[i] = nil // the line stays, so that line numbers in errors hold
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
