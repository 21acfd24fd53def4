package remote

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/pkg/sftp"
)

// A fullDisk is a file system in memory that takes so many bytes of each file and no more.
type fullDisk struct {
	sftp.Handlers
	room int64
	cut  bool // what is too much is dropped without a word
	vfs  *sftp.StatVFS
}

func (d *fullDisk) Filewrite(r *sftp.Request) (io.WriterAt, error) {
	w, err := d.Handlers.FilePut.Filewrite(r)
	return &fullFile{WriterAt: w, disk: d}, err
}

func (d *fullDisk) Filecmd(r *sftp.Request) error { return d.FileCmd.Filecmd(r) }

func (d *fullDisk) PosixRename(r *sftp.Request) error {
	return d.FileCmd.(sftp.PosixRenameFileCmder).PosixRename(r)
}

func (d *fullDisk) StatVFS(*sftp.Request) (*sftp.StatVFS, error) {
	if d.vfs == nil {
		return nil, errors.ErrUnsupported
	}
	return d.vfs, nil
}

type fullFile struct {
	io.WriterAt
	disk *fullDisk
}

func (f *fullFile) WriteAt(b []byte, off int64) (int, error) {
	if off+int64(len(b)) <= f.disk.room {
		return f.WriterAt.WriteAt(b, off)
	}
	if f.disk.cut {
		return len(b), nil
	}
	return 0, sftp.ErrSSHFxFailure // what sftp-server makes of ENOSPC
}

// serve returns an SFTP client of the disk, as onFiles would have it.
func (d *fullDisk) serve(t *testing.T) *sftp.Client {
	t.Helper()
	here, there := net.Pipe()
	served := sftp.Handlers{FileGet: d.FileGet, FilePut: d, FileCmd: d, FileList: d.FileList}
	server := sftp.NewRequestServer(there, served)
	var ended sync.WaitGroup
	ended.Add(1)
	go func() { defer ended.Done(); server.Serve() }()
	client, err := sftp.NewClientPipe(here, here, sftp.UseConcurrentWrites(true), sftp.UseFstat(true))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close(); ended.Wait() })
	return client
}

// A full disk must never cost the file that is there.
func TestFullDiskKeepsTheOldFile(t *testing.T) {
	full := &sftp.StatVFS{Frsize: 4096, Blocks: 8, Files: 100, Favail: 50}
	for _, tt := range []struct {
		name string
		disk fullDisk
		size int
		is   error
		want string
	}{
		{"one short write", fullDisk{room: 20, vfs: full}, 100, syscall.ENOSPC, "No space left on device"},
		{"the last write is short", fullDisk{room: 32 << 10, vfs: full}, 32<<10 + 5, syscall.ENOSPC, "No space left on device"},
		{"in the middle", fullDisk{room: 2 << 20, vfs: full}, 5 << 20, syscall.ENOSPC, "No space left on device"},
		{"only what is kept for root is left", fullDisk{room: 20, vfs: &sftp.StatVFS{Frsize: 4096, Blocks: 80, Bfree: 40, Files: 100, Favail: 50}},
			100, syscall.ENOSPC, "No space left on device"},
		{"no inode", fullDisk{room: 20, vfs: &sftp.StatVFS{Frsize: 4096, Blocks: 80, Bavail: 40, Files: 100}},
			100, syscall.ENOSPC, "No space left on device"},
		{"read-only", fullDisk{room: 20, vfs: &sftp.StatVFS{Frsize: 4096, Blocks: 80, Bavail: 40, Files: 100, Favail: 1, Flag: readOnly}},
			100, syscall.EROFS, "read-only file system"},
		{"a quota", fullDisk{room: 20, vfs: &sftp.StatVFS{Frsize: 4096, Blocks: 80, Bavail: 40, Files: 100, Favail: 1}},
			100, nil, "the disk of node2 may be full"},
		{"the server cannot say", fullDisk{room: 20}, 100, nil, "the disk of node2 may be full"},
		{"dropped without a word", fullDisk{room: 20, cut: true}, 100, nil, "only 0 of 100 bytes were stored"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := tt.disk
			d.Handlers = sftp.InMemHandler()
			client := d.serve(t)
			write := func(data []byte) error {
				u := &upload{conn: &conn{ep: endpoint{name: "node2", user: "admin"}}, client: client, name: "/frr.conf", data: data, mode: 0o640}
				_, err := u.run(testContext(t))
				if err == nil {
					return nil
				}
				return &FileError{Host: "node2", User: "admin", Op: "write", Path: "/frr.conf", Err: err}
			}
			if err := write([]byte("the old one")); err != nil {
				t.Fatal(err)
			}
			data := make([]byte, tt.size)
			fill(data)
			err := write(data)
			var fail *FileError
			if !errors.As(err, &fail) || tt.is != nil && !errors.Is(err, tt.is) {
				t.Fatalf("got %v, want %v", err, tt.is)
			}
			has(t, err.Error()+"\n"+fail.Hint(), tt.want)
			if got, err := readFile(client, "/frr.conf"); err != nil || string(got) != "the old one" {
				t.Errorf("in place are %d bytes, %v", len(got), err)
			}
			left, err := client.ReadDir("/")
			if err != nil || len(left) != 1 {
				t.Errorf("there are %v, %v", left, err)
			}
		})
	}
}

func TestHintOfAPermissionError(t *testing.T) {
	for user, want := range map[string]string{"root": "lsattr", "admin": "log in as a user who has"} {
		e := &FileError{Host: "node2", User: user, Op: "write", Path: "/x", Err: fs.ErrPermission}
		if !strings.Contains(e.Hint(), want) {
			t.Errorf("%s: %s", user, e.Hint())
		}
	}
}
