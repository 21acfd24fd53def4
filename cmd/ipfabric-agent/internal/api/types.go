package api

import "time"

// A Status says how the agent and what it looks after are.
type Status struct {
	Version   string    `json:"version"`
	Config    Config    `json:"config"`
	Started   time.Time `json:"started"`
	UptimeSec int64     `json:"uptime_seconds"`
	Healthy   bool      `json:"healthy"`  // no problems
	Problems  []string  `json:"problems"` // what keeps the agent from its work; never null
	Warnings  []string  `json:"warnings"` // what an operator should look at; never null
}

// A Config says which configuration the agent runs with.
type Config struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256"` // of the file's bytes when the agent read it, in hex
	Fabric string `json:"fabric"`
	Node   string `json:"node"`
}

// An errorBody is the body of every answer that is not 2xx.
type errorBody struct {
	Error string `json:"error"`
	Hint  string `json:"hint,omitempty"`
}
