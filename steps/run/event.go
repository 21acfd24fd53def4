package run

import (
	"time"

	"ipfabric/steps/step"
)

// A State says how far a step of a host, or a host, has come.
type State string

const (
	Looking  State = "looking"  // a host, in a dry run: being connected to and asked
	Checking State = "checking" // a step: being looked at
	InSync   State = "in-sync"  // a step: nothing differs
	Differs  State = "differs"  // a step: Diff holds what
	Applying State = "applying" // a step: being changed
	Changed  State = "changed"  // a step: was changed and checked again
	Failed   State = "failed"   // a step or host: Err holds why
	Skipped  State = "skipped"  // a step or host: not looked at; Err holds why
)

// Final says whether no other event follows for the same step in a pass.
func (s State) Final() bool { return s != Looking && s != Checking && s != Applying }

// An Event is one thing that happened in a run. All progress, in every form,
// is made from the stream of them.
type Event struct {
	Time  time.Time
	Pass  string // "plan" or "apply"
	Stage string
	Host  string
	Step  string // "" is the host as a whole
	State State
	Diff  step.Diff     // with Differs and Changed
	Err   error         // with Failed and Skipped
	Took  time.Duration // with a final state
}

// A HostResult sums up what a run did on one host.
type HostResult struct {
	Host    string
	State   State  // InSync, Differs (dry run), Changed, Failed or Skipped
	Changes int    // steps that differed (dry run) or were changed
	Step    string // the step that failed, if one did
	Err     error  // with Failed and Skipped
}

// A Result has one HostResult for each host of the plan, in the plan's order.
type Result []HostResult
