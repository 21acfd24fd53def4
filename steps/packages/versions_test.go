package packages

import (
	"testing"

	"ipfabric/steps/step/steptest"
)

func TestHasSpace(t *testing.T) {
	const head = "Filesystem 1048576-blocks Used Available Capacity Mounted on\n"
	for df, want := range map[string]string{
		"/dev/sda1 20000 10000 150 50% /\n":                                  "",
		"/dev/sda1 20000 10000 149 50% /\n":                                  "there is no room for FRR's packages: / has 149 MB free, 150 are needed",
		"/dev/sda1 20000 10000 9000 50% /\n/dev/sda2 1000 990 10 99% /var\n": "there is no room for FRR's packages: /var has 10 MB free, 150 are needed",
		"odd line\n/dev/sda1 20000 10000 - 50% /\n":                          "",
	} {
		h := &steptest.Host{Answers: map[string]string{"df -P -m /usr /var /etc": head + df}}
		err := HasSpace(t.Context(), h)
		if got := ""; err != nil {
			if got = err.Error(); got != want {
				t.Errorf("%q: got %s", df, got)
			}
		} else if want != "" {
			t.Errorf("%q: no error", df)
		}
	}
}
