package ui

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"ipfabric/steps/run"
	"ipfabric/steps/step"
)

// quietProgress is a progress whose lines are in the returned buffer.
func quietProgress(t *testing.T) (*Progress, *bytes.Buffer) {
	t.Helper()
	var b bytes.Buffer
	say := NewSayer(&bytes.Buffer{}, &b, &Masker{}, func(string) (string, bool) { return "", false })
	p := NewProgress(say)
	t.Cleanup(p.Close)
	return p, &b
}

func someEvents() []run.Event {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	diff := step.Diff{{Item: "package frr", Want: "installed"}}
	return []run.Event{
		{Time: at, Pass: "plan", Host: "rr1", Step: "FRR is installed", State: run.Differs, Diff: diff},
		{Time: at, Pass: "apply", Host: "rr1", Step: "the system is supported", State: run.InSync},
		{Time: at, Pass: "apply", Host: "rr1", Step: "FRR is installed", State: run.Applying, Diff: diff},
		{Time: at, Pass: "apply", Host: "rr1", Step: "FRR is installed", State: run.Changed, Diff: diff, Took: 12340 * time.Millisecond},
		{Time: at, Pass: "apply", Host: "rr1", Step: "frr.conf is current", State: run.Failed, Err: errors.New("no space left\ndetails")},
		{Time: at, Pass: "apply", Host: "rr2", State: run.Skipped, Err: run.ErrStopped},
	}
}

func TestPlainProgressHasALineForWhatIsWorthReading(t *testing.T) {
	p, b := quietProgress(t)
	for _, ev := range someEvents() {
		p.Report(ev)
	}
	want := `rr1  FRR is installed: changed (12.3s)
rr1  frr.conf is current: failed: no space left
rr2  skipped: stopped before it began
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b, want)
	}
	log := strings.Join(p.Say.Log.Last("rr1"), "\n")
	wantText(t, "log", log, "plan FRR is installed: differs\npackage frr: none → installed", "apply the system is supported: in-sync")
}

func TestJSONProgressHasAnObjectForEachEvent(t *testing.T) {
	p, b := quietProgress(t)
	p.Say.JSON = true
	for _, ev := range someEvents() {
		p.Report(ev)
	}
	p.Say.Warn("mind the gap")
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != len(someEvents())+1 {
		t.Fatalf("%d lines:\n%s", len(lines), b)
	}
	for _, line := range lines {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
	want := `{"time":"2026-03-01T12:00:00Z","type":"event","pass":"apply","host":"rr1","step":"FRR is installed","state":"changed","diff":[{"item":"package frr","have":"","want":"installed"}],"took_seconds":12.34}`
	if lines[3] != want {
		t.Errorf("got  %s\nwant %s", lines[3], want)
	}
	wantText(t, "last line", lines[6], `"type":"warning","text":"mind the gap"`)
}

func TestLongSilenceNamesWhatRuns(t *testing.T) {
	p, _ := quietProgress(t)
	start := time.Now()
	if got := p.silence(start.Add(time.Hour)); got != "" {
		t.Errorf("nothing runs, and yet %q", got)
	}
	p.Report(run.Event{Time: start, Pass: "apply", Host: "rr1", Step: "FRR is installed", State: run.Applying})
	if got := p.silence(start.Add(soon / 2)); got != "" {
		t.Errorf("too early: %q", got)
	}
	if got, want := p.silence(start.Add(time.Second)), "rr1: FRR is installed"; got != want {
		t.Errorf("at first %q, want %q", got, want)
	}
	if got := p.silence(start.Add(quiet / 2)); got != "" {
		t.Errorf("too early for a second line: %q", got)
	}
	if got, want := p.silence(start.Add(20*time.Second)), "still running: rr1: FRR is installed (20s)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := p.silence(start.Add(21 * time.Second)); got != "" {
		t.Errorf("again, a second later: %q", got)
	}
	p.Report(run.Event{Time: start, Pass: "apply", Host: "rr1", Step: "FRR is installed", State: run.Changed})
	if got := p.silence(start.Add(time.Hour)); got != "" {
		t.Errorf("it has ended, and yet %q", got)
	}
}

// A host that is down makes a look take seconds: it is named within one.
func TestALookThatTakesLongNamesItsHosts(t *testing.T) {
	p, _ := quietProgress(t)
	start := time.Now()
	for _, host := range []string{"rr1", "node1", "node2"} {
		p.Report(run.Event{Time: start, Pass: "plan", Host: host, State: run.Looking})
	}
	p.Report(run.Event{Time: start, Pass: "plan", Host: "rr1", Step: "FRR is installed", State: run.InSync})
	if got, want := p.silence(start.Add(time.Second)), "asking node1, node2"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	// The run goes on to verify, and what was looked at is not named any more.
	done := p.Begin("verifying")
	if got, want := p.silence(time.Now().Add(time.Second)), "verifying"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	done()
	if got := p.silence(time.Now().Add(time.Hour)); got != "" {
		t.Errorf("it has ended, and yet %q", got)
	}
}

func TestColourIsForTerminals(t *testing.T) {
	env := func(vars map[string]string) LookupEnv {
		return func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
	}
	for _, tt := range []struct {
		vars map[string]string
		want bool
	}{
		{map[string]string{"TERM": "xterm"}, true},
		{map[string]string{"TERM": "xterm", "NO_COLOR": ""}, true}, // no-color.org: "when present and not an empty string"
		{map[string]string{"TERM": "xterm", "NO_COLOR": "1"}, false},
		{map[string]string{"TERM": "dumb"}, false},
	} {
		if got := wantsColour(env(tt.vars)); got != tt.want {
			t.Errorf("%v: %v", tt.vars, got)
		}
	}
	s := &Sayer{outTTY: true}
	if got := s.OnOut(red, "no"); got != "\x1b[31mno\x1b[0m" {
		t.Errorf("%q", got)
	}
	s.outTTY = false
	if got := s.OnOut(red, "no"); got != "no" {
		t.Errorf("%q", got)
	}
}

func TestEachHintOnce(t *testing.T) {
	p, b := quietProgress(t)
	p.Say.Failures([]error{
		WithHint(errors.New("rr1 is down"), "switch it on"),
		WithHint(errors.New("rr2 is down"), "switch it on"),
		WithHint(errors.New("rr3 is odd"), "look at it"),
	})
	want := `ipfabric: error: rr1 is down
ipfabric: error: rr2 is down
ipfabric: hint: switch it on
ipfabric: error: rr3 is odd
ipfabric: hint: look at it
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b, want)
	}
}
