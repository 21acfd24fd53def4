package engine

import (
	"context"
	"time"

	"ipfabric/cmd/ipfabric-agent/internal/api"
)

// An Engine keeps the kernel as the VMs of this node need it.
type Engine struct {
	Version string
	Config  api.Config
	Started time.Time
}

// Status says how the node is.
func (e *Engine) Status(context.Context) api.Status {
	s := api.Status{
		Version:   e.Version,
		Config:    e.Config,
		Started:   e.Started,
		UptimeSec: int64(time.Since(e.Started).Seconds()),
		Problems:  []string{},
		Warnings:  []string{},
	}
	s.Healthy = len(s.Problems) == 0
	return s
}
