package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"ipfabric/cmd/ipfabric-lab/internal/aptconf"
	"ipfabric/cmd/ipfabric-lab/internal/bridge"
	"ipfabric/cmd/ipfabric-lab/internal/hint"
	"ipfabric/cmd/ipfabric-lab/internal/image"
	"ipfabric/cmd/ipfabric-lab/internal/machine"
	"ipfabric/cmd/ipfabric-lab/internal/plan"
)

// osOf returns the operating system for each machine of a lab, in its order.
func (o Options) osOf(machines []plan.Machine) (map[string]image.Release, error) {
	lists := map[plan.Role][]string{plan.Node: o.NodeOS, plan.Reflector: o.ReflectorOS}
	count := map[plan.Role]int{}
	out := map[string]image.Release{}
	for _, m := range machines {
		name := o.OS
		if list := lists[m.Role]; len(list) > 0 {
			name = list[count[m.Role]%len(list)]
		}
		count[m.Role]++
		r, err := image.FindRelease(name)
		if err == nil && m.Role == plan.Core {
			r, err = image.FindRelease(r.Core())
		}
		if err != nil {
			return nil, err
		}
		out[m.Name] = r
	}
	return out, nil
}

// create makes the machines that are not there yet, and returns all.
func (l *Lab) create(ctx context.Context, have []*machine.Machine, s state, o Options, key []byte) ([]*machine.Machine, error) {
	want := s.Network.Machines(s.Size)
	osOf, err := o.osOf(want)
	if err != nil {
		return nil, err
	}
	want = slices.DeleteFunc(want, func(p plan.Machine) bool {
		return slices.ContainsFunc(have, func(m *machine.Machine) bool { return m.Name == p.Name })
	})
	if len(want) == 0 {
		return have, nil
	}
	var names []string
	for _, p := range want {
		if osOf[p.Name].RPM() && s.Size.Cores == 0 {
			return nil, hint.Add(fmt.Errorf("%s: %s machines get their packages from the core gateway, and the lab has none", p.Name, osOf[p.Name].OS),
				"add --cores 1")
		}
		names = append(names, osOf[p.Name].OS)
	}
	images, err := l.images(ctx, names)
	if err != nil {
		return nil, err
	}
	settings, err := l.settings(ctx, s.Network, key)
	if err != nil {
		return nil, err
	}
	for _, p := range want {
		name := osOf[p.Name].OS
		settings.RPM = osOf[p.Name].RPM()
		if _, err := machine.Create(machine.Folder(l.Dir, p.Name), l.ID, p, name, images[name], s.Network, settings); err != nil {
			return nil, fmt.Errorf("make %s: %w", p.Name, err)
		}
	}
	return l.Machines()
}

// settings are those that new machines have in common.
func (l *Lab) settings(ctx context.Context, n plan.Network, key []byte) (machine.Settings, error) {
	resolv, err := resolvConf()
	if err != nil {
		return machine.Settings{}, err
	}
	mtu, err := bridge.MTU(n)
	if err != nil {
		return machine.Settings{}, err
	}
	options, err := aptOptions(ctx)
	if err != nil {
		return machine.Settings{}, err
	}
	return machine.Settings{
		AuthorizedKey: key,
		ResolvConf:    resolv,
		AptConf:       aptconf.Conf(options, n.Host4().String()),
		MTU:           mtu,
	}, nil
}

// images returns the image of each of the operating systems. Those that are
// not in the cache are built at the same time.
func (l *Lab) images(ctx context.Context, names []string) (map[string]image.Image, error) {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	built := make([]image.Image, len(names))
	err := inParallel(names, func(i int, name string) error {
		r, err := recipe(ctx, name)
		if err != nil {
			return err
		}
		built[i], err = image.Ensure(ctx, r, l.Say)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := map[string]image.Image{}
	for i, name := range names {
		out[name] = built[i]
	}
	return out, nil
}

// inParallel does something for all names at the same time.
func inParallel(names []string, do func(i int, name string) error) error {
	errs := make([]error, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Add(1)
		go func() {
			defer wg.Done()
			errs[i] = do(i, name)
		}()
	}
	wg.Wait()
	return errors.Join(errs...)
}
