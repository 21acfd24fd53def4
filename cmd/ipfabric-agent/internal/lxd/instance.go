package lxd

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"ipfabric/inventory/vm"
)

// instance is what is read of LXD's description of one.
type instance struct {
	Name    string                       `json:"name"`
	Project string                       `json:"project"`
	Status  string                       `json:"status"`
	Config  map[string]string            `json:"expanded_config"`
	Devices map[string]map[string]string `json:"expanded_devices"`
	// Volatile keys are in the instance's own configuration.
	Own map[string]string `json:"config"`
}

// parse reads LXD's list of instances. It returns those that are the fabric's,
// unchecked, and why others that should be cannot, by VM name. Those that do not
// run, or cannot be taken up, are among the VMs in the phase Off: their addresses
// are theirs all the same.
func parse(data []byte) (vms []vm.VM, broken map[string]error, err error) {
	var answer struct {
		Error     string     `json:"error"`
		Instances []instance `json:"metadata"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, nil, fmt.Errorf("the list of instances: %v", err)
	}
	if answer.Error != "" {
		return nil, nil, fmt.Errorf("the list of instances: %s", answer.Error)
	}
	broken = map[string]error{}
	for _, i := range answer.Instances {
		v, err := i.vm()
		if err != nil {
			broken[i.vmName()] = err
		}
		if v == nil {
			v = i.off()
		}
		if v != nil {
			vms = append(vms, *v)
		}
	}
	return vms, broken, nil
}

// vmName is the instance's name. Names are unique within a project only.
func (i *instance) vmName() string {
	if i.Project != "" && i.Project != "default" {
		return i.Project + "_" + i.Name
	}
	return i.Name
}

// off returns what an instance has also if it does not run, or nil.
func (i *instance) off() *vm.VM {
	v := &vm.VM{Name: i.vmName(), Link: vm.Existing, Phase: vm.Off, Source: vm.LXD}
	v.IPv4, _ = addr("user.ipfabric.ip", i.Config["user.ipfabric.ip"])
	v.IPv6, _ = addr("user.ipfabric.ip6", i.Config["user.ipfabric.ip6"])
	if len(v.Addrs()) == 0 {
		return nil
	}
	return v
}

// vm returns nil for an instance that is not the fabric's, or does not run.
func (i *instance) vm() (*vm.VM, error) {
	ip, ip6 := i.Config["user.ipfabric.ip"], i.Config["user.ipfabric.ip6"]
	if ip == "" && ip6 == "" || i.Status == "Stopped" {
		return nil, nil
	}
	v := &vm.VM{Name: i.vmName(), Link: vm.Existing, Source: vm.LXD}
	var err error
	if v.IPv4, err = addr("user.ipfabric.ip", ip); err != nil {
		return nil, err
	}
	if v.IPv6, err = addr("user.ipfabric.ip6", ip6); err != nil {
		return nil, err
	}
	card, err := i.card()
	if err != nil {
		return nil, err
	}
	v.Interface = i.nic(card, "host_name")
	if v.Interface == "" {
		return nil, nil // it is only just starting: the next event tells
	}
	if v.Interface == vm.InterfaceName(v.Name) {
		v.Interface = ""
	}
	if mac := i.nic(card, "hwaddr"); mac != "" {
		if err := v.MAC.UnmarshalText([]byte(mac)); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// nic returns a property of a network card: as configured, or as LXD chose it.
func (i *instance) nic(card, property string) string {
	if v := i.Devices[card][property]; v != "" {
		return v
	}
	return i.Own["volatile."+card+"."+property]
}

// card returns the name of the network card that is the fabric's.
func (i *instance) card() (string, error) {
	if name := i.Config["user.ipfabric.nic"]; name != "" {
		if i.Devices[name]["type"] != "nic" {
			return "", fmt.Errorf("user.ipfabric.nic: it has no network card %.32q", name)
		}
		return name, nil
	}
	var cards []string
	for _, name := range slices.Sorted(maps.Keys(i.Devices)) {
		if d := i.Devices[name]; d["type"] == "nic" && d["nictype"] == "p2p" {
			cards = append(cards, name)
		}
	}
	switch len(cards) {
	case 0:
		return "", fmt.Errorf("it has no network card with nictype=p2p")
	case 1:
		return cards[0], nil
	}
	return "", fmt.Errorf("it has %d network cards with nictype=p2p: name one in user.ipfabric.nic", len(cards))
}

func addr(key, s string) (netip.Addr, error) {
	if s == "" {
		return netip.Addr{}, nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return a, fmt.Errorf("%s: %.64q is not an address", key, s)
	}
	return a, nil
}
