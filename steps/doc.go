// Package steps says what must be true of the hosts of a fabric, makes it
// true, and looks whether it is.
//
// New turns a checked inventory into a Plan: stages of tasks of Steps. It
// touches no host. A Runner carries a Plan out over the Hosts that its caller
// connects, by one loop:
//
//	Check → report the difference → (stop if dry run) → Apply → Check again
//
// All that a user sees comes from that loop: the plan before anything is
// touched, the differences, a second run that changes nothing, and what verify
// says of the configuration.
//
// Rules for a Step:
//
//   - Check gets a Reader, so it cannot change the host. It is cheap: one or
//     two questions. Equal questions of different steps are asked once.
//   - In a dry run Check meets hosts on which the steps before it were not
//     applied. A missing command, file or user is then a difference.
//   - There is no "and then reload". That FRR runs its configuration is a step
//     of its own which asks FRR, so an interrupted run is completed by the next.
//   - Apply may be interrupted at any point. What it leaves must be something
//     that Check finds to differ.
//   - A change of a running FRR is made under a rollback that the host carries out
//     (package frr); the last step of the host's FRR confirms it over a new
//     connection, or rolls it back.
//
// To add a step: a file of its own with the type, a line in New, a test with
// the fake host of fakehost_test.go, and a sentence in docs/how-it-works.md.
package steps
