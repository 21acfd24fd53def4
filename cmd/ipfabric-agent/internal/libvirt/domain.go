package libvirt

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/netip"

	"ipfabric/inventory/vm"
)

// Namespace is that of the metadata element.
const Namespace = "urn:ipfabric:vm"

// domain is what is read of a domain's XML.
type domain struct {
	Name     string `xml:"name"`
	Metadata struct {
		VM *struct {
			XMLName    xml.Name
			IP         string `xml:"ip,attr"`
			IP6        string `xml:"ip6,attr"`
			Interface  string `xml:"interface,attr"`
			Owner      string `xml:"owner,attr"`
			Group      string `xml:"group,attr"`
			MultiQueue string `xml:"multiqueue,attr"`
		} `xml:"urn:ipfabric:vm vm"`
	} `xml:"metadata"`
	Interfaces []nic `xml:"devices>interface"`
}

type nic struct {
	Type string `xml:"type,attr"`
	MAC  struct {
		Address string `xml:"address,attr"`
	} `xml:"mac"`
	Target struct {
		Dev     string `xml:"dev,attr"`
		Managed string `xml:"managed,attr"`
	} `xml:"target"`
	Driver struct {
		Queues int `xml:"queues,attr"`
	} `xml:"driver"`
}

// maxXML is more than any domain has.
const maxXML = 4 << 20

// Parse reads a domain's XML as the hook gets it. The VM is nil if the domain
// has no metadata of ours, and unchecked otherwise.
func Parse(r io.Reader) (*vm.VM, error) {
	var d domain
	if err := read(r, &d); err != nil {
		return nil, err
	}
	return d.vm()
}

func read(r io.Reader, into any) error {
	data, err := io.ReadAll(io.LimitReader(r, maxXML+1))
	if err != nil {
		return err
	}
	if len(data) > maxXML {
		return errors.New("the domain's XML is too long")
	}
	if err := xml.Unmarshal(data, into); err != nil {
		return fmt.Errorf("the domain's XML: %v", err)
	}
	return nil
}

func (d *domain) vm() (*vm.VM, error) {
	meta := d.Metadata.VM
	if meta == nil {
		return nil, nil
	}
	v := &vm.VM{Name: d.Name, Interface: meta.Interface, Link: vm.Existing, Source: vm.Libvirt}
	var err error
	if v.IPv4, err = addr("ip", meta.IP); err != nil {
		return nil, err
	}
	if v.IPv6, err = addr("ip6", meta.IP6); err != nil {
		return nil, err
	}
	card := d.card(v.Device())
	if card == nil {
		return nil, errors.New("the domain has no interface that can be the fabric's: give it <interface type='ethernet'>")
	}
	if card.MAC.Address != "" {
		if err := v.MAC.UnmarshalText([]byte(card.MAC.Address)); err != nil {
			return nil, err
		}
	}
	// libvirt gives a card without a name of its own one while it starts.
	if v.Interface == "" && card.Target.Dev != "" {
		v.Interface = card.Target.Dev
	}
	if v.Interface == vm.InterfaceName(v.Name) {
		v.Interface = ""
	}
	if card.Target.Managed == "no" {
		v.Link, v.Owner, v.Group = vm.Tap, meta.Owner, meta.Group
		v.MultiQueue = card.queues(meta.MultiQueue)
	}
	return v, nil
}

// queues says whether a card has more than one.
func (n *nic) queues(asked string) bool { return n.Driver.Queues > 1 || asked == "yes" }

// ExpectedTap returns the tap that libvirt expects to be there when the domain
// starts, though its metadata may be one that nobody can use: only Name, Interface
// and MultiQueue are set. It returns nil if there is none that is
// the fabric's.
func ExpectedTap(r io.Reader) *vm.VM {
	var d domain
	if read(r, &d) != nil || vm.CheckName(d.Name) != nil {
		return nil
	}
	v := &vm.VM{Name: d.Name}
	meta := d.Metadata.VM
	if meta != nil {
		v.Interface = meta.Interface
	}
	card := d.card(v.Device())
	if card == nil || card.Type != "ethernet" || card.Target.Managed != "no" || meta == nil && card.Target.Dev != v.Device() {
		return nil
	}
	v.Interface, v.MultiQueue = card.Target.Dev, card.queues("")
	if meta != nil {
		v.MultiQueue = card.queues(meta.MultiQueue)
	}
	if vm.CheckInterface(v.Interface) != nil {
		return nil
	}
	return v
}

// card returns the network card that is the fabric's.
func (d *domain) card(device string) *nic {
	var first *nic
	for i := range d.Interfaces {
		n := &d.Interfaces[i]
		if n.Target.Dev == device {
			return n
		}
		if n.Type == "ethernet" && first == nil {
			first = n
		}
	}
	return first
}

func addr(what, s string) (netip.Addr, error) {
	if s == "" {
		return netip.Addr{}, nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return a, fmt.Errorf("the domain's metadata: %s %q is not an address", what, s)
	}
	return a, nil
}
