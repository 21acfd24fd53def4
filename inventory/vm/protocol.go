package vm

import (
	"fmt"
	"time"
)

// Protocol is the number of this contract. It goes up when one side can no
// longer understand the other. An agent from before there was a number has 0.
const Protocol = 1

// CheckProtocol compares the asking side's number with the agent's. If they
// differ, the *Error says which side is older and what to do, in words that are
// meant for the operator of ipfabric.
func CheckProtocol(asking, agent int) error {
	switch {
	case asking > agent:
		return Errorf(AgentOlder, "the agent is older than this ipfabric: it speaks protocol %d, not %d", agent, asking).
			WithHint("`ipfabric init` updates the agents")
	case asking < agent:
		return Errorf(IpfabricOlder, "this ipfabric is older than the agent, which speaks protocol %d, not %d", agent, asking).
			WithHint("update ipfabric to the version that the nodes' agents came with")
	}
	return nil
}

// A Build says which build of a program this is. It is also the JSON of
// `ipfabric-agent version --json`.
type Build struct {
	Version   string    `json:"version"`            // for people: git describe
	Committed time.Time `json:"committed,omitzero"` // when the commit was made that it was built from; zero: not known
	Protocol  int       `json:"protocol"`
}

// Newer says whether b is certainly newer than o: it has a higher protocol, or
// the same and a later commit. Where a time is not known, it is not.
func (b Build) Newer(o Build) bool {
	if b.Protocol != o.Protocol {
		return b.Protocol > o.Protocol
	}
	return !b.Committed.IsZero() && !o.Committed.IsZero() && b.Committed.After(o.Committed)
}

// String is such as "v1.2.3 of 2026-11-24, protocol 1".
func (b Build) String() string {
	s := b.Version
	if s == "" {
		s = "unknown version"
	}
	if !b.Committed.IsZero() {
		s += " of " + b.Committed.UTC().Format(time.DateOnly)
	}
	return fmt.Sprintf("%s, protocol %d", s, b.Protocol)
}
