package frr

import (
	"encoding/json"
	"errors"
	"net/netip"
	"testing"
	"time"

	"ipfabric/steps/frr/conf"
	"ipfabric/steps/step"
	"ipfabric/steps/step/steptest"
)

// Commands of frrHost.
const (
	askDebian  = "dpkg-query --show --showformat ${db:Status-Status} ${Package} ${Version}\n frr frr-pythontools"
	askFRR     = "timeout 8 vtysh -c show daemons -c show running-config"
	askSummary = "timeout 8 vtysh -c show bgp summary json"
	keepCopies = "keep-files.sh /var/lib/ipfabric/rollback /etc/frr/frr.conf /etc/frr/daemons"
	armTimer   = "start-timer.sh ipfabric-rollback 180 /usr/local/sbin/ipfabric-frr-config /var/lib/ipfabric/rollback/armed"
	stopTimer  = "stop-timer.sh ipfabric-rollback"
	reloadFRR  = "/usr/local/sbin/ipfabric-frr-config reload /etc/frr/frr.conf"
	askRoutes  = "timeout 8 vtysh -c clear bgp ipv4 unicast * soft in -c clear bgp ipv6 unicast * soft in"
	rollBack   = "/usr/local/sbin/ipfabric-frr-config rollback"
	askState   = "rollback-state.sh /var/lib/ipfabric/rollback"
	tryStaged  = "vtysh -C -f /etc/frr/frr.conf.ipfabric-staged"
	runsReload = "frr-reload.sh --help"
	askService = "systemctl show frr.service -p LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,MainPID"
	restart    = "systemctl restart frr.service"

	serviceUp = "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nMainPID=7\n"
)

// frrHost is a Debian 12 with FRR running a configuration of ours. Of its two
// neighbors one is up.
func frrHost() *steptest.Host {
	return &steptest.Host{
		Files: map[string]string{
			"/etc/os-release":   "ID=debian\nVERSION_ID=\"12\"\n",
			"/etc/frr/frr.conf": conf.Header + "\nold\n",
			"/etc/frr/daemons":  "bgpd=yes\nbfdd=yes\n",
		},
		Answers: map[string]string{
			askDebian:  "installed frr 8.4.4-1.1~deb12u2\ninstalled frr-pythontools 8.4.4-1.1~deb12u2\n",
			tryStaged:  "",
			askFRR:     " zebra bgpd watchfrr staticd bfdd\nBuilding configuration...\n\nCurrent configuration:\n!\nold\n",
			askSummary: `{"ipv4Unicast":{"peers":{"10.10.0.21":{"state":"Established"},"10.10.0.22":{"state":"Active"}}}}`,
			runsReload: "usage",
			"settle-file.sh frr:frr /etc/frr/frr.conf.ipfabric-staged":       "",
			"settle-file.sh frr:frr /etc/frr/frr.conf":                       "",
			"settle-file.sh frr:frr /var/lib/ipfabric/rollback/running.conf": "",
			"settle-file.sh root:root /var/lib/ipfabric/rollback/armed":      "",
			"backup-conf.sh /etc/frr/frr.conf /var/lib/ipfabric/backup":      "",
			"install -d -m 0700 /var/lib/ipfabric/rollback":                  "",
			"rm -f /etc/frr/frr.conf.ipfabric-staged":                        "",
			"rm -f /var/lib/ipfabric/rollback/rolled-back":                   "",
			"systemctl reset-failed frr.service":                             "",
			keepCopies:                                                       "", armTimer: "", stopTimer: "", askRoutes: "", reloadFRR: "", rollBack: "", restart: "",
			askState:   "",
			askService: serviceUp,
		},
		Status: map[string]int{},
		Fail:   map[string]error{},
	}
}

// armedSince is when wait and the tests' changes were armed.
const armedSince = "2026-03-01T10:00:00.5Z"

// wait makes a change wait for its confirmation on a host, with sessions to these
// neighbors before it.
func wait(t *testing.T, h *steptest.Host, upgradedFrom string, peers ...string) {
	t.Helper()
	s := armedState{UpgradedFrom: upgradedFrom}
	var err error
	if s.Since, err = time.Parse(time.RFC3339Nano, armedSince); err != nil {
		t.Fatal(err)
	}
	for _, p := range peers {
		s.Peers = append(s.Peers, netip.MustParseAddr(p))
	}
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	h.Files["/var/lib/ipfabric/rollback/armed"] = string(data)
	h.Files["/var/lib/ipfabric/rollback/running.conf"] = "!\nold\n"
	h.Answers[askState] = "armed\n"
	h.Answers["/usr/local/sbin/ipfabric-frr-config confirm "+armedSince] = ""
}

// impatient is a patience for tests.
var impatient = patience{back: 600 * time.Millisecond, policy: 300 * time.Millisecond, lost: 5 * time.Millisecond, poll: time.Millisecond}

func guard(c change) step.Step { return guarded{c, &rollback{}} }

func newConf(conf.Version) ([]byte, error) { return []byte(conf.Header + "\nnew\n"), nil }

// wasRolledBack says what the runner reads of an error.
func wasRolledBack(err error) bool {
	var e interface{ RolledBack() bool }
	return errors.As(err, &e) && e.RolledBack()
}

func hintOf(err error) string { return step.HintOf(err, "") }

var anyVersion = conf.Version{Major: 8, Minor: 4}

func mustConf(data []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return data
}
