package remote

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"sync"
)

// output collects what a command prints, up to maxOutput.
type output struct {
	onFull func()
	wrote  chan struct{} // gets a value after a write

	mu   sync.Mutex
	buf  bytes.Buffer
	over bool
}

func newOutput(onFull func()) *output {
	return &output{onFull: onFull, wrote: make(chan struct{}, 1)}
}

var errFull = errors.New("too much output")

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.buf.Len()+len(p) > maxOutput {
		o.over = true
		o.onFull()
		return 0, errFull
	}
	select {
	case o.wrote <- struct{}{}:
	default:
	}
	return o.buf.Write(p)
}

func (o *output) full() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.over
}

func (o *output) bytes() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Bytes()
}

// split divides the output at the marker line: what came before it, the process ID that it
// says, and the command's own output.
func (o *output) split(marker string) (before []byte, pid int, after []byte, ok bool) {
	all := o.bytes()
	before, rest, ok := bytes.Cut(all, []byte(marker))
	if !ok {
		return all, 0, nil, false
	}
	line, after, ok := bytes.Cut(rest, []byte("\n"))
	if !ok {
		return all, 0, nil, false
	}
	pid, _ = strconv.Atoi(strings.TrimSpace(string(line)))
	return before, pid, after, true
}
