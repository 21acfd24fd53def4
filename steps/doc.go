// Package steps is the program's table of contents: what must be true of which
// host of a fabric, and in which order.
//
// Start reading with New, in new.go. It turns a checked inventory into a
// run.Plan: stages, in them tasks (one for each host), in them steps. It
// touches no host.
//
// Then read, in this order:
//
//   - steps/step: what a step, a difference and a host are, and the rules for
//     a step.
//   - steps/run: how a plan is carried out, and in which order hosts are
//     changed.
//   - the package of the step that you are interested in: steps/host,
//     steps/packages, steps/frr, steps/firewall or steps/agent.
//
// testdata/*.plan shows what New returns for a few fabrics. A test compares
// them, and another one fails if a type with the methods of a step is in none
// of them. After a change on purpose run "make golden" and look at the diff.
package steps
