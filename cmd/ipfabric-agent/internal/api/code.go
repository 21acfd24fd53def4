package api

import (
	"net/http"
	"strings"

	"ipfabric/inventory/vm"
)

// protocolHeader has the number of the protocol that its sender speaks, in
// requests and answers.
const protocolHeader = "Ipfabric-Protocol"

// anyProtocol says whether a request is answered whatever protocol the other
// side speaks: the status, by which a difference is found, and the calls of
// hypervisors, whose guests must not be without network during an update.
func anyProtocol(path string) bool {
	return path == "/v1/status" || strings.HasPrefix(path, "/v1/hooks/")
}

// statuses are the HTTP statuses of errors. The first of those that share a
// status is what that status means in the answer of an agent that sends no code.
var statuses = []struct {
	code   vm.Code
	status int
}{
	{vm.Usage, http.StatusBadRequest},
	{vm.AgentOlder, http.StatusBadRequest},
	{vm.IpfabricOlder, http.StatusBadRequest},
	{vm.NotFound, http.StatusNotFound},
	{vm.Conflict, http.StatusConflict},
	{vm.TooMany, http.StatusConflict},
	{vm.TooLarge, http.StatusRequestEntityTooLarge},
	{vm.Invalid, http.StatusUnprocessableEntity},
	{vm.TooLate, http.StatusServiceUnavailable},
	{vm.DiskFull, http.StatusInsufficientStorage},
}

func statusOf(code vm.Code) int {
	for _, s := range statuses {
		if s.code == code {
			return s.status
		}
	}
	return http.StatusInternalServerError
}

func codeOf(status int) vm.Code {
	for _, s := range statuses {
		if s.status == status {
			return s.code
		}
	}
	return vm.Internal
}
