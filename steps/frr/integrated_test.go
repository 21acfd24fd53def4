package frr

import (
	"errors"
	"testing"
)

// AlmaLinux 8's package wants a file for each daemon, which frr-reload.py refuses.
func TestSeparateFilesBecomeFRRConf(t *testing.T) {
	h := el8Host()
	h.Files[vtyshPath] = "! mine\nno service integrated-vtysh-config\nusername me nopassword\n"
	h.Answers["separate-conf.sh"] = "hostname el8\n"
	h.Answers["settle-file.sh frr:frrvty "+vtyshPath] = ""
	s := integrated{}
	if diff, err := s.Check(t.Context(), h); err != nil || len(diff) != 1 {
		t.Errorf("got %v, %v", diff, err)
	}
	if err := s.Apply(t.Context(), h); err != nil || h.Files[vtyshPath] != "! mine\nusername me nopassword\n" {
		t.Errorf("got %v, %q", err, h.Files[vtyshPath])
	}
	if diff, err := s.Check(t.Context(), h); err != nil || len(diff) > 0 {
		t.Errorf("again: %v, %v", diff, err)
	}
}

func TestSeparateFilesOfSomebodyNeedAdopt(t *testing.T) {
	h := el8Host()
	h.Files[vtyshPath] = "no service integrated-vtysh-config\n"
	h.Answers["separate-conf.sh"] = "hostname el8\nrouter ospf\n"
	h.Answers["settle-file.sh frr:frrvty "+vtyshPath] = ""
	if diff, err := (integrated{}).Check(t.Context(), h); err != nil || len(diff) != 2 || diff[1].Want != "ipfabric (needs --adopt)" {
		t.Errorf("got %v, %v", diff, err)
	}
	if err := (integrated{}).Apply(t.Context(), h); !errors.Is(err, errSeparateConf{}) {
		t.Errorf("got %v", err)
	}
	s := integrated{Options{Adopt: true}}
	if diff, err := s.Check(t.Context(), h); err != nil || len(diff) != 2 || diff[1].Want != "ipfabric" {
		t.Errorf("with adopt: %v, %v", diff, err)
	}
	if err := s.Apply(t.Context(), h); err != nil || h.Files[vtyshPath] != "" {
		t.Errorf("with adopt: %v, %q", err, h.Files[vtyshPath])
	}
}
