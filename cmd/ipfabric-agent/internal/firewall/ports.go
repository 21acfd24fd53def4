package firewall

import (
	"fmt"
	"slices"
	"sync"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// ports are the netlink ports of the last sockets that the agent has talked to
// nftables with: the kernel names the port that a change came from. Each port
// is used for one question only, and it takes billions of them until the kernel
// gives the same one to another program.
type ports struct {
	mu   sync.Mutex
	last [256]uint32
	next int
}

func (p *ports) add(c *netlink.Conn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var name unix.Sockaddr
	var failed error
	if err := raw.Control(func(fd uintptr) { name, failed = unix.Getsockname(int(fd)) }); err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	own, ok := name.(*unix.SockaddrNetlink)
	if !ok {
		return fmt.Errorf("a netlink socket is named %T", name)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last[p.next] = own.Pid
	p.next = (p.next + 1) % len(p.last)
	return nil
}

// Ours says whether a change came from the agent.
func (t *Table) Ours(port uint32) bool {
	t.ports.mu.Lock()
	defer t.ports.mu.Unlock()
	return port != 0 && slices.Contains(t.ports.last[:], port)
}
