package remote

import (
	"errors"
	"fmt"
	"path"
	"syscall"

	"github.com/pkg/sftp"
)

// A cutError says that a file did not become as long as what was written to it.
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

// readOnly is the flag for that in the answer of statvfs@openssh.com.
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
		free = vfs.Bfree // with what is kept for root
	}
	switch {
	case vfs.Flag&readOnly != 0:
		return fmt.Errorf("%w (in %s)", syscall.EROFS, dir)
	case vfs.Blocks > 0 && free*vfs.Frsize < uint64(max(len(u.data), 1)), vfs.Files > 0 && vfs.Favail == 0:
		return &noSpaceError{dir: dir, err: err}
	}
	return err
}
