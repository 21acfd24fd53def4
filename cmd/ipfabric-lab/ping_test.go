//go:build lab

package main

import (
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A pinger pings every 10 ms until it is stopped.
type pinger struct {
	f     *fabric
	cmd   *exec.Cmd
	in    io.Closer
	out   lockedBuffer
	what  string
	until int // the reply that stopPings waits for
}

// A route to be pinged: from a machine, or from the guest of a VM on it.
type route struct{ machine, guest, addr string }

// around is how many replies each pinger gets before and after what happens
// between startPings and stopPings: one second's.
const around = 100

// startPings starts a pinger for each route, and returns when all get replies.
func (f *fabric) startPings(routes ...route) []*pinger {
	f.t.Helper()
	var all []*pinger
	for _, r := range routes {
		all = append(all, f.startPing(r))
	}
	for _, p := range all {
		p.waitFor(around)
	}
	return all
}

// stopPings ends pingers once all of them have got further replies. Then their
// lost tells how many are missing.
func stopPings(all []*pinger) {
	for _, p := range all {
		p.f.t.Helper()
		p.until = p.last() + around
	}
	for _, p := range all {
		p.waitFor(p.until)
	}
	for _, p := range all {
		p.in.Close()
	}
	for _, p := range all {
		_ = p.cmd.Wait() // of interest is what it printed
	}
}

func (f *fabric) startPing(r route) *pinger {
	f.t.Helper()
	enter := ""
	if r.guest != "" {
		enter = "ip netns exec " + r.guest + " "
	}
	p := &pinger{f: f, what: fmt.Sprintf("%s %s to %s", r.machine, r.guest, r.addr)}
	// It ends when its standard input does.
	p.cmd = f.command("ipfabric-lab", "ssh", r.machine, enter+"ping -D -n -i 0.01 "+r.addr+" & cat >/dev/null; kill -INT $!; wait")
	in, err := p.cmd.StdinPipe()
	if err != nil {
		f.t.Fatal(err)
	}
	p.in, p.cmd.Stdout, p.cmd.Stderr = in, &p.out, &p.out
	if err := p.cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	return p
}

var reply = regexp.MustCompile(`\[(\d+\.\d+)\].* icmp_seq=(\d+) ttl`)

// waitFor returns when the reply to a ping has come, or to a later one.
func (p *pinger) waitFor(n int) {
	p.f.t.Helper()
	waitEvery(p.f.t, 20*time.Millisecond, 30*time.Second, fmt.Sprintf("%s: reply %d", p.what, n), func() bool { return p.last() >= n })
}

// last is the number of the ping that was replied to last.
func (p *pinger) last() int {
	text := p.out.String()
	found := reply.FindAllStringSubmatch(text[max(0, len(text)-4096):], -1)
	if len(found) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(found[len(found)-1][2])
	return n
}

// lost is how many replies are missing before the last that came.
func (p *pinger) lost() int {
	seen, last := p.replies(), 0
	for n := range seen {
		last = max(n, last)
	}
	return last - len(seen)
}

// replies are the times at which each reply came.
func (p *pinger) replies() map[int]time.Time {
	seen := map[int]time.Time{}
	for _, m := range reply.FindAllStringSubmatch(p.out.String(), -1) {
		at, _ := strconv.ParseFloat(m[1], 64)
		n, _ := strconv.Atoi(m[2])
		seen[n] = time.Unix(0, int64(at*1e9))
	}
	return seen
}

// gaps says when replies were missing, after a certain time.
func (p *pinger) gaps(since time.Time) string {
	seen := p.replies()
	var numbers []int
	for n := range seen {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	var out []string
	for i := 1; i < len(numbers); i++ {
		from, to := numbers[i-1], numbers[i]
		if to > from+1 {
			out = append(out, fmt.Sprintf("%d from %.2f to %.2f s", to-from-1, seen[from].Sub(since).Seconds(), seen[to].Sub(since).Seconds()))
		}
	}
	return strings.Join(out, ", ")
}

// lockedBuffer is what a program has printed so far.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
