// Package docs holds the pages of this folder, so that an installed program
// can print them: `ipfabric help TOPIC`.
package docs

import (
	"embed"
	"slices"
	"strings"
)

//go:embed *.md
var files embed.FS

// A Topic is one page.
type Topic struct {
	Name    string // the file's name without .md, such as "quickstart"
	Summary string // the page's first sentence, in one line
}

// Topics returns all pages, in the order of their names.
func Topics() []Topic {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	var out []Topic
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".md")
		text, _ := Page(name)
		out = append(out, Topic{Name: name, Summary: firstSentence(text)})
	}
	slices.SortFunc(out, func(a, b Topic) int { return strings.Compare(a.Name, b.Name) }) // without .md
	return out
}

// Page returns a topic's text as it is in the file, in Markdown. The second
// result is false if there is no such topic.
func Page(topic string) (string, bool) {
	text, err := files.ReadFile(topic + ".md")
	return string(text), err == nil
}

// firstSentence returns the first sentence below the page's title.
func firstSentence(text string) string {
	_, text, _ = strings.Cut(text, "\n\n")
	paragraph, _, _ := strings.Cut(text, "\n\n")
	paragraph = strings.Join(strings.Fields(paragraph), " ")
	if sentence, _, more := strings.Cut(paragraph, ". "); more {
		return sentence + "."
	}
	return paragraph
}
