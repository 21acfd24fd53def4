//go:build lab

package main

import (
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// BenchmarkLabNoChange compares an init that has nothing to do, verification
// included, with the least that any tool over SSH must do: log in to each host
// and run one command there, all at the same time. Run it on a quiet machine.
func BenchmarkLabNoChange(b *testing.B) {
	f := newFabric(b)
	f.ipfabric(0, "init", "--yes")
	var hosts []string
	for _, name := range []string{"rr1", "rr2", "node1", "node2", "node3"} {
		hosts = append(hosts, address(f, name))
	}
	b.Run("init", func(b *testing.B) {
		for b.Loop() {
			f.ipfabric(0, "init", "--yes")
		}
	})
	b.Run("ssh-true", func(b *testing.B) {
		for b.Loop() {
			var wg sync.WaitGroup
			for _, host := range hosts {
				wg.Add(1)
				go func() {
					defer wg.Done()
					cmd := exec.Command("ssh", "-F", "none", "-i", ".lab/id_ed25519", "-o", "UserKnownHostsFile=.lab/known_hosts", "root@"+host, "true")
					cmd.Dir = filepath.Clean(f.dir)
					if out, err := cmd.CombinedOutput(); err != nil {
						b.Errorf("ssh %s: %v: %s", host, err, out)
					}
				}()
			}
			wg.Wait()
		}
	})
}
