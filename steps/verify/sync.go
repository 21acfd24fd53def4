package verify

import (
	"fmt"
	"slices"
	"strings"

	"ipfabric/steps/frr"
	"ipfabric/steps/run"
	"ipfabric/steps/step"
)

// wantedSteps returns for each managed host what init would make true of it.
func wantedSteps(plan run.Plan) map[string][]step.Step {
	out := map[string][]step.Step{}
	for _, stage := range plan {
		for _, t := range stage.Tasks {
			out[t.Node] = append(out[t.Node], t.Steps...)
		}
	}
	return out
}

// outOfSync names the things of a host that differ from the inventory, each
// once. It names them only: a value may be a password. An error does not hide
// what the other steps found.
func outOfSync(steps []step.Step, diffs []step.Diff, errs []error) (differs []string, err error) {
	for i, diff := range diffs {
		if errs[i] != nil && err == nil {
			err = fmt.Errorf("whether %s is not known: %w", steps[i], errs[i])
		}
		for _, c := range diff {
			if !slices.Contains(differs, c.Item) {
				differs = append(differs, c.Item)
			}
		}
	}
	return differs, err
}

func (e examiner) inSync(a answers) Check {
	if e.stepsErr != nil {
		return Check{Status: Bad, Detail: "what should be there is not known: " + e.stepsErr.Error(), Hint: step.HintOf(e.stepsErr, "")}
	}
	if len(a.differs) == 0 && a.syncErr == nil {
		return Check{Status: OK}
	}
	name := e.sight.host.Name
	if len(a.differs) == 0 {
		return Check{Status: Bad, Detail: a.syncErr.Error(), Hint: step.HintOf(a.syncErr, fmt.Sprintf("`ipfabric plan --limit %s` looks again", name))}
	}
	what := []string{"differs from the inventory: " + step.Some(a.differs, ", ")}
	if a.syncErr != nil {
		what = append(what, a.syncErr.Error())
	}
	if slices.Contains(a.differs, frr.ConfAuthor) {
		return Check{Status: Bad, Detail: strings.Join(what, "; "), Hint: frr.ForeignConfError{}.Hint()}
	}
	return Check{
		Status: Bad, Detail: strings.Join(what, "; "),
		Hint: fmt.Sprintf("`ipfabric plan --limit %s` shows the difference, `ipfabric init --limit %s` removes it", name, name),
	}
}
