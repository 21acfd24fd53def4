package steps

import (
	"context"
	"time"
)

// A Runner carries out plans.
type Runner struct {
	// Connect gives the host of that name. It may return the same Host again;
	// the Runner does not close it.
	Connect func(ctx context.Context, host string) (Host, error)
	// Report gets every event, from several goroutines, one at a time.
	Report func(Event)
	// DryRun looks at all hosts at the same time and changes nothing.
	DryRun bool
	// Settle is how long a step may take after Apply until its Check finds no
	// difference. Zero is 30 s.
	Settle time.Duration
	// Stop, once closed, lets what runs come to its end and begins nothing new.
	Stop <-chan struct{}
}

// Run carries out a plan: for each step Check, report, stop if dry run,
// Apply, and Check again until there is no difference or the settle time is
// over. A host's failure skips the rest of that host's steps, in this and in
// later stages; other hosts go on.
func (r *Runner) Run(ctx context.Context, p Plan) Result { panic("being written") }
