package packages

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipfabric/inventory"
	"ipfabric/steps/step/steptest"
)

func TestPlatform(t *testing.T) {
	for _, tt := range []struct{ file, override, want string }{
		{"ID=debian\nVERSION_ID=\"12\"\n", "", "debian12"},
		{"ID=debian\nVERSION_ID=12 # bookworm\n", "", "debian12"},
		{"ID=debian\nPRETTY_NAME=\"Debian GNU/Linux trixie/sid\"\nVERSION_CODENAME=trixie\n", "", "debian13"}, // while it was testing
		{"ID=debian\nPRETTY_NAME=\"Debian GNU/Linux forky/sid\"\nVERSION_CODENAME=forky\n", "", ""},
		{"ID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"20.04\"\nUBUNTU_CODENAME=focal\n", "", "ubuntu2004"},
		{"ID=linuxmint\nID_LIKE=\"ubuntu debian\"\nVERSION_ID=\"21.3\"\nUBUNTU_CODENAME=jammy\n", "", "ubuntu2204"},
		{"ID=linuxmint\nID_LIKE=debian\nVERSION_ID=\"6\"\nDEBIAN_CODENAME=bookworm\n", "", "debian12"},
		{"ID=pop\nID_LIKE=\"ubuntu debian\"\nVERSION_ID=\"22.04\"\n", "", "ubuntu2204"},
		{"ID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"23.10\"\nPRETTY_NAME=\"Ubuntu 23.10\"\n", "", ""},
		{"NAME=\"AlmaLinux\"\nID=\"almalinux\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"8.10\"\n", "", "el8"},
		{"ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.4\"\n", "", "el9"},
		{"ID=\"rhel\"\nID_LIKE=\"fedora\"\nVERSION_ID=\"10.0\"\n", "", "el10"},
		{"ID=\"centos\"\nID_LIKE=\"rhel fedora\"\nVERSION_ID=\"9\"\n", "", "el9"},
		{"ID=\"ol\"\nID_LIKE=\"fedora\"\nVERSION_ID=\"8.10\"\n", "", "el8"},
		{"ID=\"circle\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"8.8\"\n", "", "el8"},
		{"ID=\"centos\"\nVERSION_ID=\"7\"\nPRETTY_NAME=\"CentOS Linux 7 (Core)\"\n", "", ""},
		{"ID=fedora\nVERSION_ID=40\nPRETTY_NAME=\"Fedora Linux 40\"\n", "", ""},
		{"ID=alpine\nVERSION_ID=3\nPRETTY_NAME=\"Alpine Linux\"\n", "debian12", "debian12"},
		{"ID=alpine\n", "debian11", "debian11"},
		{"ID=alpine\n", "debian10", ""},
	} {
		h := &steptest.Host{Files: map[string]string{"/usr/lib/os-release": tt.file}}
		p, err := PlatformOf(t.Context(), h, tt.override)
		if p.Name != tt.want {
			t.Errorf("%q: got %q, %v, want %q", tt.file, p.Name, err, tt.want)
		}
	}
}

func TestAnUnknownSystemIsToldWhatIsSupported(t *testing.T) {
	for file, want := range map[string]string{
		"ID=alpine\nVERSION_ID=3\nPRETTY_NAME=\"Alpine Linux\"\n": "Alpine Linux is not supported",
		"ID=void\nNAME=Void\n":       "Void is not supported",
		"ID=debian\nVERSION_ID=10\n": "debian 10 is not supported",
		"":                           "this operating system is not supported",
		"ID=debian\nPRETTY_NAME=\"Debian GNU/Linux forky/sid\"\nVERSION_CODENAME=forky\n": "Debian GNU/Linux forky/sid is not supported",
	} {
		_, err := PlatformOf(t.Context(), &steptest.Host{Files: map[string]string{"/etc/os-release": file}}, "")
		if hint := (interface{ Hint() string })(nil); err == nil || err.Error() != want || !errors.As(err, &hint) || !strings.Contains(hint.Hint(), "el8") {
			t.Errorf("%q: got %v, want %q and a hint with the supported ones", file, err, want)
		}
	}
	_, err := PlatformOf(t.Context(), &steptest.Host{}, "")
	if err == nil || !strings.Contains(err.Error(), "without an os-release") {
		t.Errorf("without the file: %v", err)
	}
}

func TestASystemWithoutAVersion(t *testing.T) {
	for _, id := range []string{"debian", "almalinux"} {
		h := &steptest.Host{Files: map[string]string{"/etc/os-release": "ID=" + id + "\nPRETTY_NAME=\"GNU/Linux\"\n"}}
		if _, err := PlatformOf(t.Context(), h, ""); !errors.Is(err, errNoOSVersion{id}) {
			t.Errorf("%s: got %v", id, err)
		}
	}
}

// The inventory's os is believed, but its package manager must be there.
func TestAnOSOfTheOtherFamily(t *testing.T) {
	const asked = `has-command.sh dnf`
	h := &steptest.Host{
		Files:   map[string]string{"/etc/os-release": "ID=debian\nVERSION_ID=12\n"},
		Status:  map[string]int{},
		Answers: map[string]string{},
	}
	h.Status[asked] = 127
	host := inventory.Host{OS: "el8"}
	_, err := Supported{host}.Check(t.Context(), h)
	const want = "the inventory says os: el8, but the host has no dnf"
	if hint := (interface{ Hint() string })(nil); err == nil || err.Error() != want || !errors.As(err, &hint) || !strings.Contains(hint.Hint(), "debian12") {
		t.Errorf("got %v", err)
	}
	host.FRR.Source = "preinstalled" // nothing is installed there
	if _, err := (Supported{host}).Check(t.Context(), h); err != nil {
		t.Errorf("preinstalled: %v", err)
	}
	h.Status[asked], h.Answers[asked] = 0, "/usr/bin/dnf\n"
	if _, err := (Supported{inventory.Host{OS: "el8"}}).Check(t.Context(), h); err != nil {
		t.Errorf("with dnf: %v", err)
	}
}

func TestParseOSRelease(t *testing.T) {
	got := parseOSRelease([]byte("# comment\nID=debian\nPRETTY_NAME=\"Debian \\\"12\\\"\"\nVERSION_ID='12'\nVARIANT=\"\"\n"))
	want := map[string]string{"VARIANT": "", "ID": "debian", "PRETTY_NAME": `Debian "12"`, "VERSION_ID": "12"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The inventory lets write what there is a platform for.
func TestEveryOperatingSystemOfTheInventoryHasAPlatform(t *testing.T) {
	var names []string
	for _, p := range platforms {
		names = append(names, p.Name)
	}
	if diff := cmp.Diff(inventory.OperatingSystems(), names); diff != "" {
		t.Error(diff)
	}
}
