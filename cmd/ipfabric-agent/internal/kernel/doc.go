// Package kernel is the thin layer between package dataplane and Linux: it
// finds what is there, does one change at a time, and tells of changes that
// others make. It decides nothing.
package kernel
