// Package ui is everything of ipfabric that speaks or asks: messages, progress,
// questions, the run's log, tables, differences and reports. It shows what the
// packages of steps return, and does none of their work.
//
// say.go has the rules of what is said, and how.
package ui
