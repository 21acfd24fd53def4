package bridge

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLabOf(t *testing.T) {
	for alias, want := range map[string]string{
		"ipfabric-lab 0a1b2c3d /srv/my lab/.lab": "0a1b2c3d|/srv/my lab/.lab|true",
		"ipfabric-lab 0a1b2c3d":                  "0a1b2c3d||true",
		"ipfabric-lab ":                          "||false",
		"somebody's bridge":                      "||false",
		"":                                       "||false",
	} {
		id, dir, ok := labOf(alias)
		got := id + "|" + dir + "|false"
		if ok {
			got = id + "|" + dir + "|true"
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", alias, got, want)
		}
	}
}

func TestDropsForwarded(t *testing.T) {
	const docker = `{"nftables": [{"metainfo": {"version": "1.0.6"}},
		{"chain": {"family": "ip", "table": "nat", "name": "POSTROUTING", "handle": 1, "type": "nat", "hook": "postrouting", "prio": 100, "policy": "accept"}},
		{"chain": {"family": "ip6", "table": "filter", "name": "FORWARD", "handle": 1, "type": "filter", "hook": "forward", "prio": 0, "policy": "drop"}},
		{"chain": {"family": "ip", "table": "filter", "name": "FORWARD", "handle": 1, "type": "filter", "hook": "forward", "prio": 0, "policy": "drop"}}]}`
	const open = `{"nftables": [{"metainfo": {"version": "1.0.6"}},
		{"chain": {"family": "inet", "table": "filter", "name": "input", "handle": 1, "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}},
		{"chain": {"family": "inet", "table": "filter", "name": "forward", "handle": 2, "type": "filter", "hook": "forward", "prio": 0, "policy": "accept"}}]}`
	for in, want := range map[string]string{docker: "ip filter FORWARD", open: "", `{"nftables": []}`: ""} {
		got, err := dropsForwarded([]byte(in))
		if err != nil || got != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	if _, err := dropsForwarded([]byte("no json")); err == nil {
		t.Error("no error for what is no JSON")
	}
}

// fakeSys makes a /proc/sys with the settings, and a folder for the notes.
func fakeSys(t *testing.T, forward, inotify string) (root, run string) {
	t.Helper()
	root, run = t.TempDir(), t.TempDir()
	for name, value := range map[string]string{"net/ipv4/ip_forward": forward, "fs/inotify/max_user_instances": inotify} {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(value+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root, run
}

func sysctls(t *testing.T, root string) string {
	t.Helper()
	out := ""
	for _, s := range settings {
		data, err := os.ReadFile(filepath.Join(root, s.path))
		if err != nil {
			t.Fatal(err)
		}
		out += string(data) + " "
	}
	return out
}

func TestSettingsArePutBack(t *testing.T) {
	root, run := fakeSys(t, "0", "128")
	for range 2 { // a second up changes nothing
		if err := raiseSettings(root, run); err != nil {
			t.Fatal(err)
		}
		if got := sysctls(t, root); got != "1 4096 " {
			t.Errorf("while a lab is up: %q", got)
		}
	}
	for range 2 {
		if err := putSettingsBack(root, run); err != nil {
			t.Fatal(err)
		}
		if got := sysctls(t, root); got != "0\n 128\n " {
			t.Errorf("afterwards: %q", got)
		}
	}
	if left, _ := os.ReadDir(run); len(left) != 0 {
		t.Errorf("notes stay behind: %v", left)
	}
}

func TestSettingsThatWereEnoughStay(t *testing.T) {
	root, run := fakeSys(t, "1", "8192")
	if err := raiseSettings(root, run); err != nil {
		t.Fatal(err)
	}
	if err := putSettingsBack(root, run); err != nil {
		t.Fatal(err)
	}
	if got := sysctls(t, root); got != "1\n 8192\n " {
		t.Errorf("changed: %q", got)
	}
}

func TestSettingsThatSomebodyElseChangedStay(t *testing.T) {
	root, run := fakeSys(t, "0", "128")
	if err := raiseSettings(root, run); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "fs/inotify/max_user_instances"), []byte("9999\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := putSettingsBack(root, run); err != nil {
		t.Fatal(err)
	}
	if got := sysctls(t, root); got != "0\n 9999\n " {
		t.Errorf("got %q", got)
	}
}
