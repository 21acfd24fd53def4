package steps

import (
	"context"

	"ipfabric/inventory"
)

// Verify looks at every host of the fabric at the same time, and at both ends of every
// session. It changes nothing.
func Verify(ctx context.Context, f *inventory.Fabric, connect func(ctx context.Context, host string) (Host, error)) *Report {
	panic("being written")
}
