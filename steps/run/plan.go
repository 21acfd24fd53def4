package run

import (
	"slices"

	"ipfabric/steps/step"
)

// A Plan is what a run does, in order. It is the program's table of contents.
type Plan []Stage

// A Stage is a group of tasks. The next stage starts when all of its tasks
// have ended.
type Stage struct {
	Name string
	// Parallel runs the stage's tasks at the same time. Otherwise they run one
	// after the other, and the first that fails keeps the rest from starting.
	Parallel bool
	// Canary changes the hosts of a parallel stage one at a time until one was
	// changed and its task ended without an error; then the others follow at
	// the same time. A host that is down, in sync or fails is no canary. A
	// change that is rolled back or refused ends the run for all others.
	Canary bool
	// Whole finishes a task that has begun to change its host even if the run
	// is to stop.
	Whole bool
	// EndsRun keeps later stages from starting too once a task has failed, of a
	// stage that runs its tasks one after the other.
	EndsRun bool
	Tasks   []Task
}

// A Task is what must be true of one host in one stage.
type Task struct {
	Node  string // name of the host in the inventory
	Steps []step.Step
}

// Hosts names the plan's hosts, each once, in order.
func (p Plan) Hosts() []string {
	var out []string
	for _, s := range p {
		for _, t := range s.Tasks {
			if !slices.Contains(out, t.Node) {
				out = append(out, t.Node)
			}
		}
	}
	return out
}

// Only returns the part of the plan that is about the given hosts.
func (p Plan) Only(hosts ...string) Plan {
	var out Plan
	for _, s := range p {
		kept := s
		kept.Tasks = nil
		for _, t := range s.Tasks {
			if slices.Contains(hosts, t.Node) {
				kept.Tasks = append(kept.Tasks, t)
			}
		}
		if len(kept.Tasks) > 0 {
			out = append(out, kept)
		}
	}
	return out
}

// atOnce puts each host's steps into one task, and all tasks into one stage:
// looking has no order to keep.
func (p Plan) atOnce() Plan {
	all := Stage{Parallel: true}
	for _, host := range p.Hosts() {
		t := Task{Node: host}
		for _, s := range p.Only(host) {
			t.Steps = append(t.Steps, s.Tasks[0].Steps...)
		}
		all.Tasks = append(all.Tasks, t)
	}
	return Plan{all}
}

// Add appends steps to a host's task, which it makes if there is none.
func (s *Stage) Add(host string, steps ...step.Step) {
	for i := range s.Tasks {
		if s.Tasks[i].Node == host {
			s.Tasks[i].Steps = append(s.Tasks[i].Steps, steps...)
			return
		}
	}
	s.Tasks = append(s.Tasks, Task{Node: host, Steps: steps})
}
