package steps

import (
	"context"
	"strings"
)

// cutOff prints what a dpkg that was cut off, by a loss of power perhaps, has
// left: "journal", "configure", and the packages that must be unpacked anew.
// dpkg itself knows how to go on with all but these.
const cutOff = `ls /var/lib/dpkg/updates | grep -q '^[0-9]' && echo journal
LC_ALL=C dpkg-query -W -f '${db:Status-Eflag} ${db:Status-Status} ${binary:Package}=${Version}\n' |
	sed -n -e 's/^reinstreq [^ ]* //p' -e 's/^ok \(unpacked\|half-configured\) .*/configure/p'
true`

// configureAll completes what an earlier dpkg has begun. That one may still be at
// work, so apt waits for it first. What dpkg cannot configure is no error here:
// the apt-get that follows tries it again, and says why.
const configureAll = `"$@" check >/dev/null 2>&1
dpkg --configure -a --force-confdef --force-confold
true`

// complete makes packages whole that an earlier run has left half installed:
// apt-get install takes them for installed.
func (apt) complete(ctx context.Context, h Host) error {
	found, err := h.Query(ctx, "sh", "-c", cutOff)
	if err != nil || strings.TrimSpace(found) == "" {
		return err
	}
	configure := append([]string{"sh", "-c", configureAll, "sh"}, aptGet()...)
	if err := h.Run(ctx, detached(append([]string{"env", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive"}, configure...))...); err != nil {
		return packageError(err)
	}
	if found, err = h.Query(ctx, "sh", "-c", cutOff); err != nil {
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
