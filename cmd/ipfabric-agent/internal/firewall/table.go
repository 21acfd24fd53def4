package firewall

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// TableName is the table's name; its family is inet.
const TableName = "ipfabric"

// A Table is the table in the kernel.
type Table struct {
	opts    Options
	ports   ports
	mu      sync.Mutex // one transaction at a time
	conn    *nftables.Conn
	table   *nftables.Table
	sets    map[string]*nftables.Set
	chains  []chain
	print   string
	entries map[Entry]bool // what is in the sets; nil: not known
	had     map[Entry]bool // what was in them when that was last known
	tally   tally
}

// Open prepares the table. It does not touch the kernel's yet.
func Open(o Options) (*Table, error) {
	// All VMs of a node go to the kernel in one message, or else the table
	// would not be replaced at once.
	t := &Table{opts: o, table: &nftables.Table{Name: TableName, Family: nftables.TableFamilyINet}}
	big := func(c *netlink.Conn) error {
		return errors.Join(c.SetWriteBuffer(16<<20), c.SetReadBuffer(16<<20), t.ports.add(c))
	}
	conn, err := nftables.New(nftables.WithSockOptions(big))
	if err != nil {
		return nil, fmt.Errorf("nftables: %w", err)
	}
	t.conn = conn
	t.sets = t.newSets()
	t.chains = t.newChains()
	// Set IDs are of one transaction only, and not in here yet.
	t.print = fingerprint(t.chains, o.Fabric)
	return t, nil
}

func (t *Table) newSets() map[string]*nftables.Set {
	concat := nftables.MustConcatSetType
	out := map[string]*nftables.Set{}
	for _, s := range []*nftables.Set{
		{Name: setVMs, KeyType: nftables.TypeIFName},
		{Name: setSources4, KeyType: concat(nftables.TypeIFName, nftables.TypeIPAddr)},
		{Name: setSources6, KeyType: concat(nftables.TypeIFName, nftables.TypeIP6Addr)},
		// Nobody can change these two once there are rules that use them.
		{Name: setFabric4, KeyType: nftables.TypeIPAddr, Constant: true},
		{Name: setFabric6, KeyType: nftables.TypeIP6Addr, Constant: true},
		{Name: setOffenders, KeyType: nftables.TypeIFName, Dynamic: true, HasTimeout: true, Timeout: memory, Size: 65535},
	} {
		s.Table = t.table
		if s.KeyType == nftables.TypeIFName {
			s.KeyByteOrder = binaryutil.NativeEndian
		}
		out[s.Name] = s
	}
	return out
}

func (t *Table) newChains() []chain {
	in := func(set string, invert bool) expr.Any {
		return &expr.Lookup{SourceRegister: 1, SetName: set, SetID: t.sets[set].ID, Invert: invert}
	}
	update := func() expr.Any {
		return &expr.Dynset{
			SrcRegKey: 1,
			SetName:   setOffenders,
			SetID:     t.sets[setOffenders].ID,
			Operation: unix.NFT_DYNSET_OP_UPDATE,
			Exprs:     []expr.Any{&expr.Counter{}},
		}
	}
	return chains(t.opts, in, update)
}

// Forget makes the next Allow look at the kernel's table again.
func (t *Table) Forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.entries != nil {
		t.had = t.entries
	}
	t.entries = nil
}

// Restore puts the table back as it was, if somebody has removed or changed it:
// what is wanted now takes longer to find out.
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

// Known says whether it is known what is in the kernel's table. If not, Allow
// may replace all of it, and must get the entries of all VMs.
func (t *Table) Known() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.entries != nil
}

// Allow makes sure that the table is there with its rules, and that it allows
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
		t.entries = nil // somebody has changed it meanwhile
		return fmt.Errorf("table inet %s: %w", TableName, err)
	}
	for _, e := range entries {
		note(e)
	}
	return nil
}

// queue puts entries into the next transaction. Netlink counts the bytes of a
// list in 16 bits, so a long one goes in parts.
func (t *Table) queue(entries []Entry, do func(*nftables.Set, []nftables.SetElement) error) error {
	lists := map[string][]nftables.SetElement{}
	for _, e := range entries {
		name, key := e.key()
		lists[name] = append(lists[name], nftables.SetElement{Key: key})
	}
	for _, name := range []string{setVMs, setSources4, setSources6} {
		for part := range slices.Chunk(lists[name], 400) {
			if err := do(t.sets[name], part); err != nil {
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
			if err := t.conn.SetAddElements(t.sets[name], part); err != nil {
				return err
			}
		}
	}
	return nil
}

// replace puts a new table in the place of whatever there is, at once.
func (t *Table) replace(want []Entry) error {
	counted, err := t.count()
	if err != nil {
		counted = t.tally.last // counting is no reason to go without rules
	}
	t.conn.AddTable(t.table) // or removing it would fail if there is none
	t.conn.DelTable(t.table)
	t.conn.AddTable(t.table)
	t.sets = t.newSets()
	for _, name := range []string{setVMs, setSources4, setSources6, setFabric4, setFabric6, setOffenders} {
		if err := t.conn.AddSet(t.sets[name], nil); err != nil {
			return err
		}
	}
	if err := t.queue(want, t.conn.SetAddElements); err != nil {
		return err
	}
	if err := t.queueFabric(); err != nil {
		return err
	}
	policy := nftables.ChainPolicyAccept
	t.chains = t.newChains()
	t.goOn(counted)
	added := map[string]*nftables.Chain{}
	for _, c := range t.chains {
		ch := &nftables.Chain{Name: c.name, Table: t.table}
		if c.hook != nil {
			ch.Hooknum, ch.Priority, ch.Type, ch.Policy = c.hook, c.priority, nftables.ChainTypeFilter, &policy
		}
		added[c.name] = t.conn.AddChain(ch)
	}
	for _, c := range t.chains {
		for _, r := range c.rules {
			comment := userdata.AppendString(nil, userdata.TypeComment, t.comment(r))
			t.conn.AddRule(&nftables.Rule{Table: t.table, Chain: added[c.name], Exprs: r.exprs, UserData: comment})
		}
	}
	if err := t.conn.Flush(); err != nil {
		return fmt.Errorf("table inet %s: %w", TableName, err)
	}
	t.replaced(counted)
	t.entries = make(map[Entry]bool, len(want))
	for _, e := range want {
		t.entries[e] = true
	}
	return nil
}

func (t *Table) comment(r rule) string { return r.text + " (ipfabric " + t.print + ")" }
