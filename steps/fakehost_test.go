package steps

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"sync"
)

// A fakeHost holds files in memory and answers the commands that a test gives
// it. An unknown command is an error.
type fakeHost struct {
	mu      sync.Mutex
	files   map[string]string
	answers map[string]string // command line → standard output
	status  map[string]int    // command line → exit status, 0 if not named
	fail    map[string]error  // command line → error
	log     []string          // every command and every file written, in order
	closed  int
}

type fakeStatus int

func (e fakeStatus) Error() string   { return fmt.Sprintf("exit status %d", int(e)) }
func (e fakeStatus) ExitStatus() int { return int(e) }

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

func (h *fakeHost) ReadFile(_ context.Context, path string) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	data, ok := h.files[path]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return []byte(data), nil
}

func (h *fakeHost) Query(_ context.Context, argv ...string) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	line := Line(argv...)
	h.log = append(h.log, line)
	if err := h.fail[line]; err != nil {
		return "", err
	}
	out, ok := h.answers[line]
	if status := h.status[line]; status != 0 {
		return out, fakeStatus(status)
	}
	if !ok {
		return "", fmt.Errorf("the test gave no answer for %q", line)
	}
	return out, nil
}

func (h *fakeHost) Run(ctx context.Context, argv ...string) error {
	_, err := h.Query(ctx, argv...)
	return err
}

func (h *fakeHost) WriteFile(_ context.Context, path string, data []byte, mode fs.FileMode) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.log = append(h.log, fmt.Sprintf("write %s %o", path, mode))
	h.files[path] = string(data)
	return nil
}

func (h *fakeHost) Close() error {
	h.closed++
	return nil
}
