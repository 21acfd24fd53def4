package inventory

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "fabric.yaml")
	write(t, good, minimal)
	f, warnings, err := Load(good)
	if err != nil || f.File != good || len(warnings) != 2 {
		t.Errorf("got %v, %v, %v", f, warnings, err)
	}
	big := filepath.Join(dir, "big.yaml")
	write(t, big, strings.Repeat("# comment\n", 1<<20))
	for path, want := range map[string]string{
		filepath.Join(dir, "none.yaml"): "there is no such file; name your inventory with -f, or begin one: ipfabric inventory example > " + filepath.Join(dir, "none.yaml"),
		dir:                             "this is a directory; name the file in it: -f " + good,
		big:                             "the file is too big for an inventory; name an inventory with -f",
		"/dev/zero":                     "not a regular file; make it readable for you, or name another with -f",
		filepath.Join(good, "x"):        "not a directory; make it readable for you, or name another with -f",
	} {
		_, _, err := Load(path)
		var errs Errors
		if !errors.As(err, &errs) || err.Error() != path+": "+want {
			t.Errorf("got %v, want %s: %s", err, path, want)
		}
		if errs.Hint() == "" {
			t.Error("no hint")
		}
	}
}

func TestCheckFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "id"), "key")
	write(t, filepath.Join(dir, "empty"), "")
	check := func(ssh string) error {
		t.Helper()
		f, _, err := Parse(filepath.Join(dir, "fabric.yaml"), []byte(minimal+ssh+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		f.File = "fabric.yaml"
		return f.CheckFiles()
	}
	for _, ssh := range []string{"", "ssh: {keys: [id, empty]}", "ssh: {known_hosts: id}", "ssh: {known_hosts: not-there-yet}"} {
		if err := check(ssh); err != nil {
			t.Errorf("%s: %v", ssh, err)
		}
	}
	for ssh, want := range map[string]string{
		"ssh: {keys: [none, id]}": "fabric.yaml: the SSH key of rr1 and node1: " + dir + "/none: no such file or directory; write the path of a private key that you can read, or remove it from ssh.keys",
		"ssh: {keys: [.]}":        "fabric.yaml: the SSH key of rr1 and node1: " + dir + ": is a directory; write the path of a private key that you can read, or remove it from ssh.keys",
		"ssh: {known_hosts: .}":   "fabric.yaml: ssh.known_hosts: " + dir + ": is a directory; write the path of a file that you can read; a missing one is made",
	} {
		err := check(ssh)
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestSummaryOfManyHosts(t *testing.T) {
	if got := summary([]string{"a", "b", "c", "d"}); got != "a, b and others" {
		t.Error(got)
	}
}

func write(t *testing.T, path, data string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
}
