package remote

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const sesame = "open 'sesame' $x\\" // not to be found by chance

func TestSudo(t *testing.T) {
	for _, tt := range []struct {
		mode, given string
		want        []string // of the error and its hint; none is that it works
	}{
		{mode: "free"},
		{mode: "free", given: "not needed"},
		{mode: "password", given: sesame},
		{mode: "password", want: []string{"wants the password of ops for sudo, and there is no terminal", "IPFABRIC_SUDO_PASSWORD", "NOPASSWD"}},
		{mode: "password", given: "wrong", want: []string{"refused the password of ops for sudo"}},
		{mode: "limited", given: sesame, want: []string{"a sudo right is missing", "ops ALL=(ALL) ALL", "visudo -f"}},
		{mode: "notallowed", given: sesame, want: []string{"a sudo right is missing", "ops ALL=(ALL) ALL", "visudo -f"}},
		{mode: "forbidden", given: sesame, want: []string{"ops is not in the sudoers file", "ops ALL=(ALL) ALL"}},
		{mode: "requiretty", given: sesame, want: []string{"requiretty", "Defaults:ops !requiretty"}},
		{mode: "broken", given: sesame, want: []string{"/etc/sudoers is world writable"}},
	} {
		t.Run(tt.mode+" "+tt.given, func(t *testing.T) {
			sudo := newFakeSudo(t, tt.mode, sesame)
			f := sudo.on(t, &fakeServer{})
			h := newClient(t, Config{SudoPassword: tt.given}, &f.server).Host(f.sudoTarget(1))
			if len(tt.want) > 0 {
				has(t, connectFails(t, h, Sudo), tt.want...)
				if tried := sudo.lines(t, "tried"); len(tried) > 1 {
					t.Errorf("tried %q", tried)
				}
				return
			}
			worksAsRoot(t, h)
			if calls := strings.Join(sudo.lines(t, "calls"), "\n"); strings.Contains(calls, sesame) {
				t.Errorf("the password is on a command line:\n%s", calls)
			}
			tried := sudo.lines(t, "tried")
			if i := slices.IndexFunc(tried, func(s string) bool { return s != sesame }); i >= 0 {
				t.Errorf("sudo read %q as a password", tried[i])
			}
		})
	}
}

// worksAsRoot does with a host all that can be done.
func worksAsRoot(t *testing.T, h *Host) {
	t.Helper()
	ctx := testContext(t)
	if out, err := h.Query(ctx, "id", "-u"); err != nil || out != "0\n" {
		t.Errorf("the user ID is %q, %v", out, err)
	}
	// A command without input gets none, least of all the password.
	if out, err := h.Query(ctx, "cat"); err != nil || out != "" {
		t.Errorf("a command has read %q, %v", out, err)
	}
	if out, err := h.Query(ctx, append([]string{"printf", `%s|`}, nasty...)...); err != nil || out != strings.Join(nasty, "|")+"|" {
		t.Errorf("the arguments became %q, %v", out, err)
	}
	if fail := commandFails(t, h, ctx, "sh", "-c", "echo oops >&2; exit 3"); fail.ExitStatus() != 3 || fail.Stderr != "oops\n" {
		t.Errorf("got %+v", fail)
	} else {
		has(t, fail.Command, "ssh ops@host sh -c")
	}
	file := filepath.Join(t.TempDir(), "made", "file")
	for _, data := range []string{"content", strings.Repeat("x", small+1)} {
		if err := h.WriteFile(ctx, file, []byte(data), 0o640); err != nil {
			t.Error(err)
		}
		if got, err := h.ReadFile(ctx, file); err != nil || string(got) != data {
			t.Errorf("got %d bytes, %v", len(got), err)
		}
	}
	if st, err := os.Stat(file); err != nil || st.Mode() != 0o640 {
		t.Errorf("the file is %v, %v", st, err)
	}
	lock := filepath.Join(t.TempDir(), "lock")
	release, err := h.Lock(ctx, lock, "the first")
	if err != nil {
		t.Fatal(err)
	}
	if note := lockedBy(t, h, lock); note != "the first" {
		t.Errorf("the note is %q", note)
	}
	release()
	argv, lives := sleeper(t, "")
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx, argv...) }()
	waitFor(t, "the command to run", lives)
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	waitFor(t, "the command to end on the host", func() bool { return !lives() })
}

func TestNoSudoThere(t *testing.T) {
	sudo := newFakeSudo(t, "free", "")
	f := sudo.on(t, &fakeServer{})
	bin := filepath.Join(t.TempDir(), "bin")
	for _, name := range []string{"sh", "cat"} { // all that is there
		path := "/bin/" + name
		if err := os.MkdirAll(bin, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(sudo.dir, "bin", "id"), filepath.Join(bin, "id")); err != nil {
		t.Fatal(err)
	}
	f.env = []string{"PATH=" + bin}
	h := newClient(t, Config{}, &f.server).Host(f.sudoTarget(1))
	if _, err := os.Stat("/usr/sbin/sudo"); err == nil {
		t.Fatal("there is a sudo where every command's PATH leads")
	}
	has(t, connectFails(t, h, Sudo), "has no sudo", "install sudo")
}

// Users who are root already, by whatever name, need no sudo; neither do those who shall have none.
func TestWithoutSudo(t *testing.T) {
	sudo := newFakeSudo(t, "broken", "")
	f := sudo.on(t, &fakeServer{})
	ctx := testContext(t)
	target := f.sudoTarget(1)
	target.Sudo = false
	c := newClient(t, Config{}, &f.server)
	if out, err := c.Host(target).Query(ctx, "id", "-u"); err != nil || out != "1000\n" {
		t.Errorf("got %q, %v", out, err)
	}
	target.Sudo, target.User = true, "root"
	if err := c.Host(target).Open(ctx); err != nil {
		t.Error(err)
	}
	f.env = append(f.env, "FAKE_ROOT=1")
	if out, err := c.Host(f.sudoTarget(1)).Query(ctx, "id", "-u"); err != nil || out != "0\n" {
		t.Errorf("got %q, %v", out, err)
	}
	if calls := sudo.lines(t, "calls"); len(calls) > 0 {
		t.Errorf("sudo was called: %q", calls)
	}
}

// What sudo allows is found out once for a host; a command costs one sudo, and no round trip more.
func TestSudoIsProbedOnce(t *testing.T) {
	for mode, probes := range map[string]int{"free": 1, "password": 3} {
		sudo := newFakeSudo(t, mode, sesame)
		f := sudo.on(t, &fakeServer{})
		h := newClient(t, Config{SudoPassword: sesame}, &f.server).Host(f.sudoTarget(1))
		for range 3 {
			if err := h.Run(testContext(t), "true"); err != nil {
				t.Fatal(err)
			}
			h.Close() // a new connection does not ask again
		}
		calls := strings.Join(sudo.lines(t, "calls"), "\n")
		if n := strings.Count(calls, "sudo -"); n != probes+3 {
			t.Errorf("%s: sudo was called %d times, want %d:\n%s", mode, n, probes+3, calls)
		}
	}
}

// A right that is taken away in the middle of a run is told as that.
func TestSudoRightIsTakenAway(t *testing.T) {
	sudo := newFakeSudo(t, "password", sesame)
	f := sudo.on(t, &fakeServer{})
	h := newClient(t, Config{SudoPassword: sesame, ConnectTimeout: time.Second}, &f.server).Host(f.sudoTarget(1))
	ctx := testContext(t)
	if err := h.Open(ctx); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(sudo.dir, "password"), "changed")
	start := time.Now()
	ran := h.Run(ctx, "true")
	_, read := h.ReadFile(ctx, "/etc/hostname")
	_, locked := h.Lock(ctx, filepath.Join(t.TempDir(), "lock"), "me")
	for _, err := range []error{ran, read, locked} {
		if err == nil {
			t.Fatal("there is no error")
		}
		t.Log(err)
	}
	has(t, ran.Error(), "was not run by sudo for ops")
	has(t, read.Error(), "was not run by sudo for ops")
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

// What sudo and sudo-rs say.
func TestRefusals(t *testing.T) {
	for text, want := range map[string]refusal{
		"sudo: a password is required":                                                          wantsPassword,
		"sudo-rs: interactive authentication is required":                                       wantsPassword,
		"Sorry, try again.\nsudo: no password was provided\nsudo: 1 incorrect password attempt": wrongPassword,
		"sudo-rs: Maximum 3 incorrect authentication attempts":                                  wrongPassword,
		"sudo: sorry, you must have a tty to run sudo":                                          wantsTerminal,
		"ops is not in the sudoers file.":                                                       notInSudoers,
		"Sorry, user ops is not allowed to execute '/bin/sh -c :' as root on n1.":               forbidden,
		"sudo-rs: I'm sorry ops. I'm afraid I can't do that":                                    forbidden,
		"sudo: effective uid is not 0":                                                          unknownRefusal,
	} {
		if got := refusalOf(text); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}
