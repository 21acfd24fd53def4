package vm

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
)

// MaxName is how long a VM's name can be.
const MaxName = 63

// maxInterface is the longest name that Linux takes for an interface
// (IFNAMSIZ less the zero byte).
const maxInterface = 15

const interfaceSuffix = "_net0"

// CheckName says what is wrong with a VM's name. A name that passes is safe as
// a file name and in a command line.
func CheckName(name string) error {
	if name == "" {
		return fmt.Errorf("a VM needs a name")
	}
	if len(name) > MaxName {
		return fmt.Errorf("VM name %.20q…: it has %d characters, %d is the most", name, len(name), MaxName)
	}
	if !alphanumeric(name[0]) {
		return fmt.Errorf("VM name %q: it must begin with a letter or a digit", name)
	}
	for i := range len(name) {
		if !alphanumeric(name[i]) && !strings.ContainsRune("_.-", rune(name[i])) {
			return fmt.Errorf("VM name %q: only letters, digits and _ . - may be in it", name)
		}
	}
	return nil
}

func alphanumeric(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9'
}

// CheckInterface says what is wrong with the name of an interface. It allows
// fewer names than the kernel does: each that passes is also one path element
// below /proc/sys. A name of dots alone is refused.
func CheckInterface(name string) error {
	if name == "" || len(name) > maxInterface || strings.Trim(name, ".") == "" || name == "all" || name == "default" {
		return fmt.Errorf("interface %.20q cannot be the name of a VM's interface", name)
	}
	for i := range len(name) {
		if !alphanumeric(name[i]) && !strings.ContainsRune("_.-~", rune(name[i])) {
			return fmt.Errorf("interface %q: only letters, digits and _ . - ~ may be in it", name)
		}
	}
	if name[0] == '-' {
		return fmt.Errorf("interface %q: it must not begin with -", name)
	}
	return nil
}

// InterfaceName is the name of a VM's interface on the host: sea_gold_net0 for
// sea_gold. Linux takes 15 characters. A VM's name that is too long for that is
// cut to two characters and a hash, "el~i54t5lq_net0" for eleven_char, which is the same on
// every node and at all times; since no VM's name can hold a ~, it is never
// that of a VM with a short name.
func InterfaceName(name string) string {
	full := AltName(name)
	if len(full) <= maxInterface {
		return full
	}
	const hashLen = maxInterface - len(interfaceSuffix) - 3
	sum := sha256.Sum256([]byte(name))
	hash := strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:hashLen]
	return name[:2] + "~" + hash + interfaceSuffix
}

// AltName is the name of a VM's interface in full, however long. It is given
// to the interface as an alternative name where its own is another.
func AltName(name string) string { return name + interfaceSuffix }

// ValidAccount says whether a text can be the name or number of a user or
// group. The empty text, which stands for root, can.
func ValidAccount(name string) bool {
	if len(name) > 32 {
		return false
	}
	for i := range len(name) {
		if !alphanumeric(name[i]) && (i == 0 && name[i] != '_' || !strings.ContainsRune("_.-", rune(name[i]))) {
			return false
		}
	}
	return true
}
