// Package steptest is for tests only: a fake host, fabrics to make plans of, and
// golden files.
package steptest
