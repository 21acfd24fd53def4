package host

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"ipfabric/steps/step"
)

// NeighborTables: the kernel's neighbor tables have room for the node's VMs, now
// and after a reboot. Limits that are higher already stay as they are.
type NeighborTables struct {
	VMs int // that the node may have
}

const neighborFile = "/etc/sysctl.d/60-ipfabric-neighbors.conf"

// A VM that answers has an entry for its IPv4 address in one table. In the other
// it has one for its IPv6 address and one for its link-local address, and the
// node two for multicast groups. It may have up to eight for further link-local
// addresses, though a guest uses one at most. The kernel discards old entries
// above half of the limit.
const (
	neighborsPerVM = 8
	leastNeighbors = 16384
	mostNeighbors  = 1 << 20 // about 400 MB
)

func (s NeighborTables) String() string { return "the neighbor tables have room for the VMs" }

func (s NeighborTables) Check(ctx context.Context, r step.Reader) (step.Diff, error) {
	settings, err := s.settings(ctx, r)
	if err != nil || len(settings) == 0 {
		return nil, err
	}
	diff, err := DiffFiles(ctx, r, []File{{Path: neighborFile, Data: s.file(settings), Mode: 0o644}})
	if err != nil {
		return nil, err
	}
	for _, x := range settings {
		if x.have < x.want {
			diff = append(diff, step.Change{Item: "kernel setting " + x.key, Have: strconv.Itoa(x.have), Want: strconv.Itoa(x.want)})
		}
	}
	return diff, nil
}

func (s NeighborTables) Apply(ctx context.Context, h step.Host) error {
	settings, err := s.settings(ctx, h)
	if err != nil || len(settings) == 0 {
		return err
	}
	return setSysctl(ctx, h, neighborFile, s.file(settings))
}

// A neighborSetting is one limit of one table.
type neighborSetting struct {
	key        string
	have, want int
}

// settings are those that the kernel has: in a container it has none, and the
// limits are those of the machine.
func (s NeighborTables) settings(ctx context.Context, r step.Reader) ([]neighborSetting, error) {
	limit := neighborsPerVM * min(max(s.VMs, leastNeighbors/neighborsPerVM), mostNeighbors/neighborsPerVM)
	want := map[string]int{}
	argv := []string{"sysctl", "-e"} // leaves out what there is not
	for _, version := range []string{"ipv4", "ipv6"} {
		for i, value := range []int{limit / 4, limit / 2, limit} {
			key := fmt.Sprintf("net.%s.neigh.default.gc_thresh%d", version, i+1)
			want[key] = value
			argv = append(argv, key)
		}
	}
	out, err := r.Query(ctx, argv...)
	if err != nil {
		return nil, err
	}
	var settings []neighborSetting
	for line := range strings.Lines(out) {
		key, value, _ := strings.Cut(line, "=")
		key = strings.TrimSpace(key)
		have, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil || want[key] == 0 {
			return nil, fmt.Errorf("the answer to %q has the line %q", strings.Join(argv, " "), strings.TrimSpace(line))
		}
		settings = append(settings, neighborSetting{key, have, max(have, want[key])})
	}
	return settings, nil
}

func (s NeighborTables) file(settings []neighborSetting) []byte {
	data := []byte("# Written by ipfabric: room for the neighbors of this node's VMs.\n")
	for _, x := range settings {
		data = fmt.Appendf(data, "%s = %d\n", x.key, x.want)
	}
	return data
}
