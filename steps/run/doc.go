// Package run carries out plans. It knows nothing about what the steps do.
//
// Start reading with Plan in plan.go, then Runner in run.go. For each step the
// Runner does the same:
//
//	Check → report the difference → (stop if dry run) → Apply → Check again
//
// All progress is made of the Events that it reports, in every form of output.
//
// The files:
//
//   - plan.go: Plan, Stage, Task.
//   - run.go: Runner, and how one host is brought through one stage.
//   - stage.go: the order of the hosts in a stage. One after the other, or in
//     parallel behind a canary.
//   - shown.go: a host whose differences are not those that the operator has
//     seen is left alone.
//   - halt.go: when no further host is begun.
//   - cache.go: the checks of a host share its answers.
//   - event.go: Event and Result.
//
// Errors of steps may have these methods, and package step has functions that
// ask for them:
//
//   - RolledBack() bool: the change was made and taken back. No further host
//     is begun.
//   - Refused() bool: the change was refused before anything was touched, for a
//     reason that holds on other hosts, too. No further host is begun.
//   - Hint() string: what the operator can do now.
package run
