package ui

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	keepLogs    = 50 // log files of each command in the state folder
	keepRecords = 8  // last records of each host, for a failure's text
)

// A RunLog is the log of one run: everything that was said, done and asked of
// the hosts. Until it is opened it only remembers each host's last records.
type RunLog struct {
	mu     sync.Mutex
	w      io.Writer // masks secrets
	file   *os.File
	Path   string
	recent map[string][]string
}

func newRunLog() *RunLog { return &RunLog{w: io.Discard, recent: map[string][]string{}} }

// OpenIn starts a log file for a command in the folder of logs, and removes
// the oldest of more than keepLogs of that command.
func (l *RunLog) OpenIn(dir, command string, mask *Masker) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	base := time.Now().UTC().Format("20060102T150405.000Z") + "-" + command
	for i := 1; ; i++ {
		name := base + ".log"
		if i > 1 {
			name = fmt.Sprintf("%s-%d.log", base, i)
		}
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
		if errors.Is(err, os.ErrExist) && i < 100 {
			continue
		}
		if err != nil {
			return err
		}
		l.start(f, mask)
		pruneLogs(dir, command)
		return nil
	}
}

// OpenFile appends to the file that --log-file names. One that is there keeps
// its content and loses what others may do with it.
func (l *RunLog) OpenFile(path string, mask *Masker) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() { // not /dev/stderr
		err = f.Chmod(0o600)
	}
	if err != nil {
		f.Close()
		return err
	}
	l.start(f, mask)
	return nil
}

func (l *RunLog) start(f *os.File, mask *Masker) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.file, l.w, l.Path = f, mask.writer(f), f.Name()
}

// Record adds one record. A full disk must not end a run: what cannot be
// written is lost.
func (l *RunLog) Record(host, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	l.mu.Lock()
	defer l.mu.Unlock()
	if host == "" {
		host = "-"
	}
	now := time.Now()
	recent := append(l.recent[host], now.Format("15:04:05.000 ")+text)
	l.recent[host] = recent[max(0, len(recent)-keepRecords):]
	text = strings.ReplaceAll(text, "\n", "\n    ")
	fmt.Fprintf(l.w, "%s %s  %s\n", now.UTC().Format("2006-01-02T15:04:05.000Z"), host, text)
}

// Last returns the last records of a host, oldest first.
func (l *RunLog) Last(host string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.recent[host]...)
}

// Close closes the log file; later records are lost.
func (l *RunLog) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		l.file.Close()
		l.w = io.Discard
	}
}

// LogDir is where the XDG base directory specification puts logs.
func LogDir(env LookupEnv) (string, error) {
	if dir, _ := env("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "ipfabric", "log"), nil
	}
	home, _ := env("HOME")
	if home == "" {
		return "", errors.New("HOME is not set")
	}
	return filepath.Join(home, ".local", "state", "ipfabric", "log"), nil
}

// pruneLogs removes the oldest logs of a command: a loop around `vm list` must not push out
// those of init. Their names sort by time, and other files in the folder are not its business.
func pruneLogs(dir, command string) {
	logs, err := filepath.Glob(filepath.Join(dir, "[0-9]*Z-"+command+"*.log"))
	if err != nil {
		return
	}
	logs = slices.DeleteFunc(logs, func(path string) bool { return logCommand(path) != command })
	if len(logs) <= keepLogs {
		return
	}
	slices.Sort(logs)
	for _, old := range logs[:len(logs)-keepLogs] {
		_ = os.Remove(old)
	}
}

// logCommand is the command in the name of a log: STAMPZ-COMMAND.log, and STAMPZ-COMMAND-2.log
// for a second run in the same millisecond.
func logCommand(path string) string {
	_, name, _ := strings.Cut(strings.TrimSuffix(filepath.Base(path), ".log"), "Z-")
	if i := strings.LastIndexByte(name, '-'); i > 0 && strings.Trim(name[i+1:], "0123456789") == "" {
		return name[:i]
	}
	return name
}
