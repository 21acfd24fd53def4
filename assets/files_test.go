package assets

import (
	"fmt"
	"os"
	"os/user"
	"strings"
	"testing"
)

func TestPresentFiles(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		s.write("a b", "")
		s.is(s.script("present-files.sh", s.path("gone"), s.path("a b")), s.path("a b")+"\n")
		s.is(s.script("present-files.sh", s.path("gone")), "")
	})
}

func TestHasCommand(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		s.program("dnf", "")
		s.is(s.script("has-command.sh", "dnf"), s.path("bin/dnf")+"\n")
		if got := s.script("has-command.sh", "no-such-program"); got.status == 0 {
			t.Errorf("got %+v", got)
		}
	})
}

func TestStatFiles(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	group, err := user.LookupGroupId(me.Gid)
	if err != nil {
		t.Fatal(err)
	}
	inSandbox(t, func(s sandbox) {
		s.write("f", "abc")
		s.write("-n x", "")
		if err := os.Symlink(s.path("f"), s.path("link")); err != nil {
			t.Fatal(err)
		}
		const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
		const nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
		owner := me.Username + ":" + group.Name
		s.is(s.script("stat-files.sh", s.path("f"), s.path("gone"), s.path("-n x"), s.path("link")),
			fmt.Sprintf("640 %s %s\nabsent\n640 %s %s\n640 %s %s\n", owner, abc, owner, nothing, owner, abc))
	})
}

func TestSettleFile(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		s.program("chown", "")
		s.program("restorecon", "")
		s.is(s.script("settle-file.sh", "frr:frr", "/x/f"), "")
		if got := s.read("log"); got != "chown frr:frr /x/f\nrestorecon /x/f\n" {
			t.Errorf("ran %q", got)
		}
		s.program("chown", "exit 1")
		if got := s.script("settle-file.sh", "frr:frr", "/x/f"); got.status == 0 {
			t.Error("an owner that does not exist is no error")
		}
	})
}

func TestBackupKeepsTheNewestTwenty(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		s.write("frr.conf", "secret\n")
		for i := range 25 {
			s.write(fmt.Sprintf("backup/frr.conf.20250101T0000%02dZ", i), "")
		}
		s.is(s.script("backup-conf.sh", s.path("frr.conf"), s.path("backup")), "")
		entries, err := os.ReadDir(s.path("backup"))
		if err != nil || len(entries) != 20 {
			t.Fatalf("%d copies, %v", len(entries), err)
		}
		if first, last := entries[0].Name(), entries[19].Name(); first != "frr.conf.20250101T000006Z" || s.read("backup/"+last) != "secret\n" {
			t.Errorf("kept %s to %s", first, last)
		}
		if info, err := os.Stat(s.path("backup")); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("the folder of copies with passwords is %v, %v", info.Mode(), err)
		}
		s.is(s.script("backup-conf.sh", s.path("gone"), s.path("none")), "")
		if s.read("none") != "absent" {
			t.Error("a folder for nothing")
		}
	})
}

func TestKeepFiles(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		s.mkdir("kept")
		s.write("frr/frr.conf", "old\n")
		s.write("kept/daemons", "of an earlier change\n")
		s.write("frr/daemons.ipfabric-rollback", "of an earlier change\n")
		if err := os.Chmod(s.path("frr/frr.conf"), 0o600); err != nil {
			t.Fatal(err)
		}
		s.is(s.script("keep-files.sh", s.path("kept"), s.path("frr/frr.conf"), s.path("frr/daemons")), "")
		for name, want := range map[string]string{
			"kept/frr.conf": "old\n", "frr/frr.conf.ipfabric-rollback": "old\n",
			"kept/daemons": "absent", "frr/daemons.ipfabric-rollback": "absent", // it is not there now
		} {
			if got := s.read(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if info, err := os.Stat(s.path("frr/frr.conf.ipfabric-rollback")); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("a copy with another mode: %v, %v", info, err)
		}
		// No room for the second copy, of which a part was written.
		s.program("cp", `case $3 in *.ipfabric-rollback) echo o >"$3"; exit 1 ;; esac; exec /bin/cp "$@"`)
		if got := s.script("keep-files.sh", s.path("kept"), s.path("frr/frr.conf")); got.status == 0 || s.read("frr/frr.conf.ipfabric-rollback") != "absent" {
			t.Errorf("half a copy stays: %+v", got)
		}
		if got := s.script("keep-files.sh", s.path("no/folder"), s.path("frr/frr.conf")); got.status == 0 {
			t.Error("no copy is no error")
		}
	})
}

func TestSeparateConf(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		s.is(s.script("separate-conf.sh"), "")
		s.write("etc/frr/zebra.conf", "z\n")
		s.write("etc/frr/bgpd.conf", "b\n")
		s.is(s.script("separate-conf.sh"), "z\nb\n")
		s.write("etc/frr/frr.conf", "f\n")
		s.is(s.script("separate-conf.sh"), "")
	})
}

func TestRollbackState(t *testing.T) {
	inSandbox(t, func(s sandbox) {
		s.is(s.script("rollback-state.sh", s.path("rb")), "")
		s.write("rb/armed", "{}")
		s.is(s.script("rollback-state.sh", s.path("rb")), "armed\n")
		s.write("rb/restoring", "{}")
		s.write("rb/rolled-back", "")
		got := s.script("rollback-state.sh", s.path("rb"))
		if word, at, _ := strings.Cut(got.out, "rolled-back 2"); got.status != 0 || word != "armed\nrestoring\n" || !strings.HasSuffix(at, "Z\n") {
			t.Errorf("got %+v", got)
		}
	})
}
