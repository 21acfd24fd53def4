package main

import (
	"fmt"
	"strings"

	"ipfabric/steps/frr"
	"ipfabric/steps/run"
)

// An outlook is what a dry run found. It is also `plan --json`.
type outlook struct {
	Fabric  string        `json:"fabric"`
	Changes int           `json:"changes"` // steps that differ, on all hosts
	Failed  int           `json:"failed"`  // hosts that could not be looked at
	Hosts   []hostOutlook `json:"hosts"`
}

// A hostOutlook is one host of an outlook.
type hostOutlook struct {
	Host  string           `json:"host"`
	Role  string           `json:"role"`
	State run.State        `json:"state"` // in-sync, differs, failed or skipped
	Steps []run.Difference `json:"steps"` // those that differ, in their order
	Error string           `json:"error,omitempty"`
	Hint  string           `json:"hint,omitempty"`

	FRR *frr.Versions `json:"frr,omitempty"` // in a plan, where the host told it

	result run.HostResult
}

// failed are the results of the hosts that could not be looked at, in order.
func (o *outlook) failed() run.Result {
	var out run.Result
	for _, h := range o.Hosts {
		if h.result.Err != nil {
			out = append(out, h.result)
		}
	}
	return out
}

// render gives the outlook for people. Hosts of which the same is to be said
// share one paragraph.
func (o *outlook) render(much extent, paint func(style, string) string) string {
	var paragraphs []string
	hosts := map[string][]string{} // by paragraph
	inSync := 0
	for _, h := range o.Hosts {
		if h.result.Err == nil && len(h.Steps) == 0 {
			inSync++
			continue
		}
		p := h.paragraph(much, paint)
		if hosts[p] == nil {
			paragraphs = append(paragraphs, p)
		}
		hosts[p] = append(hosts[p], h.Host)
	}
	var b strings.Builder
	for _, p := range paragraphs {
		fmt.Fprintf(&b, "%s  %s\n", paint(bold, strings.Join(hosts[p], ", ")), p)
	}
	b.WriteString(o.frrLine())
	b.WriteString(o.summary(inSync) + "\n")
	return b.String()
}

// paragraph is what there is to say of a host, but for its name.
func (h hostOutlook) paragraph(much extent, paint func(style, string) string) string {
	var b strings.Builder
	switch {
	case h.result.Err != nil && len(h.Steps) > 0:
		b.WriteString(paint(red, "could not be looked at to the end; so far "+count(len(h.Steps), "change")) + "\n")
	case h.result.Err != nil:
		b.WriteString(paint(red, "could not be looked at") + "\n")
	default:
		b.WriteString(paint(yellow, count(len(h.Steps), "change")) + "\n")
	}
	for _, st := range h.Steps {
		b.WriteString("  " + paint(bold, st.Step) + "\n")
		b.WriteString(indent("    ", renderDiff(st.Diff, much, paint)))
	}
	return b.String()
}

func (o *outlook) summary(inSync int) string {
	parts := []string{count(o.Changes, "change") + " to make"}
	if o.Changes == 0 {
		parts[0] = "0 changes"
	}
	if inSync > 0 {
		parts = append(parts, count(inSync, "host")+" in sync")
	}
	if o.Failed > 0 {
		parts = append(parts, count(o.Failed, "host")+" could not be looked at")
	}
	return strings.Join(parts, ", ")
}

// toChange names the hosts that a run has something to do on.
func (o *outlook) toChange() []string {
	var out []string
	for _, h := range o.Hosts {
		if h.result.Err == nil && len(h.Steps) > 0 {
			out = append(out, h.Host)
		}
	}
	return out
}

func (o *outlook) addFRR(versions map[string]frr.Versions) {
	for i, h := range o.Hosts {
		if v, ok := versions[h.Host]; ok {
			o.Hosts[i].FRR = &v
		}
	}
}

// frrLine says which FRR the hosts have: "FRR: rr1, rr2 8.4.4-1; node1 none".
func (o *outlook) frrLine() string {
	var texts []string
	hosts := map[string][]string{} // by text
	for _, h := range o.Hosts {
		if h.FRR == nil {
			continue
		}
		t := frrText(*h.FRR)
		if hosts[t] == nil {
			texts = append(texts, t)
		}
		hosts[t] = append(hosts[t], h.Host)
	}
	for i, t := range texts {
		texts[i] = strings.Join(hosts[t], ", ") + " " + t
	}
	if len(texts) == 0 {
		return ""
	}
	return "FRR: " + strings.Join(texts, "; ") + "\n"
}

func frrText(v frr.Versions) string {
	switch {
	case v.Installed == "" && v.Offered == "":
		return "none yet"
	case v.Installed == "":
		return "none, gets " + v.Offered
	case v.Offered == "" || v.Offered == v.Installed:
		return v.Installed
	}
	return v.Installed + " (its source has " + v.Offered + ")"
}
