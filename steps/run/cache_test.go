package run

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipfabric/steps/step"
	"ipfabric/steps/step/steptest"
)

// A localReader asks this machine, and counts.
type localReader struct {
	mu       sync.Mutex
	commands int
}

func (r *localReader) count() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.commands++
}

func (r *localReader) ReadFile(_ context.Context, path string) ([]byte, error) {
	r.count()
	return os.ReadFile(path)
}

func (r *localReader) Query(ctx context.Context, argv ...string) (string, error) {
	r.count()
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(out), steptest.Status(exit.ExitCode())
	}
	return string(out), err
}

func TestOnceAsksForAllLooksTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "it's a file")
	if err := os.WriteFile(path, []byte("no newline at its end"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &localReader{}
	o := NewCache(r)
	ctx := t.Context()
	got := map[string]string{}
	var mu sync.Mutex
	keep := func(name, value string, err error) {
		if err != nil {
			value += "!" + err.Error()
		}
		mu.Lock()
		defer mu.Unlock()
		got[name] = value
	}
	query := func(name string, argv ...string) func() {
		return func() {
			out, err := o.Query(ctx, argv...)
			keep(name, out, err)
		}
	}
	o.Look(
		query("quotes", "printf", "%s\n", `a'b"c$HOME\n`),
		query("newlines", "printf", "x\n\n"),
		query("bytes", "printf", `\303\244\n3\n`),
		query("nothing", "true"),
		query("same", "true"),
		func() {
			data, err := o.ReadFile(ctx, path)
			keep("file", string(data), err)
		},
		func() { // two questions, one after the other
			out, err := o.Query(ctx, "echo", "first")
			keep("first", out, err)
			out, err = o.Query(ctx, "echo", "second")
			keep("second", out, err)
		},
	)
	want := map[string]string{
		"quotes": `a'b"c$HOME\n` + "\n", "newlines": "x\n\n", "bytes": "\u00e4\n3\n", "nothing": "", "same": "",
		"file": "no newline at its end", "first": "first\n", "second": "second\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if r.commands != 2 {
		t.Errorf("the host was asked %d times, want 2", r.commands)
	}
}

// A question that fails gets the error that it would get by itself, and takes
// no other along.
func TestOnceTellsWhichQuestionFailed(t *testing.T) {
	o := NewCache(&localReader{})
	o.Look(
		func() {
			if out, err := o.Query(t.Context(), "echo", "well"); out != "well\n" || err != nil {
				t.Errorf("got %q, %v", out, err)
			}
		},
		func() {
			if out, err := o.Query(t.Context(), "sh", "-c", "echo half; exit 3"); out != "half\n" || step.ExitStatus(err) != 3 {
				t.Errorf("got %q, %v", out, err)
			}
		},
		func() {
			if _, err := o.ReadFile(t.Context(), "/nowhere/at/all"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("got %v", err)
			}
		},
	)
}

// Two looks that start apart, as a dry run and verify do, share the answers.
func TestSharing(t *testing.T) {
	r := &steptest.Host{Answers: map[string]string{"uname -m": "x86_64\n"}}
	connect := Sharing(func(context.Context, string) (step.Host, error) { return r, nil })
	for range 2 {
		h, err := connect(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		o := CacheOf(h)
		o.Look(func() {
			if _, err := o.Query(t.Context(), "uname", "-m"); err != nil {
				t.Error(err)
			}
		})
	}
	if len(r.Log) != 1 {
		t.Errorf("asked %d times, want once", len(r.Log))
	}
}

// A hangingReader never answers one question.
type hangingReader struct{ localReader }

func (r *hangingReader) Query(ctx context.Context, argv ...string) (string, error) {
	if argv[0] == "hang" {
		<-ctx.Done()
		return "", ctx.Err()
	}
	if argv[0] == "sh" { // the batch, with "hang" in it
		return "", context.DeadlineExceeded
	}
	return r.localReader.Query(ctx, argv...)
}

// One that hangs does not keep the others from going on.
func TestOnceGoesOnBesideAQuestionThatHangs(t *testing.T) {
	o := NewCache(&hangingReader{})
	ctx, cancel := context.WithCancel(t.Context())
	o.Look(
		func() {
			if _, err := o.Query(ctx, "hang"); err == nil {
				t.Error("an answer")
			}
		},
		func() {
			for _, word := range []string{"one", "two", "three"} {
				if out, err := o.Query(t.Context(), "echo", word); out != word+"\n" || err != nil {
					t.Errorf("got %q, %v", out, err)
				}
			}
			cancel() // only now may the first end
		},
	)
}

// An FRR that hangs is waited for once, however much it is asked.
func TestOnceWaitsOnceForAnFRRThatHangs(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "vtysh"), []byte("#!/bin/sh\necho >> \"$0.log\"; exec sleep 60\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	ask := func(o *Cache, words ...string) func() {
		return func() {
			for _, word := range words {
				if _, err := o.Query(t.Context(), "timeout", "1", "vtysh", "-c", word); !step.TimedOut(err) {
					t.Errorf("%s: got %v", word, err)
				}
			}
		}
	}
	o := NewCache(&localReader{})
	o.Look(ask(o, "one", "two"), ask(o, "three", "four"), func() {
		if out, err := o.Query(t.Context(), "echo", "well"); out != "well\n" || err != nil {
			t.Errorf("got %q, %v", out, err)
		}
	})
	log, err := os.ReadFile(filepath.Join(dir, "vtysh.log"))
	if err != nil || len(log) != 1 {
		t.Errorf("vtysh was started %d times, %v; want once", len(log), err)
	}
}

// Who has no more time goes; an answer comes for who waits on.
func TestOnceAnswersWhoWaitsOn(t *testing.T) {
	r := &slowReader{answer: make(chan struct{})}
	o := NewCache(r)
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan struct{})
	var wg sync.WaitGroup
	wg.Add(2)
	go o.Look(func() {
		defer wg.Done()
		close(asked)
		if _, err := o.Query(ctx, "uname"); !errors.Is(err, context.Canceled) {
			t.Errorf("the first: got %v", err)
		}
		close(r.answer)
	})
	<-asked
	go o.Look(func() {
		defer wg.Done()
		if out, err := o.Query(t.Context(), "uname"); out != "Linux\n" || err != nil {
			t.Errorf("the second: got %q, %v", out, err)
		}
	})
	cancel()
	wg.Wait()
}

// A slowReader answers when it is told to.
type slowReader struct {
	localReader
	answer chan struct{}
}

func (r *slowReader) Query(ctx context.Context, _ ...string) (string, error) {
	select {
	case <-r.answer:
		return "Linux\n", nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
