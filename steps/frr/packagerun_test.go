package frr

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ipfabric/inventory"
	"ipfabric/steps/packages"
	"ipfabric/steps/step/steptest"
)

// halfHost is a Debian 12 where dpkg was cut off while it unpacked FRR.
func halfHost() *steptest.Host {
	h := FrrHost()
	installed := strings.Join([]string{"dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Package} ${Version}\n", "frr", "frr-pythontools"}, " ")
	h.Answers[installed] = "half-installed frr 8.4.4-1\ninstalled frr-pythontools 8.4.4-1\n"
	h.Answers[askOurs(packages.Apt{})] = ""
	h.Answers[strings.Join([]string{"dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Package} ${Version}\n", "python3", "python3-minimal"}, " ")] = ""
	h.Answers["dpkg-state.sh"] = "journal\nfrr=8.4.4-1\n"
	h.Answers[askSpace] = someSpace
	for _, name := range []string{"frr", "frr-pythontools"} {
		h.Answers[steptest.Line(packages.AptPolicy(name)...)] = "  Candidate: 8.4.4-1\n"
	}
	for _, argv := range [][]string{configureHalf, reinstallHalf, installHalf} {
		h.Answers[steptest.Line(packages.Detached(argv)...)] = ""
	}
	h.Answers[steptest.Line(packages.AptUpdate(false)...)] = ""
	return h
}

var (
	configureHalf = append([]string{"env", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive", "dpkg-configure.sh"}, packages.AptGet()...)
	reinstallHalf = packages.AptGet("install", "--reinstall", "--no-install-recommends", "--allow-downgrades", "frr=8.4.4-1")
	installHalf   = packages.AptGet("install", "--no-install-recommends", "--no-upgrade", "frr")
)

func TestAPackageThatWasCutOffIsCompleted(t *testing.T) {
	h := halfHost()
	s := installed{inventory.Host{}}
	if diff, err := s.Check(t.Context(), h); err != nil || diff.String() != "package frr is missing, want 8.4.4-1" {
		t.Errorf("got %v, %v", diff, err)
	}
	if err := s.Apply(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	configured := steptest.Position(t, h, steptest.Line(packages.Detached(configureHalf)...))
	again := steptest.Position(t, h, steptest.Line(packages.Detached(reinstallHalf)...))
	installed := steptest.Position(t, h, steptest.Line(packages.Detached(installHalf)...))
	if configured > again || again > installed {
		t.Errorf("configured, unpacked anew and installed at %d, %d, %d", configured, again, installed)
	}
}

// What was half installed may be of a version that the source has no more.
func TestAPackageThatWasCutOffIsTakenInAnotherVersion(t *testing.T) {
	h := halfHost()
	lost := steptest.Line(packages.Detached(reinstallHalf)...)
	h.Fail = map[string]error{lost: errors.New("E: Version '8.4.4-1' for 'frr' was not found")}
	newer := steptest.Line(packages.Detached(packages.AptGet("install", "--reinstall", "--no-install-recommends", "frr"))...)
	h.Answers[newer] = ""
	if err := (installed{inventory.Host{}}).Apply(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	steptest.Position(t, h, newer)
}

// A run that is stopped ends its command's process group.
func TestAPackageManagerOutlivesTheRunThatStartedIt(t *testing.T) {
	dir := t.TempDir()
	argv := packages.Detached([]string{"sh", "-c", `echo $$ >"$1/began.new" && mv "$1/began.new" "$1/began"; while [ ! -e "$1/go" ]; do sleep 0.05; done; echo much; touch "$1/ended"`, "sh", dir})
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exists := func(name string) {
		t.Helper()
		again := time.NewTicker(10 * time.Millisecond)
		defer again.Stop()
		for end := time.Now().Add(10 * time.Second); ; <-again.C {
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("no file %s", name)
			}
		}
	}
	exists("began")
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the run was not stopped")
	}
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	exists("ended")
}

func TestDpkgsOwnReasonIsTold(t *testing.T) {
	argv := packages.Detached([]string{"sh", "-c", `echo "Unpacking frr ..."
echo "dpkg: error processing archive frr.deb (--unpack):"
echo " cannot copy: failed to write (No space left on device)"
echo "Errors were encountered"
echo "E: Sub-process dpkg returned an error code (1)" >&2; exit 100`})
	cmd := exec.Command(argv[0], argv[1:]...)
	var said strings.Builder
	cmd.Stderr = &said
	err := cmd.Run()
	var ended *exec.ExitError
	if !errors.As(err, &ended) || ended.ExitCode() != 100 {
		t.Errorf("ended with %v", err)
	}
	const want = "dpkg: error processing archive frr.deb (--unpack):\n cannot copy: failed to write (No space left on device)\nE: Sub-process dpkg returned an error code (1)\n"
	if said.String() != want {
		t.Errorf("said %q", said.String())
	}
}

// saidError is the error of a remote command.
type saidError struct {
	steptest.Status
	said  string
	cause error
}

func (e saidError) Said() string  { return e.said }
func (e saidError) Unwrap() error { return e.cause }

func TestErrorsOfPackageRuns(t *testing.T) {
	argv := packages.AptGet("install", "--no-upgrade", "frr")
	for _, c := range []struct {
		err        error
		want, hint string
	}{
		{saidError{100, "E: it is broken", nil}, "`apt-get install --no-upgrade frr` ended with status 100: E: it is broken", "run on the host: env LC_ALL=C"},
		{saidError{100, "(No space left on device)", nil}, "`apt-get install --no-upgrade frr` ended with status 100: (No space left on device)", "make room"},
		{saidError{-1, "", context.DeadlineExceeded}, "`apt-get install --no-upgrade frr` goes on to its end on the host, but is not waited for any more", "run init again: it waits"},
		{fmt.Errorf("lost the connection while `sh -c 'd=1\n' sh apt-get` ran"), "lost the connection while `apt-get install --no-upgrade frr` ran", "run on the host"},
	} {
		h := FrrHost()
		h.Fail = map[string]error{steptest.Line(packages.Detached(argv)...): c.err}
		err := packages.ChangePackages(t.Context(), h, argv)
		var hint interface{ Hint() string }
		if err == nil || err.Error() != c.want || !errors.As(err, &hint) || !strings.Contains(hint.Hint(), c.hint) {
			t.Errorf("%v: got %v", c.err, err)
		}
	}
}

func TestListsThatCannotBeFetched(t *testing.T) {
	h := halfHost()
	h.Fail = map[string]error{steptest.Line(packages.AptUpdate(false)...): saidError{1, "E: Failed to fetch http://mirror", nil}}
	err := (installed{inventory.Host{}}).Apply(t.Context(), h)
	const want = "`apt-get update` ended with status 1: E: Failed to fetch http://mirror"
	var hint interface{ Hint() string }
	if err == nil || err.Error() != want || !errors.As(err, &hint) || !strings.Contains(hint.Hint(), "may the host reach its package sources") {
		t.Errorf("got %v", err)
	}
}

// apt-cache's own files are large: a plan must not fill a disk.
func TestAPlanLeavesAFullDiskAlone(t *testing.T) {
	dir := t.TempDir()
	for name, script := range map[string]string{
		"df":        "#!/bin/sh\necho Filesystem\necho /dev/sda1 1000 900 $FREE 90% /\n",
		"apt-cache": "#!/bin/sh\necho \"$@\"\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	for free, want := range map[string]string{
		"149": "-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= policy frr\n",
		"150": "policy frr\n",
	} {
		t.Setenv("FREE", free)
		argv := packages.AptPolicy("frr")
		out, err := exec.CommandContext(t.Context(), argv[0], argv[1:]...).CombinedOutput()
		if err != nil || string(out) != want {
			t.Errorf("with %s MB: %q, %v", free, out, err)
		}
	}
}
