package metrics

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ipfabric/inventory/vm"
)

func TestMetrics(t *testing.T) {
	status := func(context.Context) vm.Status {
		return vm.Status{
			Build: vm.Build{Version: "1.2.3"}, Config: vm.Config{Fabric: "lab", Node: "node1"},
			Problems: []string{"one"},
			VMs:      vm.VMCounts{Wanted: 3, Present: 2, Announced: 1},
			Routes:   4,
			FRR: vm.FRR{Up: true, Sessions: []vm.Session{
				{Peer: "10.10.0.11", Name: "rr1", Family: "ipv4-unicast", Established: true, Received: 7},
			}},
			Dropped:   vm.Dropped{Reasons: map[string]uint64{"spoofed": 9}, VMs: map[string]uint64{"a": 9}},
			Reconcile: vm.Reconcile{Full: 5, Partial: 6, Changes: 8, TookMS: 12.5, Last: time.Unix(1700000000, 0)},
		}
	}
	w := httptest.NewRecorder()
	Handler(New(status)).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	var got []string
	for _, line := range strings.Split(w.Body.String(), "\n") {
		if strings.HasPrefix(line, "ipfabric_") {
			got = append(got, line)
		}
	}
	want := strings.Split(`ipfabric_bgp_session_prefixes_received{family="ipv4-unicast",name="rr1",peer="10.10.0.11"} 7
ipfabric_bgp_session_up{family="ipv4-unicast",name="rr1",peer="10.10.0.11"} 1
ipfabric_changes_total 8
ipfabric_drained 0
ipfabric_dropped_packets_total{reason="spoofed"} 9
ipfabric_errors_total 0
ipfabric_frr_up 1
ipfabric_healthy 0
ipfabric_info{fabric="lab",node="node1",version="1.2.3"} 1
ipfabric_problems 1
ipfabric_reconcile_seconds 0.0125
ipfabric_reconcile_timestamp_seconds 1.7e+09
ipfabric_reconciles_failed_total 0
ipfabric_reconciles_total{kind="full"} 5
ipfabric_reconciles_total{kind="partial"} 6
ipfabric_routes 4
ipfabric_state_writable 0
ipfabric_vm_dropped_packets{vm="a"} 9
ipfabric_vms{state="announced"} 1
ipfabric_vms{state="off"} 0
ipfabric_vms{state="present"} 2
ipfabric_vms{state="waiting"} 0
ipfabric_vms{state="wanted"} 3`, "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if !strings.Contains(w.Body.String(), "go_goroutines") {
		t.Error("nothing about the process")
	}
}
