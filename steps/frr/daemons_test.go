package frr

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipfabric/steps/step/steptest"
)

func TestEnableDaemons(t *testing.T) {
	for in, want := range map[string]string{
		"# bgpd=yes in a comment\nbgpd=no\nospfd=yes\nbgpd_options=\"   -A 127.0.0.1\"\n": "# bgpd=yes in a comment\nbgpd=yes\nospfd=yes\nbgpd_options=\"   -A 127.0.0.1\"\nbfdd=yes\n",
		"ospfd=yes": "ospfd=yes\nbgpd=yes\nbfdd=yes\n",
		"":          "bgpd=yes\nbfdd=yes\n",
	} {
		if diff := cmp.Diff(want, string(enableDaemons([]byte(in)))); diff != "" {
			t.Error(diff)
		}
	}
}

func TestDaemonsAreEnabledUnderAGuard(t *testing.T) {
	h := frrHost()
	h.Answers["settle-file.sh frr:frr /etc/frr/daemons"] = ""
	for text, want := range map[string]string{
		"bgpd=yes\nbfdd='yes'\n":         "",
		"bgpd=no\nbfdd=yes\n":            "bgpd in /etc/frr/daemons is no, want yes",
		"bgpd=yes\nbfdd=yes\nbgpd=no\n":  "bgpd in /etc/frr/daemons is no, want yes", // it is shell: the last counts
		"bgpd=yes\n# bfdd=yes (later)\n": "bfdd in /etc/frr/daemons is missing, want yes",
	} {
		h.Files[daemonsPath] = text
		if diff, err := (daemons{}).Check(t.Context(), h); err != nil || diff.String() != want {
			t.Errorf("%q: got %v, %v", text, diff, err)
		}
	}
	h.Log = nil
	if err := guard(daemons{}).Apply(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	if steptest.Position(t, h, armTimer) > steptest.Position(t, h, "write /etc/frr/daemons 640") || !strings.Contains(h.Files[daemonsPath], "bfdd=yes\n") {
		t.Errorf("did %q", h.Log)
	}
	delete(h.Files, daemonsPath) // FRR is not installed yet, as in a plan
	if diff, err := (daemons{}).Check(t.Context(), h); err != nil || len(diff) != 2 {
		t.Errorf("without the file: %v, %v", diff, err)
	}
}
