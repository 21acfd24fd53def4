package frr

import (
	"context"
	"slices"
	"strings"

	"ipfabric/steps/bgp"
	"ipfabric/steps/step"
)

// A session that a neighbor's prefixes have closed stays Idle (PfxCt) until FRR
// tries again, 5 minutes later. From FRR 10.6 on, it tries at once if the limit
// changes; before, it waits with the new limit as well.

// limitChanges says whether a difference of configurations has a limit of
// prefixes in it.
func limitChanges(diff step.Diff) bool {
	return slices.ContainsFunc(diff, func(c step.Change) bool {
		return strings.Contains(c.Item+c.Have+c.Want, " maximum-prefix ")
	})
}

// retryOverflowed has FRR try the sessions again that were closed by a limit. It
// is done after the limit was changed. Sessions that are up are left alone. If the
// new limit does not do either, FRR closes the session once more.
func retryOverflowed(ctx context.Context, h step.Host) error {
	closed, err := bgp.Overflowed(ctx, h)
	if err != nil {
		return err
	}
	for _, a := range closed {
		if err := h.Run(ctx, bgp.Vtysh("clear bgp "+a.String())...); err != nil {
			return err
		}
	}
	return nil
}
