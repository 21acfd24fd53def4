package main

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ipfabric/cmd/ipfabric/internal/session"
	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/docs"
)

// docs/commands.md has a section for each command, which names its flags.
func TestEveryFlagIsDocumented(t *testing.T) {
	page, ok := docs.Page("commands")
	if !ok {
		t.Fatal("there is no docs/commands.md")
	}
	sections := map[string]string{}
	for _, part := range strings.Split(page, "\n### ")[1:] {
		title, text, _ := strings.Cut(part, "\n")
		text, _, _ = strings.Cut(text, "\n## ")
		sections[title] = text
	}
	env := func(string) (string, bool) { return "", false }
	a := &app{&session.Env{LookupEnv: env, Say: ui.NewSayer(io.Discard, io.Discard, &ui.Masker{}, env)}}
	flags := 0
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		if cmd.Name() == "completion" || cmd.Name() == "help" {
			return
		}
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name == "help" {
				return
			}
			flags++
			if !strings.Contains(sections[cmd.CommandPath()], "`--"+f.Name) {
				t.Errorf("docs/commands.md does not name --%s below the heading %q", f.Name, cmd.CommandPath())
			}
		})
		for _, c := range cmd.Commands() {
			visit(c)
		}
	}
	root := a.root()
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) {
		if !strings.Contains(sections["All commands"], "`--"+f.Name) {
			t.Errorf("docs/commands.md does not name --%s below the heading \"All commands\"", f.Name)
		}
	})
	visit(root)
	if flags < 20 {
		t.Errorf("saw %d flags only", flags)
	}
}
