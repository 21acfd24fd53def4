package steptest

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A Host holds files in memory and answers the commands that a test gives
// it. An unknown command is an error.
type Host struct {
	mu      sync.Mutex
	Files   map[string]string
	Answers map[string]string   // command line → standard output
	Later   map[string][]string // command line → standard output of the next times, the last one for good
	Status  map[string]int      // command line → exit status, 0 if not named
	Fail    map[string]error    // command line → error
	Log     []string            // every command and every file written, in order
	Closed  int
}

type Status int

func (e Status) Error() string   { return fmt.Sprintf("exit status %d", int(e)) }
func (e Status) ExitStatus() int { return int(e) }

// Line gives a command as one line. A script of assets/sh stands in it by its
// name alone: "stat-files.sh /etc/frr/frr.conf".
func Line(argv ...string) string {
	var out []string
	for i := 0; i < len(argv); i++ {
		if i+3 < len(argv) && argv[i] == "sh" && argv[i+1] == "-c" && strings.HasSuffix(argv[i+3], ".sh") {
			i += 3
		}
		out = append(out, argv[i])
	}
	return strings.Join(out, " ")
}

func (h *Host) ReadFile(_ context.Context, path string) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	data, ok := h.Files[path]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return []byte(data), nil
}

func (h *Host) Query(_ context.Context, argv ...string) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	line := Line(argv...)
	h.Log = append(h.Log, line)
	if err := h.Fail[line]; err != nil {
		return "", err
	}
	out, ok := h.Answers[line]
	if later := h.Later[line]; len(later) > 0 {
		h.Answers[line], h.Later[line] = later[0], later[1:]
	}
	if status := h.Status[line]; status != 0 {
		return out, Status(status)
	}
	if !ok {
		return "", fmt.Errorf("the test gave no answer for %q", line)
	}
	return out, nil
}

func (h *Host) Run(ctx context.Context, argv ...string) error {
	_, err := h.Query(ctx, argv...)
	return err
}

func (h *Host) WriteFile(_ context.Context, path string, data []byte, mode fs.FileMode) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.Log = append(h.Log, fmt.Sprintf("write %s %o", path, mode))
	h.Files[path] = string(data)
	return nil
}

func (h *Host) Close() error {
	h.Closed++
	return nil
}

// Pack is what a reflector's answer is like on its way.
func Pack(t testing.TB, text string) string {
	t.Helper()
	return PackFailed(t, text, 0)
}

// PackFailed is what it is like if the command that printed it ended with that
// exit status.
func PackFailed(t testing.TB, text string, status int) string {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := fmt.Fprintf(z, "%s\n%d", text, status); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(out.Bytes())
}

// Position returns where a command or written file stands in the log.
func Position(t *testing.T, h *Host, prefix string) int {
	t.Helper()
	i := slices.IndexFunc(h.Log, func(l string) bool { return strings.HasPrefix(l, prefix) })
	if i < 0 {
		t.Fatalf("%q was not done:\n%s", prefix, strings.Join(h.Log, "\n"))
	}
	return i
}

// Settled is the command that follows each file that is written, but for its path.
func Settled(owner string) string { return "settle-file.sh " + owner + " " }
