package firewall

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/google/nftables"
	"github.com/google/nftables/userdata"
	"github.com/mdlayher/netlink"
)

// TableName is the name of both tables, of the families inet and arp.
const TableName = "ipfabric"

// Families are those that the agent has a table in.
var Families = []nftables.TableFamily{nftables.TableFamilyINet, nftables.TableFamilyARP}

// A Table is what is in the kernel: the tables of both families, which are
// changed together.
type Table struct {
	opts    Options
	ports   ports
	mu      sync.Mutex // one transaction at a time
	conn    *nftables.Conn
	inet    *part
	arp     *part
	chains  []chain
	print   string
	entries map[Entry]bool // what is in the sets; nil: not known
	had     map[Entry]bool // what was in them when that was last known
	tally   tally
}

// Open prepares the tables. It does not touch the kernel's yet.
func Open(o Options) (*Table, error) {
	// All VMs of a node go to the kernel in one message, or else the tables
	// would not be replaced at once.
	t := &Table{opts: o}
	big := func(c *netlink.Conn) error {
		return errors.Join(c.SetWriteBuffer(16<<20), c.SetReadBuffer(16<<20), t.ports.add(c))
	}
	conn, err := nftables.New(nftables.WithSockOptions(big))
	if err != nil {
		return nil, fmt.Errorf("nftables: %w", err)
	}
	t.conn = conn
	t.inet, t.arp = newParts()
	t.chains = chains(o, t.inet, t.arp)
	// Set IDs are of one transaction only, and not in here yet.
	t.print = fingerprint(t.chains, o.Fabric, t.inet, t.arp)
	return t, nil
}

// part returns what there is in a chain's family.
func (t *Table) part(c chain) *part {
	if c.family == nftables.TableFamilyARP {
		return t.arp
	}
	return t.inet
}

// Forget makes the next Allow look at the kernel's tables again.
func (t *Table) Forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.entries != nil {
		t.had = t.entries
	}
	t.entries = nil
}

// Restore puts the tables back as they were, if another program has removed or
// changed them: what is wanted now takes longer to find out.
func (t *Table) Restore() (changes int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.entries != nil || t.had == nil {
		return 0, nil
	}
	if err := t.look(); err != nil || t.entries != nil {
		return 0, err
	}
	return 1, t.replace(slices.Collect(maps.Keys(t.had)))
}

// Known says whether it is known what is in the kernel's tables. If not, Allow
// may replace all of it, and must get the entries of all VMs.
func (t *Table) Known() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.entries != nil
}

// Allow makes sure that the tables are there with their rules, and that they allow
// what is wanted. It returns how many things it changed. What is no longer
// wanted stays allowed until Trim: first a VM is let in, then set up, then
// the one that it replaced is shut out.
func (t *Table) Allow(want []Entry) (changes int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.entries == nil {
		if err := t.look(); err != nil {
			return 0, err
		}
	}
	if t.entries == nil {
		return 1, t.replace(want)
	}
	var missing []Entry
	for _, e := range want {
		if !t.entries[e] {
			missing = append(missing, e)
		}
	}
	return len(missing), t.change(missing, t.conn.SetAddElements, func(e Entry) { t.entries[e] = true })
}

// Trim removes what is not wanted, except for devices that keep says are to be
// left alone.
func (t *Table) Trim(want []Entry, keep func(device string) bool) (changes int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	wanted := make(map[Entry]bool, len(want))
	for _, e := range want {
		wanted[e] = true
	}
	var extra []Entry
	for e := range t.entries {
		if !wanted[e] && !keep(e.Device) {
			extra = append(extra, e)
		}
	}
	return len(extra), t.change(extra, t.conn.SetDeleteElements, func(e Entry) { delete(t.entries, e) })
}

// change adds or removes entries, all of them or none.
func (t *Table) change(entries []Entry, do func(*nftables.Set, []nftables.SetElement) error, note func(Entry)) error {
	if len(entries) == 0 {
		return nil
	}
	if err := t.queue(entries, do); err != nil {
		return err
	}
	if err := t.conn.Flush(); err != nil {
		t.entries = nil // another program has changed it meanwhile
		return fmt.Errorf("tables inet and arp %s: %w", TableName, err)
	}
	for _, e := range entries {
		note(e)
	}
	return nil
}

// queue puts entries into the next transaction. Netlink counts the bytes of a
// list in 16 bits, so a long one goes in parts.
func (t *Table) queue(entries []Entry, do func(*nftables.Set, []nftables.SetElement) error) error {
	lists := map[*nftables.Set][]nftables.SetElement{}
	for _, e := range entries {
		name, key := e.key()
		element := nftables.SetElement{Key: key}
		lists[t.inet.sets[name]] = append(lists[t.inet.sets[name]], element)
		if e.arp() {
			lists[t.arp.sets[name]] = append(lists[t.arp.sets[name]], element)
		}
	}
	for set, elements := range lists {
		for part := range slices.Chunk(elements, 400) {
			if err := do(set, part); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *Table) queueFabric() error {
	lists := map[string][]nftables.SetElement{}
	for _, a := range t.opts.Fabric {
		name := setFabric4
		if a.Is6() {
			name = setFabric6
		}
		lists[name] = append(lists[name], nftables.SetElement{Key: a.AsSlice()})
	}
	for name, list := range lists {
		for part := range slices.Chunk(list, 400) {
			if err := t.conn.SetAddElements(t.inet.sets[name], part); err != nil {
				return err
			}
		}
	}
	return nil
}

// replace puts new tables in the place of whatever there is, at once.
func (t *Table) replace(want []Entry) error {
	counted, err := t.count()
	if err != nil {
		counted = t.tally.last // counting is no reason to go without rules
	}
	t.inet, t.arp = newParts()
	for _, p := range []*part{t.inet, t.arp} {
		t.conn.AddTable(p.table) // or removing it would fail if there is none
		t.conn.DelTable(p.table)
		t.conn.AddTable(p.table)
		for _, name := range slices.Sorted(maps.Keys(p.sets)) {
			if err := t.conn.AddSet(p.sets[name], nil); err != nil {
				return err
			}
		}
	}
	if err := t.queue(want, t.conn.SetAddElements); err != nil {
		return err
	}
	if err := t.queueFabric(); err != nil {
		return err
	}
	policy := nftables.ChainPolicyAccept
	t.chains = chains(t.opts, t.inet, t.arp)
	t.goOn(counted)
	added := make([]*nftables.Chain, len(t.chains))
	for i, c := range t.chains {
		added[i] = &nftables.Chain{Name: c.name, Table: t.part(c).table}
		if c.hook != nil {
			added[i].Hooknum, added[i].Priority, added[i].Type, added[i].Policy = c.hook, c.priority, nftables.ChainTypeFilter, &policy
		}
		t.conn.AddChain(added[i])
	}
	for i, c := range t.chains {
		for _, r := range c.rules {
			comment := userdata.AppendString(nil, userdata.TypeComment, t.comment(r))
			t.conn.AddRule(&nftables.Rule{Table: added[i].Table, Chain: added[i], Exprs: r.exprs, UserData: comment})
		}
	}
	if err := t.conn.Flush(); err != nil {
		return fmt.Errorf("tables inet and arp %s: %w", TableName, err)
	}
	t.replaced(counted)
	t.entries = make(map[Entry]bool, len(want))
	for _, e := range want {
		t.entries[e] = true
	}
	return nil
}

func (t *Table) comment(r rule) string { return r.text + " (ipfabric " + t.print + ")" }
