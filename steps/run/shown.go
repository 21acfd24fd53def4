package run

import (
	"context"
	"slices"
	"strings"

	"ipfabric/steps/step"
)

// A Difference is one step of a host that differs.
type Difference struct {
	Step string    `json:"step"` // the step's String
	Diff step.Diff `json:"diff"`
}

// A DriftError is why a host was skipped whose differences are not those that
// the operator has seen. It has a hint.
type DriftError struct {
	What string // what differs from what was shown
}

func (e DriftError) Error() string { return "changed since it was shown: " + e.What }

// Hint says what to do about it.
func (DriftError) Hint() string {
	return "run it again: it shows what differs now"
}

// compare looks at all hosts once more before any is changed, and skips those
// whose differences are not those that were shown. It looks at the steps of
// all stages together: what a later stage finds on a host may be a consequence
// of an earlier one, such as an exact version after the package lists were
// fetched, and cannot be compared any more.
func (n *run) compare(ctx context.Context, p Plan) {
	for _, s := range p.atOnce() {
		atOnce(s.Tasks, len(s.Tasks), func(t Task) {
			l := n.look(ctx, s, t)
			if l == nil {
				return
			}
			for i, c := range l.checked {
				if c.err != nil {
					n.fail(Event{Host: t.Node, Step: l.Steps[i].String(), Err: c.err, Took: c.took})
					return
				}
			}
		})
	}
}

// drift compares a look with what was shown, unless this run has changed the
// host already. Steps that could not be checked are left out.
func (n *run) drift(l *look) error {
	if n.DryRun || n.Shown == nil || n.changes(l.Node) > 0 {
		return nil
	}
	var parts []string
	for i, s := range l.Steps {
		if l.checked[i].err != nil {
			continue
		}
		var shown step.Diff
		for _, d := range n.Shown[l.Node] {
			if d.Step == s.String() {
				shown = d.Diff
			}
		}
		parts = append(parts, changesBetween(shown, l.checked[i].diff)...)
	}
	if len(parts) == 0 {
		return nil
	}
	return DriftError{step.Some(parts, "; ")}
}

// wasShown says whether the operator has seen a difference of that step.
func (n *run) wasShown(host string, s step.Step) bool {
	return slices.ContainsFunc(n.Shown[host], func(d Difference) bool { return d.Step == s.String() })
}

// changesBetween says how two differences of the same step differ, nothing if
// they are equal. Whole files are named only.
func changesBetween(before, now step.Diff) []string {
	left := map[step.Change]int{}
	items := map[string]bool{}
	for _, c := range before {
		left[c]++
		items[c.Item] = true
	}
	var out []string
	known := map[string]bool{} // items that are in both
	for _, c := range now {
		if left[c] > 0 {
			left[c]--
			continue
		}
		text := "now " + step.Diff{c}.String()
		if items[c.Item] {
			known[c.Item] = true
			text = c.Item + " differs in another way"
			if short := (step.Diff{c}).String(); !strings.HasSuffix(short, " differs") {
				text = "now " + short
			}
		}
		out = append(out, text)
	}
	for _, c := range before {
		if left[c] > 0 && !known[c.Item] {
			left[c]--
			out = append(out, c.Item+" does not differ any more")
		}
	}
	return out
}
