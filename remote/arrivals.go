package remote

import "sync"

// arrivals counts the hosts, but for guests, that are being logged in to.
type arrivals struct {
	mu      sync.Mutex
	n       int
	changed chan struct{}
}

func newArrivals() *arrivals { return &arrivals{changed: make(chan struct{})} }

// add changes the count, by nothing if only something else has changed that is waited for.
func (a *arrivals) add(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.n += n
	close(a.changed)
	a.changed = make(chan struct{})
}

// now returns the count, and a channel that is closed at the next change.
func (a *arrivals) now() (int, <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.n, a.changed
}
