package docs

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// pages returns the text of every page of the project, by its path from here.
func pages(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, pattern := range []string{"*.md", "../*.md"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			out[name] = string(text)
		}
	}
	if len(out) < len(Topics())+3 {
		t.Fatalf("found %d pages", len(out))
	}
	return out
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

func TestLinks(t *testing.T) {
	all := pages(t)
	for name, text := range all {
		for _, m := range link.FindAllStringSubmatch(prose(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			file, anchor, _ := strings.Cut(m[1], "#")
			target := name
			if file != "" {
				target = path.Join(path.Dir(name), file)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: link to %s: no such file", name, m[1])
				continue
			}
			if anchor != "" && !slices.Contains(anchors(all[target]), anchor) {
				t.Errorf("%s: link to %s: no such heading; there are %s", name, m[1], strings.Join(anchors(all[target]), ", "))
			}
		}
	}
}

// A table's row and an address cannot be broken.
func TestLineLength(t *testing.T) {
	for name, text := range pages(t) {
		for i, line := range strings.Split(text, "\n") {
			if strings.HasPrefix(line, "|") || strings.Contains(line, "://") {
				continue
			}
			if n := utf8.RuneCountInString(line); n > 100 {
				t.Errorf("%s:%d: %d characters", name, i+1, n)
			}
		}
	}
}

// `ipfabric help topics` shows them in a terminal of 80 columns.
func TestSummaries(t *testing.T) {
	for _, topic := range Topics() {
		s := topic.Summary
		if len(s) < 20 || len(s) > 63 || !strings.HasSuffix(s, ".") {
			t.Errorf("%s.md begins with %q, want one sentence of at most 63 characters", topic.Name, s)
		}
	}
}

func TestEveryPageIsInTheReadme(t *testing.T) {
	readme := pages(t)["../README.md"]
	for _, topic := range Topics() {
		if !strings.Contains(readme, "(docs/"+topic.Name+".md)") {
			t.Errorf("README.md has no link to docs/%s.md", topic.Name)
		}
	}
}

func TestPageOfNoTopic(t *testing.T) {
	if text, ok := Page("nonsense"); ok || text != "" {
		t.Errorf("got %q, %t", text, ok)
	}
}

// prose is a page without its blocks of code.
func prose(text string) string {
	var out []string
	code := false
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			code = !code
		}
		if !code {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

// anchors are the names of a page's headings in links, as GitHub makes them.
func anchors(text string) []string {
	var out []string
	for _, line := range strings.Split(prose(text), "\n") {
		title := strings.TrimLeft(line, "#")
		if title == line || !strings.HasPrefix(title, " ") {
			continue
		}
		out = append(out, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, strings.TrimSpace(title)))
	}
	return out
}
