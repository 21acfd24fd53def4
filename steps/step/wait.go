package step

import (
	"context"
	"time"
)

// Pause waits for d, or until the context ends: then it returns the context's error.
func Pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
