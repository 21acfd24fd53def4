// Package metrics shows the agent's status to Prometheus. Every scrape asks
// anew; docs/agent-reference.md lists what there is.
package metrics
