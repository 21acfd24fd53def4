package packages

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ipfabric/assets"
	"ipfabric/steps/step"
)

func detached(argv []string) []string {
	return assets.Script("to-the-end.sh", argv...)
}

// changePackages runs a package manager that nothing cuts off.
func changePackages(ctx context.Context, h step.Host, argv []string) error {
	err := h.Run(ctx, detached(argv)...)
	if err == nil {
		return nil
	}
	var ran interface{ ExitStatus() int }
	stopped := errors.As(err, &ran) && ran.ExitStatus() < 0 && (ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded))
	return packageError(errPackageRun{argv, err, stopped})
}

// errPackageRun is an error with a hint: a package manager that failed, or
// that is not waited for any more.
type errPackageRun struct {
	argv    []string
	err     error
	stopped bool // waiting for it was
}

// Unwrap lets callers see the command's exit status.
func (e errPackageRun) Unwrap() error { return e.err }

func (e errPackageRun) Error() string {
	switch {
	case e.stopped:
		return fmt.Sprintf("`%s` goes on to its end on the host, but is not waited for any more", e.brief())
	case step.ExitStatus(e.err) >= 0:
		return strings.TrimSuffix(fmt.Sprintf("`%s` ended with status %d: %s", e.brief(), step.ExitStatus(e.err), step.SaidBy(e.err)), ": ")
	}
	// A connection that broke, which names the whole command.
	text := e.err.Error()
	from, to := strings.Index(text, "`sh -c "), strings.LastIndex(text, "`")
	if from < 0 || to <= from {
		return text
	}
	return text[:from+1] + e.brief() + text[to:]
}

func (e errPackageRun) Hint() string {
	if e.stopped {
		return "run init again: it waits for the package manager"
	}
	var own interface{ Hint() string }
	if step.ExitStatus(e.err) < 0 && errors.As(e.err, &own) {
		return own.Hint() // such as a connection that broke
	}
	return "to see it for yourself, run on the host: " + strings.Join(e.argv, " ")
}

// brief leaves out what every call has.
func (e errPackageRun) brief() string {
	start := slices.IndexFunc(e.argv, func(a string) bool { return a != "env" && !strings.Contains(a, "=") })
	var out []string
	for i := max(start, 0); i < len(e.argv); i++ {
		switch a := e.argv[i]; {
		case a == "-o":
			i++
		case a == "-q" || a == "-y" || strings.HasPrefix(a, "--setopt="):
		default:
			out = append(out, a)
		}
	}
	return strings.Join(out, " ")
}
