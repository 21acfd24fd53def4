package bridge

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A setting is a number below /proc/sys that labs need to be at least so high.
// What it was before the first lab is noted in a file in Run, and put back
// after the last one.
type setting struct {
	path  string // below root
	least int
}

var settings = []setting{
	{"net/ipv4/ip_forward", 1},
	// Each machine has some eight inotify instances, of which root's share on
	// many hosts is 128. Without one, systemd in the machine gives up.
	{"fs/inotify/max_user_instances", 4096},
}

// noteOf is the name of the file that notes what a setting was.
func noteOf(run string, s setting) string {
	return filepath.Join(run, "was."+strings.ReplaceAll(s.path, "/", "."))
}

func raiseSettings(root, run string) error {
	for _, s := range settings {
		file := filepath.Join(root, s.path)
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		now, err := strconv.Atoi(strings.TrimSpace(string(data)))
		if err != nil {
			return fmt.Errorf("%s: %v", file, err)
		}
		if now >= s.least {
			continue
		}
		// Noted first: a note without the deed does no harm. An older note
		// stays, if somebody else has changed the value since.
		note := noteOf(run, s)
		if _, err := os.Stat(note); errors.Is(err, fs.ErrNotExist) {
			if err := os.WriteFile(note, data, 0o644); err != nil {
				return err
			}
		}
		if err := os.WriteFile(file, []byte(strconv.Itoa(s.least)), 0); err != nil {
			return err
		}
	}
	return nil
}

func putSettingsBack(root, run string) error {
	for _, s := range settings {
		note := noteOf(run, s)
		was, err := os.ReadFile(note)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		// Only if it is still what a lab made it.
		file := filepath.Join(root, s.path)
		now, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if strings.TrimSpace(string(now)) == strconv.Itoa(s.least) && len(was) > 0 {
			if err := os.WriteFile(file, was, 0); err != nil {
				return err
			}
		}
		if err := os.Remove(note); err != nil {
			return err
		}
	}
	return nil
}
