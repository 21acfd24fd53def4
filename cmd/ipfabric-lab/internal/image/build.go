package image

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// A job is a script that fills a folder.
type job struct {
	script string
	files  map[string]string // put into the folder first
	env    []string
}

// run runs the job's script in dir. The script is process 1 of a namespace
// and dies with this process, and all that it started and mounted with it: a
// killed build leaves files, nothing else.
func (j job) run(ctx context.Context, dir, log string) error {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	for name, data := range j.files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(data), 0o644); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", j.script)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = dir, out, out, j.env
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:   syscall.CLONE_NEWPID,
		Unshareflags: syscall.CLONE_NEWNS,
		Pdeathsig:    syscall.SIGKILL,
		Setpgid:      true, // Ctrl-C reaches it through ctx
	}
	// The death signal is sent when the thread that started the process ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err = cmd.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("building it: %v; the log ends with:\n%s", err, tail(log, 8))
	}
	return nil
}

// tail returns the last lines of a file, indented.
func tail(name string, n int) string {
	data, _ := os.ReadFile(name)
	lines := strings.Split(string(bytes.TrimSpace(data)), "\n")
	lines = lines[max(0, len(lines)-n):]
	return "    " + strings.Join(lines, "\n    ")
}
