// Package hint gives errors a second line: what to do now.
package hint
