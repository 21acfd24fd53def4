package firewall

import (
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/userdata"
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

// rules returns a chain's rules: none if there is no such chain.
func (t *Table) rules(chain string) ([]*nftables.Rule, error) {
	rules, err := t.conn.GetRules(t.table, &nftables.Chain{Name: chain, Table: t.table})
	if err != nil {
		return nil, fmt.Errorf("chain %s: %w", chain, err)
	}
	return rules, nil
}
