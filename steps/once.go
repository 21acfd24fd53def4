package steps

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"al.essio.dev/pkg/shellescape"
)

// A once is a Reader for looks at one host that run at the same time. It puts
// each question to the host once, whoever asks. And it waits until every look
// waits for an answer, or has ended, and puts all that they ask into one
// command: a command over SSH costs more than most of the answers. So a host
// with nothing to change is asked two or three times in all.
//
// It keeps the answers, so it lives as long as one pass. An FRR that hangs is not
// waited for again and again: the first question that finds out is the last.
type once struct {
	r Reader

	mu      sync.Mutex
	hung    bool // FRR
	asked   map[string]*question
	looks   int // that have not ended
	waiting int // of them, those that wait for something in the queue
	away    int // of them, those that wait for a question that was put by itself
	queue   []*question
}

// A question is a file to read, or a command to run. Whoever asks it may give
// up before there is an answer, as others may wait for it as well.
type question struct {
	ctx     context.Context // not ended by that of who asked
	path    string
	argv    []string
	waiting int           // looks that wait for it
	queued  bool          // not put to the host yet
	alone   bool          // put by itself, as it failed with the others or hangs
	done    chan struct{} // closed when there is an answer
	out     string
	err     error
}

func newOnce(r Reader) *once { return &once{r: r, asked: map[string]*question{}} }

// A sharedHost gives all looks at a host the same once.
type sharedHost struct {
	Host
	once *once
}

// onceOf returns the once that looks at the host share, or a new one.
func onceOf(h Host) *once {
	if s, ok := h.(sharedHost); ok {
		return s.once
	}
	return newOnce(h)
}

// Sharing returns a Connect for looks that run at the same time, such as a
// dry run and Verify: what one has asked a host, the other knows. It is not
// for a run that changes anything, as nothing is asked twice.
func Sharing(connect func(ctx context.Context, host string) (Host, error)) func(ctx context.Context, host string) (Host, error) {
	var mu sync.Mutex
	shared := map[string]sharedHost{}
	return func(ctx context.Context, name string) (Host, error) {
		h, err := connect(ctx, name)
		if err != nil {
			return nil, err
		}
		mu.Lock()
		defer mu.Unlock()
		if _, ok := shared[name]; !ok {
			shared[name] = sharedHost{h, newOnce(h)}
		}
		return shared[name], nil
	}
}

// look runs looks, which read from o, at the same time and waits for their end.
func (o *once) look(looks ...func()) {
	o.mu.Lock()
	o.looks += len(looks)
	o.mu.Unlock()
	var wg sync.WaitGroup
	for _, f := range looks {
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer func() {
				o.mu.Lock()
				defer o.mu.Unlock()
				o.looks--
				o.putIfAllWait()
			}()
			f()
		}()
	}
	wg.Wait()
}

func (o *once) ReadFile(ctx context.Context, path string) ([]byte, error) {
	out, err := o.answer(ctx, "file\x00"+path, &question{path: path})
	return []byte(out), err
}

func (o *once) Query(ctx context.Context, argv ...string) (string, error) {
	return o.answer(ctx, "command\x00"+strings.Join(argv, "\x00"), &question{argv: argv})
}

// answer puts the question, unless an equal one was put before, and waits for
// its answer, or for the end of ctx.
func (o *once) answer(ctx context.Context, key string, q *question) (string, error) {
	o.mu.Lock()
	if known, ok := o.asked[key]; ok {
		q = known
	} else {
		q.queued, q.done = true, make(chan struct{})
		q.ctx = context.WithoutCancel(ctx)
		o.asked[key] = q
		o.queue = append(o.queue, q)
	}
	o.wait(q, 1)
	o.putIfAllWait()
	o.mu.Unlock()
	select {
	case <-q.done:
		return q.out, q.err
	case <-ctx.Done():
		o.mu.Lock()
		o.wait(q, -1)
		o.mu.Unlock()
		return "", fmt.Errorf("gave up waiting: %w", ctx.Err())
	}
}

// wait counts looks that wait for a question, or give up. It is called with
// the lock held.
func (o *once) wait(q *question, n int) {
	q.waiting += n
	switch {
	case q.queued:
		o.waiting += n
	case q.alone:
		o.away += n
	}
}

// putIfAllWait puts the queued questions to the host once no look can add
// another. It is called with the lock held.
func (o *once) putIfAllWait() {
	if len(o.queue) == 0 || o.waiting < o.looks-o.away {
		return
	}
	var batch []*question
	for _, q := range o.queue {
		q.queued = false
		o.waiting -= q.waiting
		if o.hung && asksFRR(q.argv) {
			q.err = errHung{}
			close(q.done)
			continue
		}
		batch = append(batch, q)
	}
	o.queue = nil
	go func() {
		if len(batch) > 1 {
			batch = o.askTogether(batch)
		}
		for _, q := range batch {
			go o.putAlone(q)
		}
	}()
}

// putAlone puts one question by itself. It may take long: the looks that do
// not wait for it go on.
func (o *once) putAlone(q *question) {
	o.mu.Lock()
	q.alone = true
	o.away += q.waiting
	o.putIfAllWait()
	o.mu.Unlock()

	q.ask(o.r)

	o.mu.Lock()
	o.hung = o.hung || asksFRR(q.argv) && hung(q.err)
	q.alone = false
	o.away -= q.waiting
	close(q.done)
	o.mu.Unlock()
}

func (q *question) ask(r Reader) {
	if q.argv != nil {
		q.out, q.err = r.Query(q.ctx, q.argv...)
		return
	}
	data, err := r.ReadFile(q.ctx, q.path)
	q.out, q.err = string(data), err
}

// togetherLimit is how long questions may take that are asked together.
const togetherLimit = 25 * time.Second

// askTogether puts questions by one command, and returns those that have no
// answer then: what failed is asked again by itself, for an error that says
// what did.
func (o *once) askTogether(batch []*question) (rest []*question) {
	// Each answer is printed behind its length in bytes, with the exit status as
	// its last line.
	script := `ask() { a=$("$@" 2>/dev/null </dev/null; printf '\n%s' "$?"); printf '%s\n%s' "${#a}" "$a"; }
askfrr() { if [ "$hung" ]; then set -- sh -c 'exit 124'; fi; ask "$@"; case $a in *'
124') hung=1;; esac; }
hung=
LC_ALL=C
`
	for _, q := range batch {
		argv := q.argv
		if argv == nil {
			argv = []string{"cat", "--", q.path}
		}
		script += "ask"
		if asksFRR(argv) {
			script += "frr"
		}
		script += " " + shellescape.QuoteCommand(argv) + "\n"
	}
	// One that hangs must not take the time of the others.
	ctx, cancel := context.WithTimeout(batch[0].ctx, togetherLimit)
	defer cancel()
	out, err := o.r.Query(ctx, "sh", "-c", script)
	for _, q := range batch {
		var answer, status string
		if err == nil {
			answer, status, out, err = cutAnswer(out)
		}
		switch {
		case err == nil && status == "0":
			q.out = answer
		case err == nil && status == "124" && asksFRR(q.argv):
			o.mu.Lock()
			o.hung = true
			o.mu.Unlock()
			q.err = errHung{}
		default:
			rest = append(rest, q)
			continue
		}
		close(q.done)
	}
	return rest
}

// cutAnswer takes the first answer from what askTogether's command printed.
func cutAnswer(out string) (answer, status, rest string, err error) {
	length, out, _ := strings.Cut(out, "\n")
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 || n > len(out) {
		return "", "", "", fmt.Errorf("an answer of %q bytes", length)
	}
	answer, status, found := cutLast(out[:n], "\n")
	if !found {
		return "", "", "", fmt.Errorf("an answer without a status")
	}
	return answer, status, out[n:], nil
}
