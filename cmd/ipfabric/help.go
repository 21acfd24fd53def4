package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/docs"
	"ipfabric/inventory"
)

// listTopics is the topic that lists the others.
const listTopics = "topics"

// helpCommand takes the place of cobra's own.
func (a *app) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND | TOPIC]",
		Short: "Explain a command, or print a page of the documentation",
		Long: `Help explains a command, or prints a page of the documentation, which is part of
this program. A name that is both, such as vm, prints the page first.`,
		Example: `  ipfabric help topics
  ipfabric help quickstart
  ipfabric help vm add`,
		ValidArgsFunction: completeHelp,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.help(cmd.Root(), args) },
	}
}

func (a *app) help(root *cobra.Command, args []string) error {
	page := ""
	if len(args) == 1 {
		page = helpPage(args[0])
	}
	about, rest, err := root.Find(args)
	isCommand := err == nil && len(rest) == 0
	switch {
	case page != "" && !isCommand:
		a.Say.Result(page)
		return nil
	case page != "":
		a.Say.Result(page + "\n")
	case !isCommand:
		return unknownTopic(root, args)
	}
	about.InitDefaultHelpFlag() // else the list of flags lacks --help
	return about.Help()
}

// helpPage returns the text of a topic, "" if there is no such topic.
func helpPage(topic string) string {
	if topic != listTopics {
		page, _ := docs.Page(topic)
		return page
	}
	var b strings.Builder
	for _, t := range docs.Topics() {
		fmt.Fprintf(&b, "%-16s %s\n", t.Name, t.Summary)
	}
	return b.String()
}

func unknownTopic(root *cobra.Command, args []string) error {
	hint := "`ipfabric help topics` lists the topics, `ipfabric --help` the commands"
	if near := inventory.Nearest(args[0], helpNames(root)); near != "" && len(args) == 1 {
		hint = fmt.Sprintf("did you mean `ipfabric help %s`?", near)
	}
	return ui.Usagef(hint, "there is no help on %q", strings.Join(args, " "))
}

// helpNames are the commands and the topics, each once.
func helpNames(root *cobra.Command) []string {
	names := []string{listTopics}
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	for _, t := range docs.Topics() {
		names = append(names, t.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// completeHelp offers commands and topics, then the commands below a command.
func completeHelp(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return helpNames(cmd.Root()), cobra.ShellCompDirectiveNoFileComp
	}
	var out []string
	if about, rest, err := cmd.Root().Find(args); err == nil && len(rest) == 0 {
		for _, c := range about.Commands() {
			out = append(out, c.Name())
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
