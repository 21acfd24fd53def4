package kernel

import (
	"fmt"
	"strings"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// A NeighborTable is the kernel's table of the neighbors of one family, in all
// network namespaces.
type NeighborTable struct {
	Name    string // "arp_cache" for IPv4, "ndisc_cache" for IPv6
	Family  string // "4" or "6"
	Sysctl  string // the limit's, such as "net.ipv4.neigh.default.gc_thresh3"
	Entries int    // permanent ones too, which do not count for the limit since Linux 5.0
	Limit   int
	Full    uint64 // how often the kernel has refused a neighbor since boot
}

// Attributes and structures of RTM_GETNEIGHTBL (linux/neighbour.h).
const (
	ndtaName, ndtaThresh3, ndtaConfig, ndtaStats = 1, 4, 5, 7

	ndtmsgLen   = 4
	configCount = 4      // struct ndt_config: entries
	statsFull   = 10 * 8 // struct ndt_stats: table_fulls, since Linux 4.3
)

// NeighborTables returns those of IPv4 and, if the kernel has IPv6, of IPv6.
func NeighborTables() ([]NeighborTable, error) {
	// The sysctls and /proc/net/stat say the same, but not in a container.
	msgs, err := Again(func() ([][]byte, error) {
		req := nl.NewNetlinkRequest(unix.RTM_GETNEIGHTBL, unix.NLM_F_DUMP)
		req.AddData(&nl.RtGenMsg{RtGenmsg: unix.RtGenmsg{Family: unix.AF_UNSPEC}})
		return req.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWNEIGHTBL)
	})
	if err != nil {
		return nil, fmt.Errorf("the neighbor tables: %w", err)
	}
	var out []NeighborTable
	known := map[string]bool{}
	for _, m := range msgs {
		if len(m) < ndtmsgLen {
			continue
		}
		attrs, err := nl.ParseRouteAttr(m[ndtmsgLen:])
		if err != nil {
			return nil, err
		}
		table := NeighborTable{Name: nl.BytesToString(value(attrs, ndtaName)), Limit: number(attrs, ndtaThresh3)}
		config, stats := value(attrs, ndtaConfig), value(attrs, ndtaStats)
		version := map[string]string{"arp_cache": "ipv4", "ndisc_cache": "ipv6"}[table.Name]
		// Settings of single interfaces have neither. With many of them the kernel
		// says more than once what the table has.
		if version == "" || len(config) < configCount+4 || len(stats) < statsFull+8 || known[table.Name] {
			continue
		}
		known[table.Name] = true
		table.Family = strings.TrimPrefix(version, "ipv")
		table.Sysctl = "net." + version + ".neigh.default.gc_thresh3"
		table.Entries = int(nl.NativeEndian().Uint32(config[configCount:]))
		table.Full = nl.NativeEndian().Uint64(stats[statsFull:])
		out = append(out, table)
	}
	return out, nil
}
