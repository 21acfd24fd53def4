package run

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"ipfabric/steps/step"
)

// A Cache is a Reader that puts each question to its host once, whoever asks
// it, and keeps the answer. So it lives as long as one look at a host, in which
// nothing changes.
//
// A program that gives no answer in time is not waited for again and again:
// once timeout(1) has ended it, no further question behind a timeout is put to
// the same program.
type Cache struct {
	r step.Reader

	mu      sync.Mutex
	answers map[string]*answer // by the question
	hung    map[string]bool    // programs that timeout(1) has ended
}

// An answer is what the host says to one question.
type answer struct {
	done chan struct{} // closed when out and err are there
	out  string
	err  error
}

// NewCache returns an empty Cache of what r says.
func NewCache(r step.Reader) *Cache {
	return &Cache{r: r, answers: map[string]*answer{}, hung: map[string]bool{}}
}

// A cachedHost gives all looks at a host the same Cache.
type cachedHost struct {
	step.Host
	cache *Cache
}

// CacheOf returns the Cache that looks at the host share, or a new one.
func CacheOf(h step.Host) *Cache {
	if s, ok := h.(cachedHost); ok {
		return s.cache
	}
	return NewCache(h)
}

// Unshared returns the host itself, without the Cache that looks at it share.
func Unshared(h step.Host) step.Host {
	if s, ok := h.(cachedHost); ok {
		return s.Host
	}
	return h
}

// Sharing returns a Connect for looks that run at the same time, such as a
// dry run and Verify: what one has asked a host, the other knows. It is not
// for a run that changes anything, as nothing is asked twice.
func Sharing(connect func(ctx context.Context, host string) (step.Host, error)) func(ctx context.Context, host string) (step.Host, error) {
	var mu sync.Mutex
	shared := map[string]cachedHost{}
	return func(ctx context.Context, name string) (step.Host, error) {
		h, err := connect(ctx, name)
		if err != nil {
			return nil, err
		}
		mu.Lock()
		defer mu.Unlock()
		if _, ok := shared[name]; !ok {
			shared[name] = cachedHost{h, NewCache(h)}
		}
		return shared[name], nil
	}
}

// Look runs looks, which read from c, at the same time and waits for their end.
func (c *Cache) Look(looks ...func()) {
	var wg sync.WaitGroup
	for _, f := range looks {
		wg.Add(1)
		go func() {
			defer wg.Done()
			f()
		}()
	}
	wg.Wait()
}

// ReadFile is Reader's.
func (c *Cache) ReadFile(ctx context.Context, path string) ([]byte, error) {
	out, err := c.ask(ctx, "file\x00"+path, "", func(ctx context.Context) (string, error) {
		data, err := c.r.ReadFile(ctx, path)
		return string(data), err
	})
	return []byte(out), err
}

// Query is Reader's.
func (c *Cache) Query(ctx context.Context, argv ...string) (string, error) {
	return c.ask(ctx, "command\x00"+strings.Join(argv, "\x00"), timedProgram(argv), func(ctx context.Context) (string, error) {
		return c.r.Query(ctx, argv...)
	})
}

// ask puts a question to the host, unless it was put before, and waits for the
// answer or the end of ctx. Others may wait for the same answer, so the end of
// ctx does not cut the question off. The program is what runs behind a timeout,
// "" if there is none.
func (c *Cache) ask(ctx context.Context, key, program string, put func(context.Context) (string, error)) (string, error) {
	c.mu.Lock()
	a, known := c.answers[key]
	if !known {
		if c.hung[program] {
			c.mu.Unlock()
			return "", timedOut{program}
		}
		a = &answer{done: make(chan struct{})}
		c.answers[key] = a
		go func() {
			defer close(a.done)
			a.out, a.err = put(context.WithoutCancel(ctx))
			if program != "" && step.TimedOut(a.err) {
				c.mu.Lock()
				defer c.mu.Unlock()
				c.hung[program] = true
			}
		}()
	}
	c.mu.Unlock()
	select {
	case <-a.done:
		return a.out, a.err
	case <-ctx.Done():
		return "", fmt.Errorf("gave up waiting: %w", ctx.Err())
	}
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
