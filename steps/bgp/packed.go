package bgp

import (
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"ipfabric/assets"
	"ipfabric/steps/step"
)

// Pack is a command whose output comes packed: the routes of 10,000 VMs are
// 30 MB of JSON, or one. Its exit status is the last line of the answer.
func Pack(argv ...string) []string {
	return assets.Script("pack.sh", argv...)
}

// unpacked is the most that an answer may be: many times what a reflector
// lets in, but not all memory.
const unpacked = 1 << 30

// Unpack gives the output of a packed command, which must have succeeded.
func Unpack(out string) (string, error) {
	z, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(out)))
	if err != nil {
		return "", fmt.Errorf("its answer is not packed as it should be: %v", err)
	}
	var text strings.Builder
	n, err := io.Copy(&text, io.LimitReader(z, unpacked))
	if err == nil && n == unpacked {
		err = errors.New("it is too long")
	}
	if err != nil {
		return "", fmt.Errorf("its answer cannot be unpacked: %v", err)
	}
	said, last, _ := step.CutLast(text.String(), "\n")
	status, err := strconv.Atoi(last)
	if err != nil {
		return "", fmt.Errorf("its answer ends without a status: %v", err)
	}
	if status != 0 {
		said = strings.TrimSpace(said)
		return "", &statusError{status, said[max(0, len(said)-200):]}
	}
	return said, nil
}

// A statusError is a packed command that failed.
type statusError struct {
	code int
	said string // the last of it, on its standard output
}

func (e *statusError) Error() string { return fmt.Sprintf("ended with status %d: %s", e.code, e.said) }

// ExitStatus and Said are what steps read of a command that failed.
func (e *statusError) ExitStatus() int { return e.code }
func (e *statusError) Said() string    { return e.said }
