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

// How long nothing may be said before a line names what is running: for the
// first time in a pass, and then.
const (
	soon  = 600 * time.Millisecond
	quiet = 15 * time.Second
)

// A Progress makes lines of the events of a run. The plain form has a line for
// what is worth reading; with --progress json there is an object for every
// event; the log has every event in both.
type Progress struct {
	Say *Sayer

	mu      sync.Mutex
	running map[string]run.Event // by host, or by what Begin was given: what takes time now
	said    time.Time            // when there was a line last
	pass    string
	silent  bool // nothing was said since the pass began
	stop    chan struct{}
}

// NewProgress returns a Progress that speaks through say until Close.
func NewProgress(say *Sayer) *Progress {
	p := &Progress{Say: say, running: map[string]run.Event{}, said: time.Now(), stop: make(chan struct{})}
	go p.fillSilence(200 * time.Millisecond)
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
	p.enter(ev.Pass)
	switch {
	case ev.State == run.Applying || ev.State == run.Looking:
		p.running[ev.Host] = ev
	case ev.State.Final():
		delete(p.running, ev.Host)
	}
	if !p.Say.JSON && !p.Say.Verbose && !worthReading(ev) {
		return
	}
	p.said, p.silent = time.Now(), false
	p.Say.progress(line, StateStyle(ev.State), newJSONEvent(ev))
}

// enter notes that another pass begins, if it does: its first line comes soon.
func (p *Progress) enter(pass string) {
	if pass != p.pass {
		maps.DeleteFunc(p.running, func(_ string, ev run.Event) bool { return ev.State == run.Looking })
		p.pass, p.silent, p.said = pass, true, time.Now()
	}
}

// Begin says what takes time until done is called, if it takes longer than a moment.
func (p *Progress) Begin(what string) (done func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.enter(what)
	p.running[what] = run.Event{Time: time.Now(), Pass: what}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.running, what)
	}
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
	limit, lead := quiet, "still running: "
	if p.silent {
		limit, lead = soon, ""
	}
	if len(p.running) == 0 || now.Sub(p.said) < limit {
		return ""
	}
	p.said, p.silent = now, false
	var parts, looking []string
	for _, host := range slices.Sorted(maps.Keys(p.running)) {
		ev := p.running[host]
		text := ev.Pass // of Begin
		switch {
		case ev.State == run.Looking:
			looking = append(looking, host)
			continue
		case ev.Host != "":
			text = host + ": " + ev.Step
		}
		if took := now.Sub(ev.Time).Round(time.Second); took > 1 && lead != "" {
			text += " (" + took.String() + ")"
		}
		parts = append(parts, text)
	}
	if len(looking) > 0 {
		parts = append(parts, "asking "+list(looking, 5))
	}
	return lead + list(parts, 5)
}

// list names the first of many.
func list(names []string, most int) string {
	if more := len(names) - most; more > 1 {
		names = append(names[:most:most], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}
