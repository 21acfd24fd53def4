package firewall

import (
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/userdata"
)

// look fills entries from the kernel's tables. If one is not there, or they are
// not as they should be, entries stays nil.
func (t *Table) look() error {
	intact, err := t.intact()
	if err != nil || !intact {
		return err
	}
	entries, err := t.entriesOf(t.inet, entrySets)
	if err != nil || entries == nil {
		return err
	}
	arp, err := t.entriesOf(t.arp, arpSets)
	if err != nil || arp == nil {
		return err
	}
	// What one table allows and the other does not is made anew.
	same := 0
	for e := range entries {
		if !e.arp() {
			continue
		}
		if !arp[e] {
			return nil
		}
		same++
	}
	if same == len(arp) {
		t.entries = entries
	}
	return nil
}

// entriesOf reads sets. It returns nil if one holds what never is an entry of it.
func (t *Table) entriesOf(p *part, sets []string) (map[Entry]bool, error) {
	entries := map[Entry]bool{}
	for _, name := range sets {
		elements, err := t.conn.GetSetElements(p.sets[name])
		if err != nil {
			return nil, fmt.Errorf("set %s: %w", name, err)
		}
		for _, el := range elements {
			e, ok := entryOf(el.Key)
			if set, _ := e.key(); !ok || set != name {
				return nil, nil
			}
			entries[e] = true
		}
	}
	return entries, nil
}

// intact says whether all chains and rules are there and no others.
func (t *Table) intact() (bool, error) {
	type place struct {
		family nftables.TableFamily
		chain  string
	}
	here := map[place]bool{}
	for _, family := range Families {
		have, err := t.conn.ListChainsOfTableFamily(family)
		if err != nil {
			return false, fmt.Errorf("nftables: %w", err)
		}
		for _, c := range have {
			if c.Table.Name == TableName {
				here[place{family, c.Name}] = true
			}
		}
	}
	if len(here) != len(t.chains) {
		return false, nil
	}
	for _, c := range t.chains {
		if !here[place{c.family, c.name}] {
			return false, nil
		}
		rules, err := t.rules(c)
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

// rules returns a chain's rules: none if there is no such chain.
func (t *Table) rules(c chain) ([]*nftables.Rule, error) {
	table := t.part(c).table
	rules, err := t.conn.GetRules(table, &nftables.Chain{Name: c.name, Table: table})
	if err != nil {
		return nil, fmt.Errorf("chain %s: %w", c.name, err)
	}
	return rules, nil
}
