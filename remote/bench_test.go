package remote

import (
	"context"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// atOnce runs f n times at the same time.
func atOnce(n int, f func(int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			f(i)
		}()
	}
	wg.Wait()
}

const fabric = 5 // hosts

func startFabric(b *testing.B) []*server {
	b.Helper()
	servers := make([]*server, fabric)
	for i := range servers {
		servers[i] = startSSHD(b)
	}
	return servers
}

// BenchmarkFabricSSH is the yardstick: `ssh HOST true` on five hosts at once.
func BenchmarkFabricSSH(b *testing.B) {
	servers := startFabric(b)
	var known strings.Builder
	for _, s := range servers {
		known.WriteString(s.knownLine())
	}
	file := filepath.Join(b.TempDir(), "known_hosts")
	writeFile(b, file, known.String())
	for b.Loop() {
		atOnce(fabric, func(i int) {
			s := servers[i]
			out, err := exec.Command("ssh", "-F", "none", "-i", s.key, "-o", "IdentitiesOnly=yes", "-o", "UserKnownHostsFile="+file,
				"-p", strconv.Itoa(s.port), s.user+"@"+s.address, "true").CombinedOutput()
			if err != nil {
				b.Errorf("%v: %s", err, out)
			}
		})
	}
}

// BenchmarkFabricNoChange is a run that finds nothing to do: each of five hosts is connected to and
// asked twelve questions at once, half of them commands, half files.
func BenchmarkFabricNoChange(b *testing.B) {
	servers := startFabric(b)
	for b.Loop() {
		c := newClient(b, Config{}, servers...)
		atOnce(fabric, func(i int) {
			h := c.Host(servers[i].target())
			atOnce(12, func(i int) { ask(b.Context(), b, h, i) })
		})
		c.Close()
	}
}

func ask(ctx context.Context, b *testing.B, h *Host, i int) {
	var err error
	if i%2 == 0 {
		_, err = h.Query(ctx, "true")
	} else {
		_, err = h.ReadFile(ctx, "/etc/passwd")
	}
	if err != nil {
		b.Error(err)
	}
}

// BenchmarkConnect connects and asks nothing.
func BenchmarkConnect(b *testing.B) {
	_, h := connect(b)
	for b.Loop() {
		if err := h.Open(b.Context()); err != nil {
			b.Fatal(err)
		}
		h.Close()
	}
}

// BenchmarkQuery asks one question over an open connection.
func BenchmarkQuery(b *testing.B) {
	_, h := connect(b)
	for b.Loop() {
		ask(b.Context(), b, h, 0)
	}
}

// BenchmarkReadFile reads a short file over an open connection: by SFTP as ReadFile does, and with
// cat, to see that SFTP is the cheaper way.
func BenchmarkReadFile(b *testing.B) {
	_, h := connect(b)
	b.Run("sftp", func(b *testing.B) {
		for b.Loop() {
			ask(b.Context(), b, h, 1)
		}
	})
	b.Run("cat", func(b *testing.B) {
		for b.Loop() {
			if _, err := h.Query(b.Context(), "cat", "/etc/passwd"); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkUpload writes 20 MB.
func BenchmarkUpload(b *testing.B) {
	_, h := connect(b)
	data := make([]byte, 20<<20)
	fill(data)
	file := filepath.Join(b.TempDir(), "file")
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		data[0]++ // or it would find the file there
		if err := h.WriteFile(b.Context(), file, data, 0o755); err != nil {
			b.Fatal(err)
		}
	}
}
