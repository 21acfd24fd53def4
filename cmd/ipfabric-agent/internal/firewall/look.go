package firewall

import (
	"errors"
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
	"golang.org/x/sys/unix"
)

// look fills entries from the kernel's table. If the table is not there, or is
// not as it should be, entries stays nil.
func (t *Table) look() error {
	intact, err := t.intact()
	if err != nil || !intact {
		return err
	}
	entries := map[Entry]bool{}
	for _, name := range []string{setVMs, setSources4, setSources6} {
		elements, err := t.conn.GetSetElements(t.sets[name])
		if gone(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
		for _, el := range elements {
			if e, ok := entryOf(el.Key); ok {
				entries[e] = true
			}
		}
	}
	t.entries = entries
	return nil
}

// intact says whether all chains and rules are there and no others.
func (t *Table) intact() (bool, error) {
	have, err := t.conn.ListChainsOfTableFamily(nftables.TableFamilyINet)
	if err != nil {
		return false, fmt.Errorf("nftables: %w", err)
	}
	here := map[string]bool{}
	for _, c := range have {
		if c.Table.Name == TableName {
			here[c.Name] = true
		}
	}
	if len(here) != len(t.chains) {
		return false, nil
	}
	for _, c := range t.chains {
		if !here[c.name] {
			return false, nil
		}
		rules, err := t.rules(c.name)
		if err != nil {
			return false, err
		}
		if len(rules) != len(c.rules) {
			return false, nil
		}
		for i, r := range rules {
			comment, _ := userdata.GetString(r.UserData, userdata.TypeComment)
			if comment != t.comment(c.rules[i]) {
				return false, nil
			}
		}
	}
	return true, nil
}

func (t *Table) rules(chain string) ([]*nftables.Rule, error) {
	rules, err := t.conn.GetRules(t.table, &nftables.Chain{Name: chain, Table: t.table})
	if gone(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("chain %s: %w", chain, err)
	}
	return rules, nil
}

func gone(err error) bool { return errors.Is(err, unix.ENOENT) }

// Drops is how many packets were dropped.
type Drops struct {
	Reasons map[string]uint64 // since the table was made
	Devices map[string]uint64 // those that had packets dropped in the last day
}

// Drops reads the counters.
func (t *Table) Drops() (Drops, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := Drops{Reasons: map[string]uint64{}, Devices: map[string]uint64{}}
	for _, c := range t.chains {
		if c.hook != nil {
			continue
		}
		d.Reasons[c.name] = 0
		rules, err := t.rules(c.name)
		if err != nil {
			return d, err
		}
		for _, r := range rules {
			for _, e := range r.Exprs {
				if counter, ok := e.(*expr.Counter); ok {
					d.Reasons[c.name] += counter.Packets
				}
			}
		}
	}
	elements, err := t.conn.GetSetElements(t.sets[setOffenders])
	if gone(err) {
		return d, nil
	}
	if err != nil {
		return d, fmt.Errorf("set %s: %w", setOffenders, err)
	}
	for _, el := range elements {
		if e, ok := entryOf(el.Key); ok && el.Counter != nil {
			d.Devices[e.Device] = el.Counter.Packets
		}
	}
	return d, nil
}
