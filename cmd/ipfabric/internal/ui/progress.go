package ui

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"ipfabric/inventory/vm"
	"ipfabric/steps/run"
	"ipfabric/steps/step"
)

// quiet is how long nothing may be said before a line names what is running.
const quiet = 15 * time.Second

// A Progress makes lines of the events of a run. The plain form has a line for
// what is worth reading; with --progress json there is an object for every
// event; the log has every event in both.
type Progress struct {
	Say *Sayer

	mu      sync.Mutex
	running map[string]run.Event // by host: what is being applied
	said    time.Time            // when there was a line last
	stop    chan struct{}
}

// NewProgress returns a Progress that speaks through say until Close.
func NewProgress(say *Sayer) *Progress {
	p := &Progress{Say: say, running: map[string]run.Event{}, said: time.Now(), stop: make(chan struct{})}
	go p.fillSilence(time.Second)
	return p
}

// Close ends the lines that say what still runs.
func (p *Progress) Close() { close(p.stop) }

// Report takes one event. It is a steps.Runner's Report.
func (p *Progress) Report(ev run.Event) {
	line := eventLine(ev)
	detail := ""
	if len(ev.Diff) > 0 && ev.State == run.Differs {
		detail = "\n" + strings.TrimRight(Diff(ev.Diff, Everything, NoStyle), "\n")
	}
	p.Say.Log.Record(ev.Host, "%s %s%s", ev.Pass, strings.TrimPrefix(line, ev.Host+"  "), detail)

	p.mu.Lock()
	defer p.mu.Unlock()
	if ev.State == run.Applying {
		p.running[ev.Host] = ev
	}
	if ev.State.Final() && ev.Pass == "apply" {
		delete(p.running, ev.Host)
	}
	if !p.Say.JSON && !p.Say.Verbose && !worthReading(ev) {
		return
	}
	p.said = time.Now()
	p.Say.progress(line, StateStyle(ev.State), newJSONEvent(ev))
}

// worthReading says whether an event has a line of its own without --verbose.
// What differs is shown by the plan, in order and as a whole.
func worthReading(ev run.Event) bool {
	switch ev.State {
	case run.Changed, run.Failed, run.Skipped:
		return ev.Pass == "apply"
	}
	return false
}

// eventLine is the plain form: "rr1  FRR is installed: changed (12.3s)".
func eventLine(ev run.Event) string {
	line := ev.Host + "  "
	if ev.Step != "" {
		line += ev.Step + ": "
	}
	line += string(ev.State)
	if ev.Took >= 100*time.Millisecond {
		line += " (" + Short(ev.Took) + ")"
	}
	if ev.Err != nil {
		line += ": " + FirstLine(ev.Err.Error())
	}
	return line
}

// A jsonEvent is one line of --progress json.
type jsonEvent struct {
	Time  time.Time `json:"time"`
	Type  string    `json:"type"` // "event"
	Pass  string    `json:"pass"`
	Stage string    `json:"stage,omitempty"`
	Host  string    `json:"host"`
	Step  string    `json:"step,omitempty"`
	State run.State `json:"state"`
	Diff  step.Diff `json:"diff,omitempty"`
	Code  vm.Code   `json:"code,omitempty"`
	Error string    `json:"error,omitempty"`
	Hint  string    `json:"hint,omitempty"`
	Took  float64   `json:"took_seconds,omitempty"`
}

func newJSONEvent(ev run.Event) jsonEvent {
	e := jsonEvent{
		Time: ev.Time.UTC(), Type: "event", Pass: ev.Pass, Stage: ev.Stage, Host: ev.Host,
		Step: ev.Step, State: ev.State, Diff: ev.Diff, Took: ev.Took.Seconds(),
	}
	if ev.Err != nil {
		e.Code, e.Error, e.Hint = CodeOf(ev.Err), ev.Err.Error(), HintOf(ev.Err)
	}
	return e
}

// fillSilence says what is running when nothing else was said for long: an
// installation takes minutes, and CI systems end jobs that are silent.
func (p *Progress) fillSilence(every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-p.stop:
			return
		case now := <-tick.C:
			if line := p.silence(now); line != "" {
				p.Say.Note("%s", line)
			}
		}
	}
}

// silence returns the line for a time at which nothing was said for long.
func (p *Progress) silence(now time.Time) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.running) == 0 || now.Sub(p.said) < quiet {
		return ""
	}
	p.said = now
	var parts []string
	for _, host := range slices.Sorted(maps.Keys(p.running)) {
		ev := p.running[host]
		parts = append(parts, fmt.Sprintf("%s: %s (%s)", host, ev.Step, now.Sub(ev.Time).Round(time.Second)))
	}
	if more := len(parts) - 5; more > 0 {
		parts = append(parts[:5], fmt.Sprintf("and %d more", more))
	}
	return "still at it: " + strings.Join(parts, ", ")
}
