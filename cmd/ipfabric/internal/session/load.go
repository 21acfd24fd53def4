package session

import (
	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/inventory"
)

// Load reads the inventory and prints its warnings.
func (a *Env) Load() (*inventory.Fabric, error) {
	fabric, warnings, err := inventory.Load(a.File)
	if err != nil {
		return nil, ui.Usage(err)
	}
	for _, w := range warnings {
		a.Say.Warn("%s", w)
	}
	return fabric, nil
}

// loadForHosts reads the inventory and what it names: the keys, and the
// secrets, which nothing prints from now on.
func (a *Env) loadForHosts() (*inventory.Fabric, error) {
	fabric, err := a.Load()
	if err != nil {
		return nil, err
	}
	if err := fabric.CheckFiles(); err != nil {
		return nil, ui.Usage(err)
	}
	if err := fabric.ReadSecrets(a.LookupEnv, inventory.ReadSecretFile); err != nil {
		return nil, ui.Usage(err)
	}
	a.Mask.Hide(fabric.BGP.Password.Reveal())
	return fabric, nil
}
