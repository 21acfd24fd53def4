package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"

	"ipfabric/cmd/ipfabric-lab/internal/plan"
)

// natTable is what the host does with the machines' packets to the outside: a
// table of its own, replaced as a whole.
func natTable(n plan.Network) string {
	return fmt.Sprintf(`table ip %[1]s
delete table ip %[1]s
table ip %[1]s {
	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr %[2]s oifname != "%[1]s" masquerade
	}
}
`, n.Bridge(), n.Prefix4())
}

func setNAT(ctx context.Context, n plan.Network) error { return nft(ctx, natTable(n)) }

// removeNAT first declares the table, so that it can be deleted whether it is
// there or not.
func removeNAT(ctx context.Context, n plan.Network) error {
	return nft(ctx, fmt.Sprintf("table ip %[1]s\ndelete table ip %[1]s\n", n.Bridge()))
}

func nft(ctx context.Context, script string) error {
	cmd := exec.CommandContext(ctx, "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("nft -f -: %v: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// Blocked names a chain of the host's firewall that drops forwarded packets
// unless a rule lets them through, as Docker's does, or "" if there is none.
// An accept in the lab's own table cannot overrule it.
func Blocked(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "nft", "-j", "list", "chains").Output()
	if err != nil {
		return "", fmt.Errorf("nft -j list chains: %v", err)
	}
	return dropsForwarded(out)
}

func dropsForwarded(chains []byte) (string, error) {
	var doc struct {
		Nftables []struct {
			Chain *struct{ Family, Table, Name, Hook, Policy string }
		}
	}
	if err := json.Unmarshal(chains, &doc); err != nil {
		return "", fmt.Errorf("nft -j list chains: %v", err)
	}
	for _, e := range doc.Nftables {
		c := e.Chain
		if c != nil && c.Hook == "forward" && c.Policy == "drop" && c.Family != "ip6" {
			return fmt.Sprintf("%s %s %s", c.Family, c.Table, c.Name), nil
		}
	}
	return "", nil
}
