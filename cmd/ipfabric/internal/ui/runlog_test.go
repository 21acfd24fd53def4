package ui

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOldLogsGoAndOtherFilesStay(t *testing.T) {
	dir := t.TempDir()
	for i := range keepLogs + 10 {
		name := fmt.Sprintf("20200101T0000%02d.000Z-plan.log", i)
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "mine.log"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l := newRunLog()
	if err := l.OpenIn(dir, "plan", &Masker{}); err != nil {
		t.Fatal(err)
	}
	l.Close()
	logs, _ := filepath.Glob(filepath.Join(dir, "2*.log"))
	if len(logs) != keepLogs {
		t.Errorf("%d logs are left", len(logs))
	}
	for _, want := range []string{l.Path, filepath.Join(dir, "mine.log")} {
		if _, err := os.Stat(want); err != nil {
			t.Error(err)
		}
	}
}

func TestLogsOfOneCommandDoNotPushOutThoseOfAnother(t *testing.T) {
	dir := t.TempDir()
	var others []string
	for _, name := range []string{"20200101T000000.000Z-init.log", "20200101T000000.000Z-init-2.log", "20200101T000000.000Z-vm-list.log"} {
		others = append(others, filepath.Join(dir, name))
	}
	for _, path := range others {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range keepLogs + 5 {
		l := newRunLog()
		if err := l.OpenIn(dir, "vm", &Masker{}); err != nil {
			t.Fatal(err)
		}
		l.Close()
	}
	for _, path := range others {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	if logs, _ := filepath.Glob(filepath.Join(dir, "*.log")); len(logs) != keepLogs+len(others) {
		t.Errorf("%d logs are left", len(logs))
	}
}

func TestTwoRunsAtOnceHaveTwoLogs(t *testing.T) {
	dir := t.TempDir()
	seen := map[string]bool{}
	for range 5 {
		l := newRunLog()
		if err := l.OpenIn(dir, "plan", &Masker{}); err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		seen[l.Path] = true
	}
	if len(seen) != 5 {
		t.Errorf("%d logs for 5 runs", len(seen))
	}
}

func TestLogHidesSecretsAndRemembersTheLastOfEachHost(t *testing.T) {
	m := &Masker{}
	m.Hide("correct-horse")
	file := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(file, []byte("before\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	l := newRunLog()
	if err := l.OpenFile(file, m); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		l.Record("rr1", "line %d of correct-horse", i)
	}
	l.Record("", "general")
	l.Close()
	l.Record("rr1", "after the end") // is no fault

	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, "log", string(data), "before\n", " rr1  line 0 of ******\n", " -  general\n")
	if strings.Contains(string(data), "correct-horse") {
		t.Error("the log has the secret")
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	last := l.Last("rr1")
	if len(last) != keepRecords || !strings.HasSuffix(last[keepRecords-2], "line 19 of correct-horse") {
		t.Errorf("last: %q", last)
	}
}

func TestLogDirIsWhereXDGSays(t *testing.T) {
	for _, tt := range []struct{ state, home, want string }{
		{"/s", "/h", "/s/ipfabric/log"},
		{"", "/h", "/h/.local/state/ipfabric/log"},
		{"relative", "/h", "/h/.local/state/ipfabric/log"}, // the specification: ignore relative paths
		{"", "", ""},
	} {
		env := map[string]string{"XDG_STATE_HOME": tt.state, "HOME": tt.home}
		got, err := LogDir(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%+v: %q, %v", tt, got, err)
		}
	}
}
