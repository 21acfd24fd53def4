package main

import "github.com/spf13/cobra"

func (a *app) downCommand() *cobra.Command {
	var purge bool
	cmd := &cobra.Command{
		Use:   "down",
		Short: "remove the lab: machines, disks, network, files",
		Long: `Removes all that the lab of this folder has on this host: machines with their
disks (power is cut), the bridge, the address translation, the files that "up"
wrote. It does so after an "up" that was killed at any moment, too, and twice
does no harm. Other labs are left alone. A fabric.yaml that was edited stays, and so does
the image in /var/cache/ipfabric-lab, for the next "up".`,
		Args:    noArgs,
		PreRunE: a.needRoot,
	}
	cmd.Flags().BoolVar(&purge, "purge-image", false, "remove the cached images as well")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		l, err := a.open()
		if err != nil {
			return err
		}
		if err := l.Down(cmd.Context()); err != nil {
			return err
		}
		if purge {
			return l.PurgeImages()
		}
		return nil
	}
	return cmd
}
