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
	"time"
)

// A pinger pings every 10 ms until it is stopped.
type pinger struct {
	f    *fabric
	cmd  *exec.Cmd
	in   io.Closer
	out  bytes.Buffer
	what string
}

func (f *fabric) startPing(machine, guest, addr string) *pinger {
	f.t.Helper()
	enter := ""
	if guest != "" {
		enter = "ip netns exec " + guest + " "
	}
	p := &pinger{f: f, what: fmt.Sprintf("%s %s to %s", machine, guest, addr)}
	// It ends when its standard input does.
	p.cmd = f.command("ipfabric-lab", "ssh", machine, enter+"ping -D -n -i 0.01 "+addr+" & cat >/dev/null; sleep 0.5; kill -INT $!; wait")
	in, err := p.cmd.StdinPipe()
	if err != nil {
		f.t.Fatal(err)
	}
	p.in, p.cmd.Stdout, p.cmd.Stderr = in, &p.out, &p.out
	if err := p.cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	time.Sleep(time.Second) // of pings before whatever comes
	return p
}

var reply = regexp.MustCompile(`\[(\d+\.\d+)\].* icmp_seq=(\d+) ttl`)

// stop ends it and returns how many replies are missing before the last that
// came.
func (p *pinger) stop() int {
	p.f.t.Helper()
	time.Sleep(time.Second) // of pings after it
	p.in.Close()
	_ = p.cmd.Wait() // of interest is what it printed
	seen := p.replies()
	last := 0
	for n := range seen {
		last = max(n, last)
	}
	if last < 100 {
		p.f.t.Fatalf("%s: only %d replies:\n%s", p.what, last, tail(p.out.String()))
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
