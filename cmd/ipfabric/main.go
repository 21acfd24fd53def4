package main

import (
	"context"
	"errors"
	"io"
	"os"
)

func main() {
	os.Exit(exitCode(execute(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)))
}

// run is the program. What it has to say of its error has been said when it
// returns; the error is left to make the exit code of.
func execute(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	mask := &masker{}
	say := newSayer(stdout, stderr, mask, os.LookupEnv)
	defer say.log.close()
	ctx, signals, release := catchSignals(ctx, say)
	defer release()

	a := &app{&runEnv{env: os.LookupEnv, program: buildInfo().String(), mask: mask, say: say, signals: signals, ask: newAsker(stdin, say, mask)}}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if say.lost != nil && (exitCode(err) == exitOK || exitCode(err) == exitChanges) {
		err = withHint(say.lost, "see where standard output goes")
	}
	if err != nil && signals.interrupted() {
		if !errors.Is(err, errInterrupted) {
			err = errInterrupted
		}
		err = &codedError{code: exitInterrupted, err: err}
	}
	var coded *codedError
	if err != nil && !(errors.As(err, &coded) && coded.err == nil) {
		say.failure(err)
	}
	if code := exitCode(err); code != exitOK && code != exitChanges && say.log.path != "" {
		say.note("the whole story is in %s", say.log.path)
	}
	return err
}

// An app is one call of the program: what the commands share.
type app struct{ *runEnv }
