package packages

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"ipfabric/steps/step/steptest"
)

// saidError is the error of a remote command.
type saidError struct {
	steptest.Status
	said  string
	cause error
}

func (e saidError) Said() string  { return e.said }
func (e saidError) Unwrap() error { return e.cause }

func TestErrorsOfPackageRuns(t *testing.T) {
	argv := aptGet("install", "--no-upgrade", "frr")
	for _, c := range []struct {
		err        error
		want, hint string
	}{
		{saidError{100, "E: it is broken", nil}, "`apt-get install --no-upgrade frr` ended with status 100: E: it is broken", "run on the host: env LC_ALL=C"},
		{saidError{100, "(No space left on device)", nil}, "`apt-get install --no-upgrade frr` ended with status 100: (No space left on device)", "make room"},
		{saidError{-1, "", context.DeadlineExceeded}, "`apt-get install --no-upgrade frr` goes on to its end on the host, but is not waited for any more", "run init again: it waits"},
		{saidError{-1, "", nil}, "exit status -1", "run on the host"}, // a connection that broke: it was not ipfabric that stopped waiting
		{brokenConnection{}, "lost the connection", "is the host up"},
		{fmt.Errorf("lost the connection while `sh -c 'd=1\n' sh apt-get` ran"), "lost the connection while `apt-get install --no-upgrade frr` ran", "run on the host"},
	} {
		h := aptHost()
		h.Fail = map[string]error{steptest.Line(detached(argv)...): c.err}
		err := changePackages(t.Context(), h, argv)
		var hint interface{ Hint() string }
		if err == nil || err.Error() != c.want || !errors.As(err, &hint) || !strings.Contains(hint.Hint(), c.hint) {
			t.Errorf("%v: got %v", c.err, err)
		}
	}
}

// A brokenConnection is an error with a hint of its own.
type brokenConnection struct{}

func (brokenConnection) Error() string { return "lost the connection" }
func (brokenConnection) Hint() string  { return "is the host up?" }
