package guest

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"text/template"
)

// Metadata is what a guest itself tells its node about the fabric.
type Metadata struct {
	IPv4, IPv6 string // "" is none
}

// NewMetadata of these addresses, which may be the zero one.
func NewMetadata(ip, ip6 netip.Addr) *Metadata {
	text := func(a netip.Addr) string {
		if !a.IsValid() {
			return ""
		}
		return a.String()
	}
	return &Metadata{text(ip), text(ip6)}
}

// domain is a guest as libvirt takes it. All values are of a kind that holds
// nothing which XML would have to escape.
func domain(s Spec) (string, error) {
	t, err := template.New("domain.xml").Parse(domainText)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, s)
	return b.String(), err
}

func addQEMU(ctx context.Context, sh Shell, s Spec, say func(string, ...any)) error {
	if _, err := sh(ctx, "test -e /var/lib/ipfabric-lab/qemu/system.gz", ""); err != nil {
		say("installing libvirt and QEMU, which takes a minute")
	}
	if _, err := sh(ctx, qemuInstall, ""); err != nil {
		return fmt.Errorf("install libvirt and QEMU: %w", err)
	}
	xml, err := domain(s)
	if err != nil {
		return err
	}
	_, err = sh(ctx, qemuAdd, xml, s.VM, s.Interface, s.Settings)
	return err
}
