package frr

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"ipfabric/inventory/vm"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Socket is where bgpd listens for commands.
const Socket = "/var/run/frr/bgpd.vty"

// ErrNotRunning says that no bgpd answers.
var ErrNotRunning = errors.New("bgpd is not running")

// Sessions returns all sessions, by peer and family. The deadline is ctx's, or
// two seconds.
func Sessions(ctx context.Context, socket string) ([]vm.Session, error) {
	out, err := ask(ctx, socket, "show bgp summary json")
	if err != nil {
		return nil, err
	}
	return parseSummary(out)
}

// maxAnswer is more than the summary of any node: one line per reflector.
const maxAnswer = 4 << 20

// ask sends one command. bgpd's answer ends with three zero bytes and a status
// (FRR, lib/vty.c vtysh_read and vtysh/vtysh.c vtysh_client_run).
func ask(ctx context.Context, socket, command string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, ErrNotRunning
	}
	if err != nil {
		return nil, fmt.Errorf("bgpd: %w", err)
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, err
	}
	if _, err := conn.Write(append([]byte(command), 0)); err != nil {
		return nil, fmt.Errorf("bgpd: %w", err)
	}
	var answer []byte
	buf := make([]byte, 16<<10)
	for {
		n, err := conn.Read(buf)
		answer = append(answer, buf[:n]...)
		if text, status, ok := complete(answer); ok {
			if status != 0 {
				return nil, fmt.Errorf("bgpd: %q: %s (status %d)", command, strings.TrimSpace(string(text)), status)
			}
			return text, nil
		}
		if err != nil {
			return nil, fmt.Errorf("bgpd does not answer: %w", err)
		}
		if len(answer) > maxAnswer {
			return nil, fmt.Errorf("bgpd: the answer to %q does not end", command)
		}
	}
}

// complete says whether an answer is all there.
func complete(answer []byte) (text []byte, status byte, ok bool) {
	n := len(answer)
	if n < 4 || !bytes.Equal(answer[n-4:n-1], []byte{0, 0, 0}) {
		return nil, 0, false
	}
	return answer[:n-4], answer[n-1], true
}

// families are the address families by the key that bgpd gives them.
var families = map[string]string{
	"ipv4Unicast": "ipv4-unicast",
	"ipv6Unicast": "ipv6-unicast",
	"l2VpnEvpn":   "l2vpn-evpn",
}

type summary struct {
	Peers map[string]struct {
		Desc       string `json:"desc"`
		State      string `json:"state"`
		UptimeMsec int64  `json:"peerUptimeMsec"`
		PfxRcd     int    `json:"pfxRcd"`
		PfxSnt     *int   `json:"pfxSnt"`
	} `json:"peers"`
}

func parseSummary(data []byte) ([]vm.Session, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		// bgpd without a configuration answers in plain words.
		if text := strings.TrimSpace(string(data)); text == "" || strings.Contains(text, "not found") {
			return nil, nil
		}
		return nil, fmt.Errorf("bgpd's summary: %v", err)
	}
	var out []vm.Session
	for key, family := range families {
		raw, ok := all[key]
		if !ok {
			continue
		}
		var s summary
		if err := json.Unmarshal(raw, &s); err != nil {
			return nil, fmt.Errorf("bgpd's summary: %s: %v", key, err)
		}
		for peer, p := range s.Peers {
			session := vm.Session{
				Peer: peer, Name: p.Desc, Family: family, State: p.State,
				UptimeSec: p.UptimeMsec / 1000, Received: p.PfxRcd, Sent: -1,
				Established: p.State == "Established",
			}
			if p.PfxSnt != nil {
				session.Sent = *p.PfxSnt
			}
			out = append(out, session)
		}
	}
	slices.SortFunc(out, func(a, b vm.Session) int {
		return cmp.Or(strings.Compare(a.Family, b.Family), strings.Compare(a.Peer, b.Peer))
	})
	return out, nil
}
