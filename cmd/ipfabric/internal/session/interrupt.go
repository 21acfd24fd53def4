package session

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"ipfabric/cmd/ipfabric/internal/ui"
)

// terminateGrace is how long a run that changes hosts may go on after SIGTERM
// or SIGHUP. Service managers kill after 90 s or less.
const terminateGrace = 10 * time.Second

// interrupts turns signals into the end of a run.
//
// While nothing is being changed, the first one cancels at once. While hosts
// are being changed, the first closes Stop: what runs comes to its end, nothing
// new begins. The second Ctrl-C cancels, and so does the time after SIGTERM and
// SIGHUP. From then on signals have their usual effect, so that the next one
// ends the process whatever it waits for.
type interrupts struct {
	stop   chan struct{} // closed: begin nothing new
	cancel context.CancelCauseFunc
	say    *ui.Sayer
	grace  time.Duration // from SIGTERM to the cancellation

	mu       sync.Mutex
	changing bool
	happened bool
}

// CatchSignals returns a context that ends with the interruption. release puts
// the signals' usual effect back.
func CatchSignals(ctx context.Context, say *ui.Sayer) (_ context.Context, i *interrupts, release func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	i = &interrupts{stop: make(chan struct{}), cancel: cancel, say: say, grace: terminateGrace}
	c := make(chan os.Signal, 4)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) { // as nohup does with SIGHUP
			signal.Notify(c, s)
		}
	}
	// Writing to a pipe whose reader has gone is an error like others: it must
	// not kill a run in the middle of a host.
	signal.Ignore(syscall.SIGPIPE)
	done := make(chan struct{})
	go func() {
		i.watch(ctx, c)
		signal.Stop(c)
		close(done)
	}()
	return ctx, i, func() {
		cancel(nil)
		<-done
	}
}

// watch handles signals until the context has ended.
func (i *interrupts) watch(ctx context.Context, signals <-chan os.Signal) {
	var expired <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-expired:
			i.cancel(ui.ErrInterrupted)
			return
		case s := <-signals:
			if !i.first() {
				i.cancel(ui.ErrInterrupted)
				return
			}
			close(i.stop)
			// The note waits while a question stands on the terminal, and the
			// next signal must not wait with it.
			go i.say.Note("finishing what runs; press Ctrl-C again to stop now")
			if s != os.Interrupt {
				expired = time.After(i.grace)
			}
		}
	}
}

// first notes an interruption and says whether it is one that lets finish what
// runs.
func (i *interrupts) first() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	gentle := i.changing && !i.happened
	i.happened = true
	return gentle
}

// change marks that hosts are being changed until done is called.
func (i *interrupts) change() (done func()) {
	i.set(true)
	return func() { i.set(false) }
}

func (i *interrupts) set(changing bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.changing = changing
}

// Interrupted says whether there was a signal.
func (i *interrupts) Interrupted() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.happened
}
