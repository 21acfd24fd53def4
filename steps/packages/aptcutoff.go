package packages

import (
	"context"
	"strings"

	"ipfabric/assets"
	"ipfabric/steps/step"
)

// complete makes packages whole that an earlier run has left half installed:
// apt-get install takes them for installed.
func (aptManager) complete(ctx context.Context, h step.Host) error {
	found, err := h.Query(ctx, assets.Script("dpkg-state.sh")...)
	if err != nil || strings.TrimSpace(found) == "" {
		return err
	}
	configure := assets.Script("dpkg-configure.sh", aptGet()...)
	if err := h.Run(ctx, detached(append([]string{"env", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive"}, configure...))...); err != nil {
		return packageError(err)
	}
	if found, err = h.Query(ctx, assets.Script("dpkg-state.sh")...); err != nil {
		return err
	}
	var exact, any []string
	for line := range strings.Lines(found) {
		name, _, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok {
			exact, any = append(exact, strings.TrimSpace(line)), append(any, name)
		}
	}
	if len(any) == 0 {
		return nil
	}
	again := []string{"install", "--reinstall", "--no-install-recommends", "--allow-downgrades"}
	if err := changePackages(ctx, h, aptGet(append(again, exact...)...)); err == nil || !wantsLists(err) {
		return err
	}
	return changePackages(ctx, h, aptGet(append(again[:3:3], any...)...)) // the source has another version by now
}
