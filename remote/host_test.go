package remote

import (
	"errors"
	"io/fs"
	"testing"
)

func TestHost(t *testing.T) {
	_, h := connect(t)
	ctx := testContext(t)
	out, err := h.Query(ctx, "echo", "hello")
	if err != nil || out != "hello\n" {
		t.Fatalf("got %q, %v", out, err)
	}
	file := t.TempDir() + "/a/b/file"
	if _, err := h.ReadFile(ctx, file); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("got %v, want fs.ErrNotExist", err)
	}
	if err := h.WriteFile(ctx, file, []byte("content"), 0o640); err != nil {
		t.Fatal(err)
	}
	got, err := h.ReadFile(ctx, file)
	if err != nil || string(got) != "content" {
		t.Fatalf("got %q, %v", got, err)
	}
	release, err := h.Lock(ctx, t.TempDir()+"/lock", "anna@desk, 12:00, init")
	if err != nil {
		t.Fatal(err)
	}
	release()
	err = h.Run(ctx, "sh", "-c", "echo oops >&2; exit 3")
	var fail *CommandError
	if !errors.As(err, &fail) || fail.ExitStatus() != 3 {
		t.Fatalf("got %v", err)
	}
	t.Log(err, fail.Hint())
}
