package metrics

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"ipfabric/inventory/vm"
)

// A Collector turns a status into metrics.
type Collector struct {
	status func(context.Context) vm.Status
	descs  map[string]*prometheus.Desc
}

// New returns a collector of that status.
func New(status func(context.Context) vm.Status) *Collector {
	c := &Collector{status: status, descs: map[string]*prometheus.Desc{}}
	for _, d := range []struct {
		name, help string
		labels     []string
	}{
		{"info", "Always 1; the labels say what runs.", []string{"version", "fabric", "node"}},
		{"healthy", "Whether the agent has no problem (1) or any (0).", nil},
		{"problems", "Number of problems.", nil},
		{"drained", "Whether the node is drained (1): none of its VMs is announced.", nil},
		{"state_writable", "Whether VMs can be stored (1) or not (0): a full disk.", nil},
		{"vms", "Number of VMs: wanted, with an interface (present), announced, about to arrive (waiting); off are further ones of libvirt or LXD.", []string{"state"}},
		{"routes", "Number of VM routes in the kernel.", nil},
		{"reconciles_total", "Passes over all VMs (full) or those where something changed (partial).", []string{"kind"}},
		{"reconciles_failed_total", "Passes with at least one error.", nil},
		{"changes_total", "Changes made to the kernel.", nil},
		{"errors_total", "VMs that could not be brought into their state, counted once a pass.", nil},
		{"reconcile_seconds", "How long the last full pass took.", nil},
		{"reconcile_timestamp_seconds", "When the last full pass ended.", nil},
		{"frr_up", "Whether bgpd answers (1) or not (0).", nil},
		{"bgp_session_up", "Whether a session is Established (1) or not (0).", []string{"peer", "name", "family"}},
		{"bgp_session_prefixes_received", "Prefixes that a session has received.", []string{"peer", "name", "family"}},
		{"dropped_packets_total", "Packets from VMs that were not theirs to send.", []string{"reason"}},
		{"vm_dropped_packets", "The same by VM; only those that had any in the last day.", []string{"vm"}},
	} {
		c.descs[d.name] = prometheus.NewDesc("ipfabric_"+d.name, d.help, d.labels, nil)
	}
	return c
}

// Describe sends what there is (prometheus.Collector).
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		out <- d
	}
}

// Collect asks for the status (prometheus.Collector).
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	s := c.status(ctx)
	send := func(kind prometheus.ValueType, name string, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(c.descs[name], kind, value, labels...)
	}
	gauge := func(name string, value float64, labels ...string) {
		send(prometheus.GaugeValue, name, value, labels...)
	}
	count := func(name string, value float64, labels ...string) {
		send(prometheus.CounterValue, name, value, labels...)
	}

	gauge("info", 1, s.Version, s.Config.Fabric, s.Config.Node)
	gauge("healthy", truth(s.Healthy))
	gauge("problems", float64(len(s.Problems)))
	gauge("drained", truth(s.Drained))
	gauge("state_writable", truth(s.StateWritable))
	gauge("vms", float64(s.VMs.Wanted), "wanted")
	gauge("vms", float64(s.VMs.Present), "present")
	gauge("vms", float64(s.VMs.Announced), "announced")
	gauge("vms", float64(s.VMs.Waiting), "waiting")
	gauge("vms", float64(s.VMs.Off), "off")
	gauge("routes", float64(s.Routes))
	count("reconciles_total", float64(s.Reconcile.Full), "full")
	count("reconciles_total", float64(s.Reconcile.Partial), "partial")
	count("reconciles_failed_total", float64(s.Reconcile.Failed))
	count("changes_total", float64(s.Reconcile.Changes))
	count("errors_total", float64(s.Reconcile.Errors))
	gauge("reconcile_seconds", s.Reconcile.TookMS/1000)
	gauge("reconcile_timestamp_seconds", float64(s.Reconcile.Last.Unix()))
	gauge("frr_up", truth(s.FRR.Up))
	for _, x := range s.FRR.Sessions {
		gauge("bgp_session_up", truth(x.Established), x.Peer, x.Name, x.Family)
		gauge("bgp_session_prefixes_received", float64(x.Received), x.Peer, x.Name, x.Family)
	}
	for reason, n := range s.Dropped.Reasons {
		count("dropped_packets_total", float64(n), reason)
	}
	for name, n := range s.Dropped.VMs {
		gauge("vm_dropped_packets", float64(n), name)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Handler serves the metrics, and those of the process, at /metrics.
func Handler(c *Collector) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(c, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	return mux
}

// Serve answers on a listener until ctx is done.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	err := srv.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
