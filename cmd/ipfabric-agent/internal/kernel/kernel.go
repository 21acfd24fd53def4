package kernel

import (
	"fmt"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// A Kernel is the network of the namespace that it was opened in. Its methods
// must not be called at the same time.
type Kernel struct {
	handle *netlink.Handle          // for links, and for all changes
	dumps  map[int]*nl.SocketHandle // for everything else that is looked at
	index  map[string]int           // of links, as last seen
	noAlt  bool                     // this kernel has no alternative names
}

// Open opens the network of the calling thread's namespace.
func Open() (*Kernel, error) {
	handle, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("netlink: %w", err)
	}
	dump, err := nl.GetNetlinkSocketAt(netns.None(), netns.None(), unix.NETLINK_ROUTE)
	if err != nil {
		handle.Close()
		return nil, fmt.Errorf("netlink: %w", err)
	}
	// Lets the kernel leave out what was not asked for: on a node, its main
	// table also holds a BGP route for every VM of the fabric. Kernels before
	// 4.20 cannot; then the rest is dropped here.
	_ = unix.SetsockoptInt(dump.GetFd(), unix.SOL_NETLINK, unix.NETLINK_GET_STRICT_CHK, 1)
	return &Kernel{
		handle: handle,
		dumps:  map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: {Socket: dump}},
		index:  map[string]int{},
	}, nil
}

// Close gives the sockets back.
func (k *Kernel) Close() {
	k.handle.Close()
	k.dumps[unix.NETLINK_ROUTE].Socket.Close()
}
