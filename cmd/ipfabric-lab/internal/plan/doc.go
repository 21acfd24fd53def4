// Package plan says which machines a lab has and what their addresses are.
package plan
