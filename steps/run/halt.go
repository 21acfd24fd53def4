package run

import "context"

// stopped says whether the run is to stop.
func (n *run) stopped(ctx context.Context) bool {
	select {
	case <-n.Stop: // a nil channel never answers
		return true
	case <-ctx.Done():
		return true
	default:
		return false
	}
}

// halted returns why no host is begun any more, nil if one may be: the run is
// to stop, or a change was rolled back or refused, as it would be elsewhere.
func (n *run) halted(ctx context.Context) error {
	if n.stopped(ctx) {
		return ErrStopped
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.noMore
}

// end keeps hosts from being begun. The first reason stays.
func (n *run) end(why error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.noMore == nil {
		n.noMore = why
	}
}

// ended returns why nothing more is done on a host, nil if work on it goes on.
func (n *run) ended(host string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.results[host].Err
}

// changes is how many steps this run has changed on a host.
func (n *run) changes(host string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.results[host].Changes
}
