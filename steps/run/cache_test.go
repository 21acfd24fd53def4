package run

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
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

// Answers and errors are those of the host.
func TestTheCacheChangesNoAnswer(t *testing.T) {
	c := NewCache(&localReader{})
	c.Look(
		func() {
			if out, err := c.Query(t.Context(), "echo", "well"); out != "well\n" || err != nil {
				t.Errorf("got %q, %v", out, err)
			}
		},
		func() {
			if out, err := c.Query(t.Context(), "sh", "-c", "echo half; exit 3"); out != "half\n" || step.ExitStatus(err) != 3 {
				t.Errorf("got %q, %v", out, err)
			}
		},
		func() {
			if _, err := c.ReadFile(t.Context(), "/nowhere/at/all"); !errors.Is(err, fs.ErrNotExist) {
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
		c := CacheOf(h)
		c.Look(func() {
			if _, err := c.Query(t.Context(), "uname", "-m"); err != nil {
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
	return r.localReader.Query(ctx, argv...)
}

// A question that hangs does not keep others from being asked.
func TestTheCacheGoesOnBesideAQuestionThatHangs(t *testing.T) {
	c := NewCache(&hangingReader{})
	ctx, cancel := context.WithCancel(t.Context())
	c.Look(
		func() {
			if _, err := c.Query(ctx, "hang"); err == nil {
				t.Error("an answer")
			}
		},
		func() {
			for _, word := range []string{"one", "two", "three"} {
				if out, err := c.Query(t.Context(), "echo", word); out != word+"\n" || err != nil {
					t.Errorf("got %q, %v", out, err)
				}
			}
			cancel() // only now may the first end
		},
	)
}

// Once a program has hung, it is not asked and waited for again.
func TestTheCacheDoesNotAskAProgramThatHangsAgain(t *testing.T) {
	timedOut := map[string]int{}
	for _, word := range []string{"one", "two", "three"} {
		timedOut["timeout 8 vtysh -c "+word] = 124
	}
	h := &steptest.Host{Status: timedOut, Answers: map[string]string{"echo well": "well\n", "timeout 8 birdc": "BIRD\n"}}
	c := NewCache(h)
	for _, word := range []string{"one", "two", "three", "two"} {
		_, err := c.Query(t.Context(), "timeout", "8", "vtysh", "-c", word)
		if !step.TimedOut(err) {
			t.Errorf("%s: got %v", word, err)
		}
	}
	for _, argv := range [][]string{{"echo", "well"}, {"timeout", "8", "birdc"}} {
		if _, err := c.Query(t.Context(), argv...); err != nil {
			t.Errorf("%v: %v", argv, err)
		}
	}
	if diff := cmp.Diff([]string{"timeout 8 vtysh -c one", "echo well", "timeout 8 birdc"}, h.Log); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

// Any other failure says nothing about the next question.
func TestTheCacheAsksAProgramThatFailedAgain(t *testing.T) {
	h := &steptest.Host{Status: map[string]int{"timeout 8 vtysh -c one": 1, "apt-cache": 124}, Answers: map[string]string{"timeout 8 vtysh -c two": "2", "uname": "Linux"}}
	c := NewCache(h)
	if _, err := c.Query(t.Context(), "timeout", "8", "vtysh", "-c", "one"); step.ExitStatus(err) != 1 {
		t.Errorf("got %v", err)
	}
	if out, err := c.Query(t.Context(), "timeout", "8", "vtysh", "-c", "two"); out != "2" || err != nil {
		t.Errorf("got %q, %v", out, err)
	}
	// 124 of a command without timeout(1) has its own meaning.
	if _, err := c.Query(t.Context(), "apt-cache"); step.ExitStatus(err) != 124 {
		t.Errorf("got %v", err)
	}
	if out, err := c.Query(t.Context(), "uname"); out != "Linux" || err != nil {
		t.Errorf("got %q, %v", out, err)
	}
}

// A file and a command of the same words are two questions.
func TestTheCacheKeepsFilesAndCommandsApart(t *testing.T) {
	h := &steptest.Host{Files: map[string]string{"uname": "a file"}, Answers: map[string]string{"uname": "a command"}}
	c := NewCache(h)
	for range 2 {
		data, err := c.ReadFile(t.Context(), "uname")
		if string(data) != "a file" || err != nil {
			t.Errorf("got %q, %v", data, err)
		}
		out, err := c.Query(t.Context(), "uname")
		if out != "a command" || err != nil {
			t.Errorf("got %q, %v", out, err)
		}
	}
}

// Who asked first may give up; others get the answer.
func TestTheCacheAnswersWhoStillWaits(t *testing.T) {
	r := &slowReader{answer: make(chan struct{})}
	c := NewCache(r)
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan struct{})
	var wg sync.WaitGroup
	wg.Add(2)
	go c.Look(func() {
		defer wg.Done()
		close(asked)
		if _, err := c.Query(ctx, "uname"); !errors.Is(err, context.Canceled) {
			t.Errorf("the first: got %v", err)
		}
		close(r.answer)
	})
	<-asked
	go c.Look(func() {
		defer wg.Done()
		if out, err := c.Query(t.Context(), "uname"); out != "Linux\n" || err != nil {
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
