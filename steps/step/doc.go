// Package step has the words that all steps are written in: a Reader looks at a
// host, a Host can be changed, a Step is one thing that must be true of it, and a
// Diff is what a look has found. It also reads what errors of remote commands carry:
// the exit status, what was said, and a hint.
package step
