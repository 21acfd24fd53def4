package remote

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"sync"
)

// output collects one of a command's outputs, up to maxOutput.
type output struct {
	marker string
	onFull func()
	wrote  chan struct{} // gets a value after a write
	marked chan struct{} // closed once the marker's line is there, or will never be

	mu   sync.Mutex
	buf  bytes.Buffer
	over bool
	done bool // marked is closed
}

func newOutput(marker string, onFull func()) *output {
	return &output{marker: marker, onFull: onFull, wrote: make(chan struct{}, 1), marked: make(chan struct{})}
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
	defer func() {
		select {
		case o.wrote <- struct{}{}:
		default:
		}
	}()
	n, err := o.buf.Write(p)
	if !o.done {
		if _, _, _, ok := splitAt(o.buf.Bytes(), o.marker); ok {
			o.mark()
		}
	}
	return n, err
}

// end says that nothing more will come.
func (o *output) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.mark()
}

func (o *output) mark() {
	if !o.done {
		o.done = true
		close(o.marked)
	}
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

// split divides the output at the marker's line into what came before it, the process group in
// it, and the command's own output.
func (o *output) split() (before []byte, group int, after []byte, ok bool) {
	return splitAt(o.bytes(), o.marker)
}

func splitAt(all []byte, marker string) (before []byte, group int, after []byte, ok bool) {
	for rest := all; ; {
		_, found, ok := bytes.Cut(rest, []byte(marker))
		if !ok {
			return all, 0, nil, false
		}
		line, after, ok := bytes.Cut(found, []byte("\n"))
		number := strings.TrimSpace(string(line))
		group, err := strconv.Atoi(number)
		if ok && (err == nil || number == "") {
			return all[:len(all)-len(found)-len(marker)], group, after, true
		}
		rest = found // sudo has printed the command that it refuses, which has the marker in it
	}
}
