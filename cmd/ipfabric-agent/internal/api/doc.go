// Package api is how the agent is talked to: HTTP with JSON bodies over a unix
// socket that only root can open. It holds the server, the client, and the
// types that pass between them. docs/agent-reference.md describes it for other programs.
package api
