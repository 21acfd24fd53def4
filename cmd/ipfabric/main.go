package main

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"

	"ipfabric/cmd/ipfabric/internal/session"
	"ipfabric/cmd/ipfabric/internal/ui"
)

func main() {
	os.Exit(ui.ExitCode(execute(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)))
}

// run is the program. What it has to say of its error has been said when it
// returns; the error is left to make the exit code of.
func execute(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	mask := &ui.Masker{}
	say := ui.NewSayer(stdout, stderr, mask, os.LookupEnv)
	say.JSONErrors = slices.Contains(args, "--json") // also where the error is about the arguments themselves
	defer say.Log.Close()
	ctx, signals, release := session.CatchSignals(ctx, say)
	defer release()

	a := &app{&session.Env{LookupEnv: os.LookupEnv, Program: buildInfo().String(), Mask: mask, Say: say, Signals: signals, Ask: ui.NewAsker(stdin, say, mask)}}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if say.Lost != nil && (ui.ExitCode(err) == ui.ExitOK || ui.ExitCode(err) == ui.ExitChanges) {
		err = ui.WithHint(say.Lost, "see where standard output goes")
	}
	if err != nil && signals.Interrupted() {
		if !errors.Is(err, ui.ErrInterrupted) {
			err = ui.ErrInterrupted
		}
		err = &ui.CodedError{Code: ui.ExitInterrupted, Err: err}
	}
	var coded *ui.CodedError
	if err != nil && !(errors.As(err, &coded) && coded.Err == nil) {
		say.Failure(err)
	}
	if code := ui.ExitCode(err); code != ui.ExitOK && code != ui.ExitChanges && say.Log.Path != "" {
		say.Note("the whole story is in %s", say.Log.Path)
	}
	return err
}

// An app is one call of the program: what the commands share.
type app struct{ *session.Env }
