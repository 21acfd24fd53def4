package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"ipfabric/cmd/ipfabric-lab/internal/hint"
	"ipfabric/cmd/ipfabric-lab/internal/image"
	"ipfabric/cmd/ipfabric-lab/internal/lab"
	"ipfabric/cmd/ipfabric-lab/internal/plan"
	"ipfabric/cmd/ipfabric-lab/internal/render"
)

const upHelp = `Boots the machines and writes fabric.yaml, an SSH key, known_hosts and a BGP
password into the lab's folder, so that "ipfabric -f .lab/fabric.yaml init" can
begin. It returns when every machine's sshd answers.

The first time, an image is built from the packages of this host's own apt
mirror, which takes a minute or two; after that, six machines take seconds.
What the host lacks (debootstrap, systemd-container, nftables) is installed.

Running it again is harmless: it boots what does not run, adds machines if the
numbers are higher, and brings an edited fabric.yaml to the core gateway. It
never takes machines away, and never overwrites a fabric.yaml that was edited.`

func (a *app) upCommand() *cobra.Command {
	d := lab.DefaultSize()
	o := lab.Options{}
	cmd := &cobra.Command{
		Use:     "up",
		Short:   "boot the machines, all of them, and write fabric.yaml",
		Long:    upHelp,
		Args:    noArgs,
		PreRunE: a.needRoot,
	}
	f := cmd.Flags()
	f.IntVar(&o.Size.Reflectors, "rrs", d.Reflectors, "route reflectors: rr1, rr2 … (1 to 10)")
	f.IntVar(&o.Size.Nodes, "nodes", d.Nodes, "nodes: node1, node2 … (0 to 100)")
	f.IntVar(&o.Size.Cores, "cores", d.Cores, "core gateways: core1 … (0 to 10)")
	f.StringVar(&o.OS, "os", "debian12", "operating system of new machines: "+strings.Join(image.Names(), ", "))
	f.StringSliceVar(&o.ReflectorOS, "rr-os", nil, "operating systems of new reflectors in turn, such as debian11,debian13 (default that of --os)")
	f.StringSliceVar(&o.NodeOS, "node-os", nil, "operating systems of new nodes in turn (default that of --os)")
	f.BoolVar(&o.Mirror, "mirror", false, "have the core gateways serve signed mirrors of FRR, to install it from and to upgrade it")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := o.Size.Check(); err != nil {
			return usageError{err}
		}
		if err := checkOS(o); err != nil {
			return usageError{err}
		}
		// A lab that is there keeps its numbers unless they are said.
		for name, n := range map[string]*int{"rrs": &o.Size.Reflectors, "nodes": &o.Size.Nodes, "cores": &o.Size.Cores} {
			if !f.Changed(name) {
				*n = -1
			}
		}
		l, err := a.open()
		if err != nil {
			return err
		}
		if err := l.Up(cmd.Context(), o); err != nil {
			return err
		}
		return a.sayNext(l)
	}
	return cmd
}

// checkOS says which flag names an operating system that there is none of.
func checkOS(o lab.Options) error {
	for _, f := range []struct {
		flag  string
		names []string
	}{{"--os", []string{o.OS}}, {"--rr-os", o.ReflectorOS}, {"--node-os", o.NodeOS}} {
		for _, name := range f.names {
			if _, err := image.FindRelease(name); err != nil {
				return fmt.Errorf("%s %w", f.flag, err)
			}
		}
	}
	return nil
}

// sayNext tells what the lab is for.
func (a *app) sayNext(l *lab.Lab) error {
	fabric := filepath.Join(a.dir, "fabric.yaml")
	missing, err := l.Missing()
	if err != nil {
		return hint.Add(err, "the machines are up; correct the file and run `ipfabric-lab up` again")
	}
	if len(missing) > 0 {
		a.say.progress("\n%s has been edited, so it is left as it is; it lacks:", fabric)
		for _, m := range missing {
			a.say.progress("%s:\n%s", sectionOf(m.Role), render.FabricEntry(m))
		}
	}
	a.say.progress("\nThe lab is up; core gateways are BIRD, configured as `ipfabric gateway` says. Next:\n  ipfabric -f %s init", fabric)
	return nil
}

// sectionOf is the key of fabric.yaml that machines of a role stand under.
func sectionOf(r plan.Role) string {
	switch r {
	case plan.Core:
		return "core_gateways"
	case plan.Reflector:
		return "route_reflectors"
	}
	return "nodes"
}
