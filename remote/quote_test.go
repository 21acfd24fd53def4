package remote

import (
	"os/exec"
	"strings"
	"testing"

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

// What the login shell gets must mean the same to each, whatever it is.
func TestEncodedScripts(t *testing.T) {
	long := strings.Repeat("x! ", 5000)
	script := quoteAll(append([]string{"printf", `%s\0`, long}, nasty...))
	for _, shell := range []string{"/bin/sh", "bash"} { // fish and csh are tried on a machine of the lab
		out, err := exec.Command(shell, "-c", encode(script)).Output()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(append([]string{long}, nasty...), strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", shell, diff)
		}
	}
	line := encode(script)
	for _, word := range strings.Split(line, "'") {
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

func quotedArrives(t *testing.T, shell string, args []string) {
	t.Helper()
	out, err := exec.Command(shell, "-c", `printf '%s\0' `+quoteAll(args)).Output()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	if diff := cmp.Diff(args, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", shell, diff)
	}
}

// The error's line must do the same when it is pasted: it goes through two shells.
func TestPasteableLine(t *testing.T) {
	ep := endpoint{host: "fd00::22", port: 2222, user: "root", via: []string{"ops@bastion:2022"}}
	got := command{argv: []string{"printf", "%s|", "it's", "$HOME", `\`}}.pasteable(ep, rights{})
	if !strings.HasPrefix(got, "ssh -J ops@bastion:2022 -p 2222 root@fd00::22 '") {
		t.Errorf("got %s", got)
	}
	out, err := exec.Command("/bin/sh", "-c", "ssh() { eval \"$6\"; }; "+got).Output()
	if err != nil || string(out) != `it's|$HOME|\|` {
		t.Errorf("got %q, %v", out, err)
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
