package guest

import (
	"context"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// Wait returns nil as soon as a packet comes from the guest behind that link. It returns an error if the link goes away or down, and ctx's if
// ctx is done.
func Wait(ctx context.Context, device string) error {
	link, err := net.InterfaceByName(device)
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("packet socket: %w", err)
	}
	f := os.NewFile(uintptr(fd), "packet")
	defer f.Close()
	// The socket takes nothing before it is bound to the link: protocol 0.
	all := uint16(unix.ETH_P_ALL<<8 | unix.ETH_P_ALL>>8) // in network byte order
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: link.Index}); err != nil {
		return fmt.Errorf("packet socket: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { f.Close() })
	defer stop()
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	for {
		from, err := receive(conn)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("packet socket: %w", err)
		}
		if from.Pkttype != unix.PACKET_OUTGOING { // those are the node's own
			return nil
		}
	}
}

// rawConn is the one method of syscall.RawConn that is needed.
type rawConn interface {
	Read(func(fd uintptr) (done bool)) error
}

func receive(conn rawConn) (*unix.SockaddrLinklayer, error) {
	var from unix.Sockaddr
	var failed error
	var buf [64]byte // the packet's address says enough
	err := conn.Read(func(fd uintptr) bool {
		_, from, failed = unix.Recvfrom(int(fd), buf[:], 0)
		return failed != unix.EAGAIN
	})
	if err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, failed
	}
	link, ok := from.(*unix.SockaddrLinklayer)
	if !ok {
		return nil, fmt.Errorf("a packet came from %T", from)
	}
	return link, nil
}
