package remote

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A proxy is a way to a server that can be disturbed.
type proxy struct {
	*server // at the proxy's address

	mu     sync.Mutex
	frozen bool
	thaw   *sync.Cond
	conns  []net.Conn
	count  int // of connections so far
	begun  int // connections on which the client has begun its handshake
	passed int // bytes to the server
	most   int // bytes to the server after which the proxy freezes; 0 is never
	pieces int // in which they came
}

// startProxy puts a proxy in front of a server.
func startProxy(tb testing.TB, s *server) *proxy {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	at := *s
	at.port = l.Addr().(*net.TCPAddr).Port
	p := &proxy{server: &at}
	p.thaw = sync.NewCond(&p.mu)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			up, err := net.Dial("tcp", s.addr())
			if err != nil {
				c.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, c, up)
			p.count++
			p.mu.Unlock()
			go p.copy(up, c, true)
			go p.copy(c, up, false)
		}
	}()
	tb.Cleanup(func() { l.Close(); p.melt(); p.sever() })
	return p
}

func (p *proxy) copy(to, from net.Conn, up bool) {
	defer to.Close()
	first := up
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		p.mu.Lock()
		if first && n > 0 {
			p.begun++
			first = false
		}
		for p.frozen {
			p.thaw.Wait()
		}
		if up {
			p.passed += n
			p.frozen = p.frozen || p.most > 0 && p.passed > p.most
			p.pieces++
		}
		p.mu.Unlock()
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// freeze lets nothing through any more, as if the host had lost its power.
func (p *proxy) freeze() { p.mu.Lock(); p.frozen = true; p.mu.Unlock() }

func (p *proxy) melt() { p.mu.Lock(); p.frozen = false; p.mu.Unlock(); p.thaw.Broadcast() }

// sever closes all connections.
func (p *proxy) sever() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

func (p *proxy) connections() int { p.mu.Lock(); defer p.mu.Unlock(); return p.count }

// handshakes is how many connections the client has spoken on so far.
func (p *proxy) handshakes() int { p.mu.Lock(); defer p.mu.Unlock(); return p.begun }

func (p *proxy) sent() int { p.mu.Lock(); defer p.mu.Unlock(); return p.passed }

// waitForPieces waits until the client has sent so many more packets, such as signs of life.
func (p *proxy) waitForPieces(tb testing.TB, n int) {
	tb.Helper()
	pieces := func() int { p.mu.Lock(); defer p.mu.Unlock(); return p.pieces }
	until := pieces() + n
	waitFor(tb, "signs of life", func() bool { return pieces() >= until })
}

// silent listens and never says a word.
func silent(tb testing.TB) int {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go io.Copy(io.Discard, c)
		}
	}()
	tb.Cleanup(func() { l.Close() })
	return l.Addr().(*net.TCPAddr).Port
}

// dropping returns a local port that answers no packet, like a machine that is
// off: a socket that listens with a full queue drops what comes.
func dropping(tb testing.TB) int {
	tb.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		tb.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		tb.Fatal(err)
	}
	at, err := unix.Getsockname(fd)
	if err != nil {
		tb.Fatal(err)
	}
	port := at.(*unix.SockaddrInet4).Port
	for { // until the queue is full
		c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), 200*time.Millisecond)
		if err != nil {
			return port
		}
		tb.Cleanup(func() { c.Close() })
	}
}

// has fails the test unless the text contains all of those parts.
func has(tb testing.TB, text string, parts ...string) {
	tb.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			tb.Errorf("%q\nis not in\n%s", p, text)
		}
	}
}
