// Package step has the words that all of steps/ is written in: Reader, Host,
// Step, Diff and Change, and what errors of remote commands say. Start reading
// with Step in step.go.
//
// Rules for a step:
//
//   - Check gets a Reader, so it cannot change the host. It is cheap: one or two
//     questions. Equal questions of different steps are asked once.
//   - In a dry run Check meets hosts on which the steps before it were not
//     applied. A missing command, file or user is then a difference, not an
//     error.
//   - A Diff says the same each time as long as the host stays the same: no
//     times, no process numbers, and always the same order. The operator agrees
//     to it, and a host that differs in another way afterwards is left alone.
//   - A Diff is read by people. Item names the thing ("package frr"), Have and
//     Want are its values. A file's whole text is a good value.
//   - There is no "and then reload". That a daemon runs its configuration is a
//     step of its own which asks the daemon, so that the next run completes one
//     that was cut off.
//   - Apply may be cut off at any point. What it leaves behind must be something
//     that Check finds to differ.
//   - A change of a running FRR belongs into frr.Configure, which makes it under a
//     rollback that the host carries out; the last step of the host's FRR confirms the change over a
//     new connection, or rolls it back.
//   - An error that an operator can do something about has a method
//     Hint() string.
//
// To add a step: a file with the type in the package that it belongs to, a line
// in steps.New, a test with the fake host of package steptest, "make golden",
// and a row in docs/how-it-works.md.
package step
