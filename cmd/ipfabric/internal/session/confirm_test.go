package session

import (
	"context"
	"strings"
	"testing"
)

func TestDetailsBeforeTheDecision(t *testing.T) {
	for _, tt := range []struct {
		answers, details string
		shown            string
		applied          bool
	}{
		{"y", "all", "", true},
		{"yes", "", "", true},
		{"n", "all", "", false},
		{"", "all", "", false},
		{"d d y", "all", "allall", true},
		{"d n", "all", "all", false},
		{"d", "", "", false}, // there is no more to see than was shown
	} {
		answers, shown := strings.Split(tt.answers, " "), ""
		choose := func(_ context.Context, question string) (string, error) {
			if offered := strings.Contains(question, "(d: "); offered != (tt.details != "") {
				t.Errorf("%q: asked %q", tt.answers, question)
			}
			answer := answers[0]
			answers = answers[1:]
			return answer, nil
		}
		err := decide(context.Background(), "Apply this?", tt.details, choose, func(text string) { shown += text })
		if (err == nil) != tt.applied || shown != tt.shown {
			t.Errorf("%q: %v, shown %q", tt.answers, err, shown)
		}
	}
}
