package firewall

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// memory is how long it is remembered whose packets were dropped.
const memory = 24 * time.Hour

// Drops is how many packets were dropped.
type Drops struct {
	Reasons map[string]uint64 // since the node was booted
	Devices map[string]uint64 // those that had packets dropped in the last day
}

// A tally goes on where the counters of tables that are gone have ended.
type tally struct {
	last    Drops               // as last read
	devices map[string]deviceAt // what the offenders of the tables before had
}

type deviceAt struct {
	packets uint64
	until   time.Time
}

// Drops reads the counters.
func (t *Table) Drops() (Drops, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.count()
}

// count reads the counters. Of what another program has taken out of the tables
// it returns what it had counted when last read.
func (t *Table) count() (Drops, error) {
	d := Drops{Reasons: map[string]uint64{}, Devices: map[string]uint64{}}
	for _, c := range t.chains {
		if !c.reason {
			continue
		}
		d.Reasons[c.name] = t.tally.last.Reasons[c.name]
		rules, err := t.rules(c)
		if err != nil {
			return d, err
		}
		for _, r := range rules {
			for _, e := range r.Exprs {
				if counter, ok := e.(*expr.Counter); ok {
					d.Reasons[c.name] = counter.Packets
				}
			}
		}
	}
	gone, err := t.countDevices(d.Devices)
	if err != nil {
		return d, err
	}
	if gone {
		d.Devices = maps.Clone(t.tally.last.Devices)
	}
	t.tally.last = d
	return d, nil
}

// countDevices adds up both tables' offenders, and those of the tables before. It
// says whether a table is gone.
func (t *Table) countDevices(into map[string]uint64) (gone bool, err error) {
	for _, p := range []*part{t.inet, t.arp} {
		_, err := t.conn.GetSetByName(p.table, setOffenders)
		if errors.Is(err, unix.ENOENT) {
			return true, nil
		}
		if err != nil {
			return false, fmt.Errorf("set %s: %w", setOffenders, err)
		}
		elements, err := t.conn.GetSetElements(p.sets[setOffenders])
		if err != nil {
			return false, fmt.Errorf("set %s: %w", setOffenders, err)
		}
		for _, el := range elements {
			if e, ok := entryOf(el.Key); ok && el.Counter != nil {
				into[e.Device] += el.Counter.Packets
			}
		}
	}
	for device, before := range t.tally.devices {
		if time.Now().Before(before.until) {
			into[device] += before.packets
		}
	}
	return false, nil
}

// goOn lets the counters of the next tables begin where those before have ended.
func (t *Table) goOn(d Drops) {
	for _, c := range t.chains {
		for _, r := range c.rules {
			for _, e := range r.exprs {
				if counter, ok := e.(*expr.Counter); ok && c.reason {
					counter.Packets = d.Reasons[c.name]
				}
			}
		}
	}
}

// replaced notes what the tables before the present ones had counted.
func (t *Table) replaced(d Drops) {
	t.tally.devices = map[string]deviceAt{}
	for device, packets := range d.Devices {
		t.tally.devices[device] = deviceAt{packets, time.Now().Add(memory)}
	}
}
