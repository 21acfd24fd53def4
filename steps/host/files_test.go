package host

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipfabric/steps/step/steptest"
)

const (
	helloSum = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03" // "hello\n"
	otherSum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

func TestFilesSayHowTheyDiffer(t *testing.T) {
	text := []File{{Path: "/f", Data: []byte("hello\n"), Mode: 0o640, Owner: "frr:frr"}}
	for found, want := range map[string]string{
		"640 frr:frr " + helloSum:   "",
		"644 frr:frr " + helloSum:   "mode and owner of /f is 644 frr:frr, want 640 frr:frr",
		"640 root:root " + helloSum: "mode and owner of /f is 640 root:root, want 640 frr:frr",
		"640 frr:frr " + otherSum:   "/f differs",
		"absent":                    "/f is missing",
	} {
		h := &steptest.Host{Files: map[string]string{"/f": "old\n"}, Answers: map[string]string{"stat-files.sh /f": found + "\n"}}
		diff, err := DiffFiles(t.Context(), h, text)
		if err != nil || diff.String() != want {
			t.Errorf("%s: got %v, %v, want %s", found, diff, err, want)
		}
		if want == "/f differs" && (diff[0].Have != "old\n" || diff[0].Want != "hello\n") {
			t.Errorf("got %+v", diff[0])
		}
	}
	// A program is named by its hash, and never read.
	h := &steptest.Host{Answers: map[string]string{"stat-files.sh /b": "755 root:root " + otherSum + "\n"}}
	diff, err := DiffFiles(t.Context(), h, []File{{Path: "/b", Data: []byte{0xff, 0xfe}, Mode: 0o755}})
	if err != nil || len(diff) != 1 || diff[0].Have != "sha256 e3b0c44298fc" || len(diff[0].Want) != len("sha256 e3b0c44298fc") {
		t.Errorf("got %+v, %v", diff, err)
	}
	h.Answers["stat-files.sh /b"] = "a\nb\n"
	if _, err := DiffFiles(t.Context(), h, []File{{Path: "/b"}}); err == nil {
		t.Error("an answer of two lines for one file")
	}
}

func TestFilesAreWrittenSettledAndFollowedByACommand(t *testing.T) {
	h := &steptest.Host{Files: map[string]string{}, Status: map[string]int{}, Answers: map[string]string{
		"settle-file.sh root:root /a": "", "settle-file.sh frr:frr /b": "", "systemctl daemon-reload": "",
	}}
	s := Files{Files: []File{{Path: "/a", Mode: 0o644}, {Path: "/b", Mode: 0o600, Owner: "frr:frr"}}, Then: []string{"systemctl", "daemon-reload"}}
	if err := s.Apply(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	want := []string{"write /a 644", "settle-file.sh root:root /a", "write /b 600", "settle-file.sh frr:frr /b", "systemctl daemon-reload"}
	if diff := cmp.Diff(want, h.Log); diff != "" {
		t.Error(diff)
	}
	h.Log, h.Status["settle-file.sh root:root /a"] = nil, 1
	if err := s.Apply(t.Context(), h); err == nil || len(h.Log) != 2 {
		t.Errorf("after a failure: %v, did %q", err, h.Log)
	}
	h.Status = nil
	s.Then = nil
	if err := s.Apply(t.Context(), h); err != nil {
		t.Error(err)
	}
}

func TestPutBack(t *testing.T) {
	h := &steptest.Host{Files: map[string]string{"/a": "one", "/new": "x"}, Answers: map[string]string{"settle-file.sh root:root /a": "", "rm -f /gone": ""}, Fail: map[string]error{}}
	before, err := ReadAll(t.Context(), h, []string{"/a", "/gone"})
	if err != nil || len(before) != 1 {
		t.Fatal(before, err)
	}
	h.Files["/a"] = "two"
	h.Fail["rm -f /gone"] = errors.New("cut off")
	if err := PutBack(t.Context(), h, []string{"/gone", "/a"}, before); err == nil || h.Files["/a"] != "one" {
		t.Errorf("got %v, %q: one failure must not keep the others from being put back", err, h.Files["/a"])
	}
}
