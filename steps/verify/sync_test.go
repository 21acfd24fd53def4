package verify

import (
	"errors"
	"slices"
	"testing"

	"ipfabric/steps/step"
)

// Each thing is named once, and of several errors the first.
func TestOutOfSync(t *testing.T) {
	steps := []step.Step{&diffStep{}, &diffStep{}, &diffStep{}}
	first, second := errors.New("first"), errors.New("second")
	diffs := []step.Diff{nil, {{Item: "a"}, {Item: "b"}}, {{Item: "b"}, {Item: "c"}}}
	differs, err := outOfSync(steps, diffs, []error{first, second, nil})
	if !slices.Equal(differs, []string{"a", "b", "c"}) || !errors.Is(err, first) || errors.Is(err, second) {
		t.Errorf("got %q, %v", differs, err)
	}
}
