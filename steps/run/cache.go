package run

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"al.essio.dev/pkg/shellescape"

	"ipfabric/assets"
	"ipfabric/steps/step"
)

// A Cache is a Reader for looks at one host that run at the same time. It puts
// each question to the host once, whoever asks. And it waits until every look
// waits for an answer, or has ended, and puts all that they ask into one
// command: a command over SSH costs more than most of the answers. So a host
// with nothing to change is asked two or three times in all.
//
// It keeps the answers, so it lives as long as one pass. A program that gives no
// answer in time is not waited for again and again: once timeout(1) has ended
// it, no other question behind a timeout is put to the same program.
type Cache struct {
	r step.Reader

	mu      sync.Mutex
	hung    map[string]bool // programs that timeout(1) has ended
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

func NewCache(r step.Reader) *Cache {
	return &Cache{r: r, asked: map[string]*question{}, hung: map[string]bool{}}
}

// A sharedHost gives all looks at a host the same Cache.
type sharedHost struct {
	step.Host
	cache *Cache
}

// CacheOf returns the Cache that looks at the host share, or a new one.
func CacheOf(h step.Host) *Cache {
	if s, ok := h.(sharedHost); ok {
		return s.cache
	}
	return NewCache(h)
}

// Unshared returns the host itself, whose answers nobody has kept.
func Unshared(h step.Host) step.Host {
	if s, ok := h.(sharedHost); ok {
		return s.Host
	}
	return h
}

// Sharing returns a Connect for looks that run at the same time, such as a
// dry run and Verify: what one has asked a host, the other knows. It is not
// for a run that changes anything, as nothing is asked twice.
func Sharing(connect func(ctx context.Context, host string) (step.Host, error)) func(ctx context.Context, host string) (step.Host, error) {
	var mu sync.Mutex
	shared := map[string]sharedHost{}
	return func(ctx context.Context, name string) (step.Host, error) {
		h, err := connect(ctx, name)
		if err != nil {
			return nil, err
		}
		mu.Lock()
		defer mu.Unlock()
		if _, ok := shared[name]; !ok {
			shared[name] = sharedHost{h, NewCache(h)}
		}
		return shared[name], nil
	}
}

// Look runs looks, which read from o, at the same time and waits for their end.
func (o *Cache) Look(looks ...func()) {
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

func (o *Cache) ReadFile(ctx context.Context, path string) ([]byte, error) {
	out, err := o.answer(ctx, "file\x00"+path, &question{path: path})
	return []byte(out), err
}

func (o *Cache) Query(ctx context.Context, argv ...string) (string, error) {
	return o.answer(ctx, "command\x00"+strings.Join(argv, "\x00"), &question{argv: argv})
}

// answer puts the question, unless an equal one was put before, and waits for
// its answer, or for the end of ctx.
func (o *Cache) answer(ctx context.Context, key string, q *question) (string, error) {
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
func (o *Cache) wait(q *question, n int) {
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
func (o *Cache) putIfAllWait() {
	if len(o.queue) == 0 || o.waiting < o.looks-o.away {
		return
	}
	var batch []*question
	for _, q := range o.queue {
		q.queued = false
		o.waiting -= q.waiting
		if program := timedProgram(q.argv); o.hung[program] {
			q.err = timedOut{program}
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
func (o *Cache) putAlone(q *question) {
	o.mu.Lock()
	q.alone = true
	o.away += q.waiting
	o.putIfAllWait()
	o.mu.Unlock()

	q.ask(o.r)

	o.mu.Lock()
	if program := timedProgram(q.argv); program != "" && step.TimedOut(q.err) {
		o.hung[program] = true
	}
	q.alone = false
	o.away -= q.waiting
	close(q.done)
	o.mu.Unlock()
}

func (q *question) ask(r step.Reader) {
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
func (o *Cache) askTogether(batch []*question) (rest []*question) {
	script := string(assets.File("sh/batch.sh"))
	for _, q := range batch {
		argv := q.argv
		if argv == nil {
			argv = []string{"cat", "--", q.path}
		}
		if program := timedProgram(argv); program != "" {
			script += "timed " + shellescape.Quote(program)
		} else {
			script += "ask"
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
		case err == nil && status == "124" && timedProgram(q.argv) != "":
			program := timedProgram(q.argv)
			o.mu.Lock()
			o.hung[program] = true
			o.mu.Unlock()
			q.err = timedOut{program}
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
	answer, status, found := step.CutLast(out[:n], "\n")
	if !found {
		return "", "", "", fmt.Errorf("an answer without a status")
	}
	return answer, status, out[n:], nil
}

// timedProgram returns the program that a command runs behind timeout(1), ""
// if it runs none so.
func timedProgram(argv []string) string {
	if i := slices.Index(argv, "timeout"); i >= 0 && i+2 < len(argv) {
		return argv[i+2]
	}
	return ""
}

// A timedOut is the answer of a program that timeout(1) has ended.
type timedOut struct{ program string }

func (e timedOut) Error() string   { return e.program + " gave no answer in time" }
func (e timedOut) ExitStatus() int { return 124 }
