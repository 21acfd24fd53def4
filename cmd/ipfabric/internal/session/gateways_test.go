package session

import (
	"context"
	"strings"
	"testing"
	"time"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/inventory"
	"ipfabric/remote"
)

const shownMX1 = "/var/lib/ipfabric/gateway/mx1.txt"

// again makes a difference on rr1 and applies it, and returns what was said.
func (b *bench) again(t *testing.T) (stdout, stderr string) {
	t.Helper()
	b.hosts["rr1"].Files["/etc/one"] = "other\n"
	b.out.Reset()
	b.err.Reset()
	wantCode(t, b.Converge(context.Background(), b.testPlan(), InitOptions{Yes: true}), ui.ExitOK)
	return b.out.String(), b.err.String()
}

func TestInitShowsTheGatewayWhenItDiffersFromWhatWasShown(t *testing.T) {
	b := newBench(t)
	wantCode(t, b.Converge(context.Background(), b.testPlan(), InitOptions{Yes: true}), ui.ExitOK)
	wantText(t, "stdout", b.out.String(), "set policy-options community IPFABRIC-VM members 65000:100")
	wantText(t, "stderr", b.err.String(), "the configuration of mx1 follows")
	for _, rr := range []string{"rr1", "rr2"} {
		wantText(t, rr, b.hosts[rr].Files[shownMX1], "shown 20", "set policy-options community")
	}
	if b.hosts["node1"].Files[shownMX1] != "" {
		t.Error("it is on a node, too")
	}

	kept := b.hosts["rr1"].Files[shownMX1]
	stdout, stderr := b.again(t)
	if strings.Contains(stdout, "set protocols") {
		t.Errorf("shown again:\n%s", stdout)
	}
	wantText(t, "stderr", stderr, "the configuration of mx1 is the one that was shown before, and `ipfabric gateway` prints it again\n")
	if b.hosts["rr1"].Files[shownMX1] != kept {
		t.Error("kept anew")
	}

	// Another community: only that, and how to see all.
	community, err := inventory.ParseCommunity("65000:200")
	if err != nil {
		t.Fatal(err)
	}
	b.fabric.Communities = []inventory.Community{community}
	stdout, stderr = b.again(t)
	wantText(t, "stdout", stdout, "mx1:\n", "  -set policy-options community IPFABRIC-VM members 65000:100", "  +set policy-options community IPFABRIC-VM members 65000:200")
	wantText(t, "stderr", stderr, "the configuration of mx1 differs from the one that was shown on ", "UTC; `ipfabric gateway mx1` prints all of it")
	if n := strings.Count(stdout, "set "); n > 20 {
		t.Errorf("%d lines:\n%s", n, stdout)
	}
	wantText(t, "rr2", b.hosts["rr2"].Files[shownMX1], "65000:200")

	// Another vendor's text has nothing in common with it.
	b.fabric.CoreGateways[0].Vendor = "bird"
	stdout, _ = b.again(t)
	wantText(t, "stdout", stdout, "\nprotocol bgp ipfabric_rr1_v4 from ipfabric_rr {\n")
}

// A reflector that was away has an old text: the newest one counts.
func TestTheGatewayThatWasShownLastIsTheNewest(t *testing.T) {
	b := newBench(t)
	wantCode(t, b.Converge(context.Background(), b.testPlan(), InitOptions{Yes: true}), ui.ExitOK)
	now := parseShown([]byte(b.hosts["rr1"].Files[shownMX1]))
	b.hosts["rr1"].Files[shownMX1] = shownText{now.at.Add(-time.Hour), now.text}.String()
	b.hosts["rr2"].Files[shownMX1] = shownText{now.at.Add(-time.Minute), strings.ReplaceAll(now.text, "65000:100", "65000:300")}.String()
	stdout, _ := b.again(t)
	wantText(t, "stdout", stdout, "-set policy-options community IPFABRIC-VM members 65000:300")
	if a, b := b.hosts["rr1"].Files[shownMX1], b.hosts["rr2"].Files[shownMX1]; a != b {
		t.Errorf("rr1 and rr2 have different texts:\n%s\n%s", a, b)
	}

	// One that is new or has a damaged file gets it from the other.
	b.hosts["rr2"].Files[shownMX1] = "\x00"
	if stdout, _ := b.again(t); strings.Contains(stdout, "set protocols") {
		t.Errorf("shown again:\n%s", stdout)
	}
	if a, b := b.hosts["rr1"].Files[shownMX1], b.hosts["rr2"].Files[shownMX1]; a != b {
		t.Errorf("rr1 and rr2 have different texts:\n%s\n%s", a, b)
	}
}

// That it cannot be kept is no failure of the run.
func TestTheGatewayIsShownThoughItCannotBeKept(t *testing.T) {
	b := newBench(t)
	b.settle("rr2", "node1")
	b.hosts["rr2"].lockErr = &remote.LockedError{Host: "rr2", Note: "alice"}
	stdout, _ := b.again(t)
	wantText(t, "stdout", stdout, "set protocols")
	if b.hosts["rr2"].Files[shownMX1] != "" || b.hosts["rr1"].Files[shownMX1] == "" {
		t.Error("rr1 does not have it, or rr2 has it without the lock")
	}
	for _, h := range b.hosts {
		if h.locked {
			t.Errorf("%s is still locked", h.name)
		}
	}
}

// With a limit no other host is written to.
func TestTheGatewayIsKeptWithinTheLimit(t *testing.T) {
	b := newBench(t)
	b.settle("rr2", "node1")
	b.limit = limit{hosts: []string{"rr1"}}
	stdout, _ := b.again(t)
	wantText(t, "stdout", stdout, "set protocols")
	if b.hosts["rr2"].Files[shownMX1] != "" || b.hosts["rr1"].Files[shownMX1] == "" {
		t.Error("rr1 does not have it, or rr2 has it")
	}
}

// A run without changes does not ask for it.
func TestInitWithoutChangesReadsNoGateway(t *testing.T) {
	b := newBench(t)
	b.settle("rr1", "rr2", "node1")
	wantCode(t, b.Converge(context.Background(), b.testPlan(), InitOptions{}), ui.ExitOK)
	for _, h := range b.hosts {
		if h.reads[shownMX1] > 0 {
			t.Errorf("%s was asked for it", h.name)
		}
	}
}
