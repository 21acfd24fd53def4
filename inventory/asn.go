package inventory

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ParseASN reads an AS number as asplain ("65000") or asdot ("1.10"), see
// RFC 5396. Reserved numbers that no session can have are errors.
func ParseASN(s string) (ASN, error) {
	high, low, dotted := strings.Cut(s, ".")
	if !dotted {
		n, err := parseDigits(s, 32)
		if err != nil {
			return 0, fmt.Errorf("%s is not an AS number", quote(s))
		}
		return checkASN(ASN(n), s)
	}
	h, errHigh := parseDigits(high, 16)
	l, errLow := parseDigits(low, 16)
	if errHigh != nil || errLow != nil {
		return 0, fmt.Errorf("%s is not an AS number in asdot form, which is two numbers up to 65535", quote(s))
	}
	return checkASN(ASN(h<<16|l), s)
}

func checkASN(n ASN, s string) (ASN, error) {
	switch n {
	case 0:
		return 0, errors.New("AS 0 is reserved (RFC 7607)")
	case 23456:
		return 0, errors.New("AS 23456 is AS_TRANS, which stands in for 4 byte numbers (RFC 6793)")
	case 65535, 4294967295:
		return 0, fmt.Errorf("AS %s is reserved (RFC 7300)", s)
	}
	return n, nil
}

// String gives asplain: "65546".
func (n ASN) String() string { return strconv.FormatUint(uint64(n), 10) }

// Asdot gives "1.10" for 65546, and asplain for numbers that fit 2 bytes.
func (n ASN) Asdot() string {
	if n <= 0xffff {
		return n.String()
	}
	return fmt.Sprintf("%d.%d", n>>16, n&0xffff)
}

// ParseCommunity reads a standard community: two numbers up to 65535 with a
// colon between them. Well-known communities (RFC 1997 and the IANA registry)
// are errors: routers act on NO_EXPORT or BLACKHOLE, which must not be on every
// VM's route by accident.
func ParseCommunity(s string) (Community, error) {
	parts := strings.Split(s, ":")
	if len(parts) == 3 {
		return Community{}, fmt.Errorf("%s is a large community, which is not supported", quote(s))
	}
	if len(parts) != 2 {
		return Community{}, fmt.Errorf("%s is not a community", quote(s))
	}
	high, errHigh := parseDigits(parts[0], 16)
	low, errLow := parseDigits(parts[1], 16)
	if errHigh != nil || errLow != nil {
		return Community{}, fmt.Errorf("%s is not a community, which is two numbers up to 65535", quote(s))
	}
	if high == 0xffff || high == 0 && low == 0 {
		return Community{}, fmt.Errorf("community %s is well-known or reserved: routers act on it by themselves (RFC 1997)", s)
	}
	return Community{High: uint16(high), Low: uint16(low)}, nil
}

// String gives "65000:100".
func (c Community) String() string { return fmt.Sprintf("%d:%d", c.High, c.Low) }

// parseDigits is ParseUint that takes digits only: no sign, no underscore.
func parseDigits(s string, bits int) (uint64, error) {
	return strconv.ParseUint(s, 10, bits)
}
