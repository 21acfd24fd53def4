package ui

import (
	"fmt"

	"ipfabric/steps/run"
)

// Results is the summary of a run: a row for each host. why says in a few words
// what failed there, "" if nothing did.
func Results(result run.Result, why func(run.HostResult) string, paint func(Style, string) string) string {
	t := &Table{}
	t.Head("HOST", "STATE", "CHANGES", "WHAT FAILED")
	for _, r := range result {
		t.Row(Cell{r.Host, Bold}, Cell{string(r.State), StateStyle(r.State)}, Cell{fmt.Sprint(r.Changes), Plain}, Cell{why(r), Plain})
	}
	return t.Render(paint)
}
