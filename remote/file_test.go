package remote

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestReadFile(t *testing.T) {
	_, h := connect(t)
	ctx := testContext(t)
	dir := t.TempDir()
	for _, size := range []int{0, 1, 32<<10 - 1, 32 << 10, 32<<10 + 1, 1 << 20} {
		want := make([]byte, size)
		fill(want)
		file := filepath.Join(dir, "file")
		if err := os.WriteFile(file, want, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := h.ReadFile(ctx, file)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("of %d bytes: got %d, %v", size, len(got), err)
		}
	}
	// A file whose size is not known before it is read.
	if got, err := h.ReadFile(ctx, "/proc/cpuinfo"); err != nil || !strings.Contains(string(got), "processor") {
		t.Errorf("got %q, %v", got, err)
	}
	_, err := h.ReadFile(ctx, filepath.Join(dir, "none"))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
	if _, err = h.ReadFile(ctx, dir); !errors.Is(err, syscall.EISDIR) {
		t.Errorf("got %v, want that it is a directory", err)
	}
	if err := os.Truncate(filepath.Join(dir, "file"), maxOutput+1); err != nil {
		t.Fatal(err)
	}
	if _, err = h.ReadFile(ctx, filepath.Join(dir, "file")); err == nil {
		t.Error("a file that is too large was read")
	}
	t.Log(err)
}

func TestWriteFile(t *testing.T) {
	_, h := connect(t)
	ctx := testContext(t)
	dir := t.TempDir()
	big := make([]byte, 20<<20)
	fill(big)
	for _, tt := range []struct {
		name string
		data []byte
		mode fs.FileMode
	}{
		{"a/b/c/new", []byte("made with its directories"), 0o640},
		{"a/b/c/new", []byte("made anew"), 0o600},
		{"a/b/c/new", []byte("made anew"), 0o755}, // the mode alone
		{"empty", nil, 0o644},
		{"binary", []byte("\x00\xff\r\n\x1a"), 0o400},
		{"with 'quotes' and $x", []byte("x"), 0o600},
		{"big", big, 0o755},
		{"big", append([]byte("y"), big[1:]...), 0o755}, // as large as before
	} {
		file := filepath.Join(dir, tt.name)
		if err := h.WriteFile(ctx, file, tt.data, tt.mode); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(got, tt.data) {
			t.Errorf("%s: there are %d bytes that differ, %v", tt.name, len(got), err)
		}
		if st, err := os.Stat(file); err != nil || st.Mode() != tt.mode {
			t.Errorf("%s: has mode %v, want %v", tt.name, st.Mode(), tt.mode)
		}
	}
	if left := names(t, dir); len(left) != 5 {
		t.Errorf("there are %v", left)
	}
}

func TestWriteFileThatIsThere(t *testing.T) {
	_, h := connect(t)
	ctx := testContext(t)
	for _, size := range []int{10, small + 1} {
		file := filepath.Join(t.TempDir(), "file")
		data := make([]byte, size)
		fill(data)
		if err := h.WriteFile(ctx, file, data, 0o644); err != nil {
			t.Fatal(err)
		}
		before, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.WriteFile(ctx, file, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if after, err := os.Stat(file); err != nil || !os.SameFile(before, after) {
			t.Errorf("of %d bytes: it was written again, %v", size, err)
		}
	}
}

func TestWriteFileThroughLink(t *testing.T) {
	_, h := connect(t)
	dir := t.TempDir()
	file, link := filepath.Join(dir, "d", "file"), filepath.Join(dir, "link")
	writeFile(t, file, "old")
	if err := os.Symlink("d/file", link); err != nil {
		t.Fatal(err)
	}
	if err := h.WriteFile(testContext(t), link, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if to, err := os.Readlink(link); err != nil || to != "d/file" {
		t.Errorf("the link is %q, %v", to, err)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "new" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestWriteFileFails(t *testing.T) {
	_, h := connect(t)
	ctx := testContext(t)
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "file"), "x")
	for _, path := range []string{dir, "relative", filepath.Join(dir, "file", "below"), "/proc/none/x"} {
		err := h.WriteFile(ctx, path, []byte("y"), 0o600)
		var fail *FileError
		if !errors.As(err, &fail) || fail.Hint() == "" {
			t.Errorf("%s: got %v, want a FileError with a hint", path, err)
		}
		t.Log(err)
	}
	if left := names(t, dir); len(left) != 1 {
		t.Errorf("there are %v", left)
	}
}

func TestWriteFileRemovesWhatKilledRunsLeft(t *testing.T) {
	_, h := connect(t)
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, ".frr.conf.ipfabric-0123456789abcdef"), "half")
	others := []string{".frr.conf.ipfabric-notes", ".frr.conf.ipfabric-0123456789abcdef.bak", ".daemons.ipfabric-0123456789abcdef"}
	for _, name := range others {
		writeFile(t, filepath.Join(dir, name), "somebody else's")
	}
	if err := h.WriteFile(testContext(t), filepath.Join(dir, "frr.conf"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	left := strings.Join(names(t, dir), " ")
	has(t, left, append(others, "frr.conf")...)
	if strings.Contains(left, "0123456789abcdef frr.conf") || len(names(t, dir)) != 4 {
		t.Errorf("there are %s", left)
	}
}

func TestCancelledUploadLeavesNothing(t *testing.T) {
	p := startProxy(t, startSSHD(t))
	h := newClient(t, Config{}, p.server).Host(p.target())
	dir := t.TempDir()
	file := filepath.Join(dir, "agent")
	writeFile(t, file, "the old one")
	ctx, cancel := context.WithCancel(testContext(t))
	if err := h.Open(ctx); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- h.WriteFile(ctx, file, make([]byte, 30<<20), 0o755) }()
	waitFor(t, "a part of the file to be there", func() bool { return p.sent() > 2<<20 })
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "the old one" {
		t.Errorf("in place is a file of %d bytes, %v", len(got), err)
	}
	if left := names(t, dir); len(left) != 1 {
		t.Errorf("there are %v, want the old file alone", left)
	}
	if err := h.Run(testContext(t), "true"); err != nil {
		t.Errorf("the connection is of no use any more: %v", err)
	}
}

func TestNoSFTPSubsystem(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	// The subsystem is broken, but the host has the server: it is found.
	_, h := connect(t, "Subsystem sftp /bin/false")
	if err := h.WriteFile(testContext(t), file, []byte("content"), 0o600); err != nil {
		t.Error(err)
	}
	// Neither.
	_, h = connect(t, `ForceCommand case "$SSH_ORIGINAL_COMMAND" in *sftp-server*) exit 1;; *) eval "$SSH_ORIGINAL_COMMAND";; esac`)
	_, err := h.ReadFile(testContext(t), file)
	var fail *FileError
	if !errors.As(err, &fail) || !errors.Is(err, errNoSFTP) {
		t.Fatalf("got %v, want that there is no SFTP", err)
	}
	has(t, fail.Hint(), "Subsystem sftp")
	t.Log(err)
}

// A login shell that ends before it runs anything is not the same as a missing SFTP server.
func TestNoFilesWhereTheLoginShellRunsNothing(t *testing.T) {
	home := t.TempDir()
	writeFile(t, filepath.Join(home, ".bashrc"), "echo closed for today; exit 3\n")
	_, h := connect(t, "SetEnv HOME="+home)
	ctx := testContext(t)
	_, queried := h.Query(ctx, "true")
	_, read := h.ReadFile(ctx, "/etc/hostname")
	written := h.WriteFile(ctx, filepath.Join(t.TempDir(), "file"), []byte("x"), 0o600)
	for _, err := range []error{queried, read, written} {
		if err == nil {
			t.Fatal("there is no error")
		}
		has(t, err.Error(), "was not run by the login shell", "status 3", "closed for today")
	}
	var fail *FileError
	if !errors.As(read, &fail) {
		t.Fatalf("got %v, want a FileError", read)
	}
	has(t, fail.Hint(), ".bashrc", "ssh")
}

// What a login shell prints is no sign that the SFTP server is missing.
func TestNoFilesWhereTheLoginShellPrintsTooMuch(t *testing.T) {
	home := t.TempDir()
	writeFile(t, filepath.Join(home, ".bashrc"), "yes 'a line of a long message' | head -c 1300000\n")
	_, h := connect(t, "SetEnv HOME="+home, "Subsystem sftp /usr/lib/openssh/sftp-server")
	ctx := testContext(t)
	if out, err := h.Query(ctx, "echo", "hello"); err != nil || out != "hello\n" {
		t.Errorf("got %q, %v", out, err)
	}
	_, err := h.ReadFile(ctx, "/etc/hostname")
	var fail *FileError
	if !errors.As(err, &fail) || errors.Is(err, errNoSFTP) {
		t.Fatalf("got %v, want that the login shell prints too much", err)
	}
	has(t, err.Error(), "the login shell of "+currentUser(t)+" prints more than 64 KiB")
	has(t, fail.Hint(), ".bashrc")
}

// Nobody opens an SFTP session who only runs commands.
func TestCommandsNeedNoSFTP(t *testing.T) {
	s, h := connect(t)
	if err := h.Run(testContext(t), "true"); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(s.log(t), "subsystem") {
		t.Error("an SFTP session was opened")
	}
}
func TestWriteFileKeepsTheOwner(t *testing.T) {
	_, h := connect(t)
	file := filepath.Join(t.TempDir(), "frr.conf")
	writeFile(t, file, "old")
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 { // only root may give files away; others see that their own stay theirs
		uid, gid = 65534, 65533
		if err := os.Chown(file, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.WriteFile(testContext(t), file, []byte("new"), 0o640); err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	have := st.Sys().(*syscall.Stat_t)
	if int(have.Uid) != uid || int(have.Gid) != gid || st.Mode() != 0o640 {
		t.Errorf("it belongs to %d:%d with %v, want %d:%d with -rw-r-----", have.Uid, have.Gid, st.Mode(), uid, gid)
	}
}
