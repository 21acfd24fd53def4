// Package flock keeps two ipfabric-lab from doing the same work at once. The
// locks go with the process that holds them, however it ends.
package flock
