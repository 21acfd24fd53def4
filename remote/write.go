package remote

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/pkg/sftp"
)

// small files are compared byte by byte, larger ones by a checksum made on the host.
const small = 64 << 10

// WriteFile replaces a file atomically: a temporary file beside it, fsync, rename. Missing
// directories are made. The new file keeps the owner and group of the old one. If the path is a
// symbolic link, the file that it leads to is replaced. Nothing is written if the content and mode
// are right already.
//
// Two writers of one file need a lock: each takes the other's temporary file for one of a run that
// was killed, and removes it. Each of them then ends with an error or with its whole content in place,
// never with a mixture.
func (h *Host) WriteFile(ctx context.Context, name string, data []byte, mode fs.FileMode) error {
	start := time.Now()
	done, err := onFiles(ctx, h, "write", name, func(ctx context.Context, c *conn, client *sftp.Client) (string, error) {
		u := &upload{conn: c, client: client, name: name, data: data, mode: mode.Perm()}
		return u.run(ctx)
	})
	h.client.cfg.Log(h.target.Name, "write %s, %d bytes, %v: %s in %v", name, len(data), mode,
		resultOr(err, done), time.Since(start).Round(time.Millisecond))
	return err
}

func resultOr(err error, result string) string {
	if err != nil {
		return innermost(err).Error()
	}
	return result
}

// An upload is one WriteFile.
type upload struct {
	conn   *conn
	client *sftp.Client
	name   string
	data   []byte
	mode   fs.FileMode
}

// run carries the upload out and says what was done, for the log.
func (u *upload) run(ctx context.Context) (string, error) {
	if !path.IsAbs(u.name) {
		return "", errors.New("the path is not absolute")
	}
	old, err := u.existing()
	if err != nil {
		return "", err
	}
	same, err := u.same(ctx, old)
	if err != nil {
		return "", err
	}
	if same && old.Mode().Perm() == u.mode {
		return "no change", nil
	}
	if same {
		return "changed the mode", u.client.Chmod(u.name, u.mode)
	}
	if err := u.client.MkdirAll(path.Dir(u.name)); err != nil {
		return "", u.diskError(err)
	}
	u.removeStale()
	return "written", u.replace(ctx, old)
}

// existing returns the file that is there, nil if there is none. If it is a symbolic link, u.name
// becomes the file that it leads to.
func (u *upload) existing() (fs.FileInfo, error) {
	old, err := u.client.Lstat(u.name)
	for hops := 0; err == nil && old.Mode()&fs.ModeSymlink != 0; hops++ {
		if hops == 10 {
			return nil, errors.New("there are too many symbolic links in the path")
		}
		to, err2 := u.client.ReadLink(u.name)
		if err2 != nil {
			return nil, err2
		}
		if !path.IsAbs(to) {
			to = path.Join(path.Dir(u.name), to)
		}
		u.name = to
		old, err = u.client.Lstat(to)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case old.IsDir():
		return nil, syscall.EISDIR
	case !old.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	}
	return old, nil
}

// same says whether the file has that content already.
func (u *upload) same(ctx context.Context, old fs.FileInfo) (bool, error) {
	if old == nil || old.Size() != int64(len(u.data)) {
		return false, nil
	}
	if len(u.data) <= small {
		have, err := readFile(u.client, u.name)
		return err == nil && bytes.Equal(have, u.data), nil // what cannot be read is replaced
	}
	out, err := u.conn.exec(ctx, command{argv: []string{"sha256sum", "--", u.name}})
	var fail *CommandError
	if errors.As(err, &fail) && fail.Err == nil {
		return false, nil // no sha256sum there
	}
	sum := sha256.Sum256(u.data)
	return strings.HasPrefix(strings.TrimPrefix(string(out), `\`), hex.EncodeToString(sum[:])), err
}

// tempPrefix begins the names of our temporary files beside a file.
func tempPrefix(name string) string { return "." + path.Base(name) + ".ipfabric-" }

// removeStale removes the temporary files of runs that were killed. It is no error if that
// does not work.
func (u *upload) removeStale() {
	dir := path.Dir(u.name)
	entries, err := u.client.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		rest, ours := strings.CutPrefix(e.Name(), tempPrefix(u.name))
		if _, err := hex.DecodeString(rest); ours && err == nil && len(rest) == 16 && e.Mode().IsRegular() {
			u.client.Remove(path.Join(dir, e.Name()))
		}
	}
}

// replace writes the temporary file and renames it.
func (u *upload) replace(ctx context.Context, old fs.FileInfo) (err error) {
	random := make([]byte, 8)
	rand.Read(random) // never fails
	temp := path.Join(path.Dir(u.name), tempPrefix(u.name)+hex.EncodeToString(random))
	f, err := u.client.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return u.diskError(err)
	}
	defer func() {
		if err != nil {
			err = u.diskError(err) // before the file is removed, which frees its space
			f.Close()
			u.client.Remove(temp)
		}
	}()
	if err := f.Chmod(0o600); err != nil { // while the file is still empty
		return err
	}
	if err := u.fill(ctx, f, old); err != nil {
		return err
	}
	if err := f.Chmod(u.mode); err != nil {
		return err
	}
	if _, ok := u.client.HasExtension("fsync@openssh.com"); ok {
		if err := f.Sync(); err != nil {
			return err
		}
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := u.client.PosixRename(temp, u.name); err != nil {
		return fmt.Errorf("rename %s: %w", temp, err)
	}
	return nil
}

// chunk is how much is written before ctx is checked again. It is several packets, which the SFTP
// client sends at the same time.
const chunk = 1 << 20

// fill writes the content, checks the size, and gives the new file the owner and group of the old
// one. It does not use File.ReadFrom, which loses the error of a last write that is shorter than a
// packet: on a full disk, an empty file would seem to be complete.
func (u *upload) fill(ctx context.Context, f *sftp.File, old fs.FileInfo) error {
	for rest := u.data; len(rest) > 0; {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		n, err := f.Write(rest[:min(chunk, len(rest))])
		if err != nil {
			return err
		}
		rest = rest[n:]
	}
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if st.Size() != int64(len(u.data)) {
		return &cutError{have: st.Size(), want: len(u.data)}
	}
	if old == nil {
		return nil
	}
	return keepOwner(f, st, old)
}

// keepOwner gives the new file the owner and group of the old one.
func keepOwner(f *sftp.File, st, old fs.FileInfo) error {
	have, ok1 := st.Sys().(*sftp.FileStat)
	want, ok2 := old.Sys().(*sftp.FileStat)
	if !ok1 || !ok2 || (have.UID == want.UID && have.GID == want.GID) {
		return nil
	}
	if err := f.Chown(int(want.UID), int(want.GID)); err != nil {
		return fmt.Errorf("keep its owner %d and group %d: %w", want.UID, want.GID, err)
	}
	return nil
}

// A cutError says that a file is shorter than what was written to it.
type cutError struct {
	have int64
	want int
}

func (e *cutError) Error() string {
	return fmt.Sprintf("only %d of %d bytes were stored", e.have, e.want)
}

// A noSpaceError is ENOSPC.
type noSpaceError struct {
	dir string
	err error // what the server has said
}

func (e *noSpaceError) Error() string {
	return fmt.Sprintf("No space left on device (in %s; see df and df -i)", e.dir)
}

func (e *noSpaceError) Is(target error) bool { return target == syscall.ENOSPC }

func (e *noSpaceError) Unwrap() error { return e.err }

// isFailure says whether the server gave no reason: SFTP version 3 has no status for a full or
// read-only file system, so sftp-server says SSH_FX_FAILURE.
func isFailure(err error) bool {
	var status *sftp.StatusError
	var cut *cutError
	return errors.As(err, &cut) || errors.As(err, &status) && status.FxCode() == sftp.ErrSSHFxFailure
}

// readOnly is the flag of a read-only file system in the answer of statvfs@openssh.com.
const readOnly = 1

// diskError asks the host about its file system if an error gives no reason.
func (u *upload) diskError(err error) error {
	if !isFailure(err) {
		return err
	}
	if _, ok := u.client.HasExtension("statvfs@openssh.com"); !ok {
		return err
	}
	dir := path.Dir(u.name)
	vfs, statErr := u.client.StatVFS(dir)
	for statErr != nil && dir != "/" { // it was the folder that could not be made
		dir = path.Dir(dir)
		vfs, statErr = u.client.StatVFS(dir)
	}
	if statErr != nil {
		return err
	}
	free := vfs.Bavail
	if u.conn.actsAs() == "root" {
		free = vfs.Bfree // with the blocks that are reserved for root
	}
	switch {
	case vfs.Flag&readOnly != 0:
		return fmt.Errorf("%w (in %s)", syscall.EROFS, dir)
	case vfs.Blocks > 0 && free*vfs.Frsize < uint64(max(len(u.data), 1)), vfs.Files > 0 && vfs.Favail == 0:
		return &noSpaceError{dir: dir, err: err}
	}
	return err
}
