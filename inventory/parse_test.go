package inventory

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the marks in testdata/bad")

// A bad file says itself what is wrong with it. Below a line stand, as comments, the
// problems that begin in it, each behind a mark in the problem's column:
//
//	as: 65535
//	#   ^ as: AS 65535 is reserved (RFC 7300); write a number such as 65000
//
// ^ is an error and ~ a warning. As no mark fits into the first column, one
// there is written #<^ or #<~. A problem without a place stands first.
func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 30 {
		t.Fatal("files are missing:", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := marked(data)
			if *update {
				// Messages name lines, which move with the first marks.
				got = marked([]byte(got))
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(data), got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// marked parses a file and returns it with the marks that the problems give.
func marked(data []byte) string {
	_, warnings, err := Parse("fabric.yaml", data)
	marks := map[int][]string{}
	add := func(sign string, list []Problem) {
		for _, p := range list {
			m := "#" + strings.Repeat(" ", max(0, p.Column-2)) + sign
			if p.Column == 1 {
				m = "#<" + sign
			}
			marks[p.Line] = append(marks[p.Line], fmt.Sprintf("%s %s; %s", m, p.Msg, p.Hint))
		}
	}
	var errs Errors
	errors.As(err, &errs)
	add("^", errs)
	add("~", warnings)

	var out bytes.Buffer
	lines := strings.SplitAfter(string(data), "\n")
	for i := 0; i <= len(lines); i++ {
		if i > 0 && !isMark(lines[i-1]) {
			out.WriteString(lines[i-1])
			if !strings.HasSuffix(lines[i-1], "\n") && len(marks[i]) > 0 {
				out.WriteString("\n")
			}
		}
		for _, m := range marks[i] {
			out.WriteString(m + "\n")
		}
	}
	return out.String()
}

func isMark(line string) bool {
	rest, ok := strings.CutPrefix(line, "#")
	if !ok {
		return false
	}
	rest = strings.TrimLeft(rest, " <")
	return strings.HasPrefix(rest, "^ ") || strings.HasPrefix(rest, "~ ")
}

func TestEveryBadFileHasItsMarks(t *testing.T) {
	files, _ := filepath.Glob("testdata/bad/*.yaml")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(strings.SplitAfter(string(data), "\n"), isMark) {
			t.Errorf("%s is not bad at all", file)
		}
	}
}

func TestNothingInTheFile(t *testing.T) {
	for _, data := range []string{"", "\n", "---\n", "null\n", "# comment", "\ufeff"} {
		_, _, err := Parse("fabric.yaml", []byte(data))
		const want = "fabric.yaml:1:1: the file is empty; start with `ipfabric inventory example`"
		if err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", data, err, want)
		}
	}
}

// An open bracket in the last line: nothing below it can be to blame.
func TestBracketsInTheLastLine(t *testing.T) {
	for _, tt := range []struct{ data, want string }{
		{"x: [", "close the bracket that this line opens: the [ needs a ]"},
		{"x: [\n", "close the bracket that this line opens: the [ needs a ]"},
		{"a: 1\nx: {y: [1], z: \"]\"", "close the bracket that this line opens: the { needs a }"},
		{"x: [1]]", "remove the ]: no bracket is open that it could close"},
		{"x: ]", "remove the ]: no bracket is open that it could close"},
		{"x: {y: [1}", "close the bracket: there is } where the [ needs a ]"},
		{"a:\n  - b\n c: 3", "give all keys of one block the same indentation"},
	} {
		_, _, err := Parse("fabric.yaml", []byte(tt.data))
		if err == nil || !strings.Contains(err.Error(), "not valid YAML: ") || !strings.HasSuffix(err.Error(), "; "+tt.want) {
			t.Errorf("%q: got %v, want %s", tt.data, err, tt.want)
		}
	}
}

func TestLettersThatOnlyLookLatin(t *testing.T) {
	for _, tt := range []struct{ key, want string }{
		{"\u0430s", "did you mean as (that is a Cyrillic letter)?"},
		{"n\u03bfdes", "did you mean nodes (that is a Greek letter)?"},
		{"n\u043edez", "did you mean nodes?"},
		{"\u043d\u043e\u0434\u044b", "write one of fabric, "},
	} {
		if got := suggest(tt.key, reflect.TypeFor[rawFabric]()); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%+q: got %s, want %s", tt.key, got, tt.want)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"node1", "node2", "rr1", "limit", "wait"}
	for typed, want := range map[string]string{"nod1": "node1", "limt": "limit", "rr": "rr1", "wiat": "wait", "quux": "", "node": "node1", "x": "", "": ""} {
		if got := Nearest(typed, names); got != want {
			t.Errorf("Nearest(%s) = %q, want %q", typed, got, want)
		}
	}
}

// In a big fabric, too, the search for the beginning of an open quote ends.
func TestSyntaxErrorInABigFile(t *testing.T) {
	var b strings.Builder
	b.WriteString(minimal)
	for i := range 5000 {
		fmt.Fprintf(&b, "  - name: \"node%d\"\n    addresses: [10.11.%d.%d]\n", i+2, i/250, i%250+1)
	}
	data := strings.Replace(b.String(), `"node3000"`, `"node3000`, 1)
	line := 1 + strings.Count(data[:strings.Index(data, `"node3000`)], "\n")
	start := time.Now()
	_, _, err := Parse("fabric.yaml", []byte(data))
	var errs Errors
	if !errors.As(err, &errs) || errs[0].Line < line || errs[0].Line > line+2 {
		t.Errorf("got %v, want line %d", err, line)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
}
