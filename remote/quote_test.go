package remote

import (
	"os/exec"
	"strings"
	"testing"

	"al.essio.dev/pkg/shellescape"
	"github.com/google/go-cmp/cmp"
)

var nasty = []string{
	"", " ", "a b", "'", "''", `"`, `\`, `\\`, `\'`, `'\''`, "$HOME", "$(id)", "`id`", "a;b", "a&b", "a|b", "<a>", "*", "?", "[a]", "~",
	"~root", "#", "!", "!!", "a\nb", "\n", "a\n", "\t", "-n", "--", "=a", "a=b", "{a,b}", "%s", "ä€", "\xff\xfe", "\x01\x7f", "(a)", "^", "\r", `'"'"'`, `\n`,
}

func TestQuoteAgainstShells(t *testing.T) {
	for _, shell := range []string{"/bin/sh", "bash"} {
		quotedArrives(t, shell, nasty)
	}
}

// csh takes no long words, line breaks in quotes or exclamation marks. csh and fish themselves are tried on a
// machine of the lab.
func TestEncodedForCsh(t *testing.T) {
	args := append([]string{strings.Repeat("x! ", 5000)}, nasty...)
	quotedArrives(t, "/bin/sh", args)
	for word := range strings.SplitSeq(encode(shellescape.QuoteCommand(args)), "'") {
		if len(word) > 1000 || strings.ContainsAny(word, "!\n") {
			t.Errorf("csh takes no word such as %q", word)
		}
	}
}

func FuzzQuote(f *testing.F) {
	for _, s := range nasty {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsRune(s, 0) {
			return // cannot be an argument
		}
		quotedArrives(t, "/bin/sh", []string{s, "x", s})
	})
}

// quotedArrives runs a line that prints its arguments, both as the operator pastes it and as a host gets it.
func quotedArrives(t *testing.T, shell string, args []string) {
	t.Helper()
	script := `printf '%s\0' ` + shellescape.QuoteCommand(args)
	for _, line := range []string{script, encode(script)} {
		out, err := exec.Command(shell, "-c", line).Output()
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
		if diff := cmp.Diff(args, got); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", shell, line, diff)
		}
	}
}

func TestQueryPassesArgumentsVerbatim(t *testing.T) {
	_, h := connect(t)
	out, err := h.Query(testContext(t), append([]string{"printf", `%s\0`}, nasty...)...)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSuffix(out, "\x00"), "\x00")
	if diff := cmp.Diff(nasty, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestArgumentsThatCannotBe(t *testing.T) {
	h := newClient(t, Config{}).Host(Target{Name: "node2"})
	if err := h.Run(testContext(t)); err == nil {
		t.Error("no command at all was accepted")
	}
	if err := h.Run(testContext(t), "echo", "a\x00b"); err == nil {
		t.Error("a zero byte was accepted")
	}
}
