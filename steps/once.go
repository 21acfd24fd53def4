package steps

import (
	"context"
	"strings"
	"sync"
)

// once is a Reader that asks a host each question once and gives every step
// the same answer. It lives as long as one pass of Checks.
type once struct {
	r  Reader
	mu sync.Mutex
	// asked by the question: "f" and a path, or "q" and the arguments
	asked map[string]*answer
}

type answer struct {
	once sync.Once
	data []byte
	err  error
}

func newOnce(r Reader) *once { return &once{r: r, asked: map[string]*answer{}} }

func (o *once) ReadFile(ctx context.Context, path string) ([]byte, error) {
	a := o.answer("f\x00" + path)
	a.once.Do(func() { a.data, a.err = o.r.ReadFile(ctx, path) })
	return a.data, a.err
}

func (o *once) Query(ctx context.Context, argv ...string) (string, error) {
	a := o.answer("q\x00" + strings.Join(argv, "\x00"))
	a.once.Do(func() {
		var s string
		s, a.err = o.r.Query(ctx, argv...)
		a.data = []byte(s)
	})
	return string(a.data), a.err
}

func (o *once) answer(question string) *answer {
	o.mu.Lock()
	defer o.mu.Unlock()
	a, ok := o.asked[question]
	if !ok {
		a = &answer{}
		o.asked[question] = a
	}
	return a
}
