package host

import (
	"strings"
	"testing"

	"ipfabric/assets"
	"ipfabric/steps/step/steptest"
)

const (
	askRoutes = "ip -6 -j route show default proto ra"
	askKernel = "sysctl -n net.ipv4.ip_forward net.ipv6.conf.all.forwarding"
)

func forwardingHost() *steptest.Host {
	return &steptest.Host{
		Files: map[string]string{},
		Answers: map[string]string{
			askRoutes: "[]\n",
			askKernel: "1\n1\n",
			"stat-files.sh /etc/sysctl.d/60-ipfabric.conf":            "644 root:root " + Hash(assets.File("node/60-ipfabric.conf")) + "\n",
			"settle-file.sh root:root /etc/sysctl.d/60-ipfabric.conf": "",
			"sysctl -q -p /etc/sysctl.d/60-ipfabric.conf":             "",
		},
	}
}

func TestANodeForwards(t *testing.T) {
	h := forwardingHost()
	for kernel, want := range map[string]string{
		"1\n1\n": "",
		"1\n0\n": "kernel setting net.ipv6.conf.all.forwarding is 0, want 1",
		"0\n1\n": "kernel setting net.ipv4.ip_forward is 0, want 1",
	} {
		h.Answers[askKernel] = kernel
		if diff, err := (Forwarding{}).Check(t.Context(), h); err != nil || diff.String() != want {
			t.Errorf("%q: got %v, %v", kernel, diff, err)
		}
	}
	h.Answers[askKernel] = "1\n"
	if _, err := (Forwarding{}).Check(t.Context(), h); err == nil {
		t.Error("an answer of one line for two settings")
	}
	if err := (Forwarding{}).Apply(t.Context(), h); err != nil {
		t.Error(err)
	}
	if steptest.Position(t, h, "sysctl -q -p") < steptest.Position(t, h, "write /etc/sysctl.d/60-ipfabric.conf 644") {
		t.Error("loaded before it was written")
	}
}

// A kernel that forwards takes no router advertisements unless it is told to: the
// operator's way to the host may hang on one.
func TestAnUplinkKeepsItsRouterAdvertisements(t *testing.T) {
	h := forwardingHost()
	h.Answers[askRoutes] = `[{"dev":"eth0.7"},{"dev":"eth0.7"},{"dev":"wan"},{}]`
	h.Answers["sysctl -n net/ipv6/conf/eth0.7/accept_ra"] = "1\n"
	h.Answers["sysctl -n net/ipv6/conf/wan/accept_ra"] = "0\n" // a program of the host's does it
	if err := (Forwarding{}).Apply(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	got := h.Files["/etc/sysctl.d/60-ipfabric.conf"]
	if strings.Count(got, "net/ipv6/conf/eth0.7/accept_ra = 2\n") != 1 || strings.Contains(got, "wan") {
		t.Errorf("got\n%s", got)
	}
	h.Answers[askRoutes] = "not JSON"
	if err := (Forwarding{}).Apply(t.Context(), h); err == nil {
		t.Error("routes that cannot be read are taken for none")
	}
	h.Answers[askRoutes] = ""
	if err := (Forwarding{}).Apply(t.Context(), h); err != nil {
		t.Errorf("an ip(8) that prints nothing: %v", err)
	}
}
