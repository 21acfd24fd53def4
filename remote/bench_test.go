package remote

import (
	"context"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
)

// BenchmarkSSH is the yardstick: one `ssh HOST true`.
func BenchmarkSSH(b *testing.B) {
	s := startSSHD(b)
	known := filepath.Join(s.dir, "known")
	writeFile(b, known, s.knownLine())
	for b.Loop() {
		out, err := exec.Command("ssh", "-F", "none", "-i", s.key, "-o", "UserKnownHostsFile="+known, "-o", "IdentitiesOnly=yes",
			"-p", strconv.Itoa(s.port), s.user+"@"+s.address, "true").CombinedOutput()
		if err != nil {
			b.Fatalf("%v: %s", err, out)
		}
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
		if _, err := h.Query(b.Context(), "true"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReadFile reads a short file over an open connection: by SFTP as ReadFile does, and with
// cat, to see that SFTP is the cheaper way.
func BenchmarkReadFile(b *testing.B) {
	_, h := connect(b)
	b.Run("sftp", func(b *testing.B) {
		for b.Loop() {
			if _, err := h.ReadFile(b.Context(), "/etc/passwd"); err != nil {
				b.Fatal(err)
			}
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

// BenchmarkNoChange is a run that finds nothing to do: connect and ask 12 questions at once, of
// which 6 are files.
func BenchmarkNoChange(b *testing.B) {
	_, h := connect(b)
	for b.Loop() {
		noChange(b.Context(), b, h)
	}
}

func noChange(ctx context.Context, b *testing.B, h *Host) {
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			var err error
			if i%2 == 0 {
				_, err = h.Query(ctx, "true")
			} else {
				_, err = h.ReadFile(ctx, "/etc/passwd")
			}
			if err != nil {
				b.Error(err)
			}
		}()
	}
	wg.Wait()
	h.Close()
}
