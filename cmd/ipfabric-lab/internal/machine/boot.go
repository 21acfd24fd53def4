package machine

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"ipfabric/cmd/ipfabric-lab/internal/hint"
	"ipfabric/cmd/ipfabric-lab/internal/image"
	"ipfabric/cmd/ipfabric-lab/internal/plan"
)

//go:embed boot.sh
var bootScript string

// Start boots the machine on the bridge and returns once it has begun; Wait
// says when it can be used. lock is the lab's: it stays taken until the
// machine can be found by its control group, even if this process is killed.
func (m *Machine) Start(ctx context.Context, bridge string, lock *os.File, all []plan.Machine) error {
	img := image.Image{Path: m.Image}
	if !img.Exists() {
		return hint.Add(fmt.Errorf("%s: its image %s is gone", m.Name, m.Image),
			"`ipfabric-lab down` and `up` make new machines")
	}
	hosts := file{"etc/hosts", 0o644, HostsFile(m.Name, all)}
	if err := writeAll(m.path("upper"), []file{hosts}); err != nil {
		return fmt.Errorf("%s: %w", m.Name, err)
	}
	if m.Role == plan.Core {
		if err := os.MkdirAll(m.mirror(), 0o755); err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	console, err := os.OpenFile(m.Console(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer console.Close()

	if err := removeOldCable(m.nspawnName(bridge)); err != nil {
		return fmt.Errorf("%s: remove its old cable: %v", m.Name, err)
	}
	g := m.group()
	if err := g.make(); err != nil {
		return fmt.Errorf("%s: %w", m.Name, err)
	}
	argv := append([]string{"/bin/sh", "-c", bootScript, "boot"}, m.nspawn(bridge)...)
	env := []string{
		"CGROUPS=" + strings.Join(g.join(), " "),
		"LOWER=" + strings.Join(img.Layers(m.Role == plan.Core), ":"),
		"PATH=" + os.Getenv("PATH"),
		// All releases that there are images of run on cgroup2 alone, whatever
		// the host has.
		"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1",
		// The lab has a lock of its own; systemd-nspawn's would stay behind.
		"SYSTEMD_NSPAWN_LOCK=0",
	}
	argv = append([]string{"unshare", "--mount", "--propagation", "private"}, argv...)
	argv = g.wrap(argv, env, m.Name, m.dir, m.Console())
	cmd := exec.Command(argv[0], argv[1:]...) // not ctx: the machine outlives this program
	cmd.Dir, cmd.Env = m.dir, env
	cmd.Stdout, cmd.Stderr = console, console
	cmd.ExtraFiles = []*os.File{lock}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", m.Name, err)
	}
	m.launched = make(chan error, 1)
	go func() { m.launched <- cmd.Wait() }()
	return nil
}

// nspawnName is the machine's name among all of the host's.
func (m *Machine) nspawnName(bridge string) string { return bridge + "-" + m.Name }

func (m *Machine) nspawn(bridge string) []string {
	args := []string{
		"--quiet", "--boot", "--register=no", "--keep-unit", "--settings=no",
		"--directory=" + m.path("root"),
		"--machine=" + m.nspawnName(bridge), "--hostname=" + m.Name,
		"--network-bridge=" + bridge,
		"--capability=all", "--private-users=no",
		"--console=pipe", "--link-journal=no", "--resolv-conf=off", "--timezone=off",
	}
	if _, err := os.Stat("/dev/net/tun"); err == nil {
		args = append(args, "--bind=/dev/net/tun") // for the taps of virtual machines
	}
	if m.Role == plan.Core {
		args = append(args, "--bind-ro="+strings.ReplaceAll(m.mirror(), ":", `\:`)+":"+served)
	}
	return args
}

// mirror is the lab's folder of mirrors. What is put there while the machine
// runs is served as well.
func (m *Machine) mirror() string { return filepath.Join(m.dir, "..", "..", "mirror") }

// Wait returns when the machine's sshd answers on its IPv4 address, or with
// the end of its console's output when it died before.
func (m *Machine) Wait(ctx context.Context) error {
	// Between Start and the command's end the machine may not be in its group
	// yet; after it, the group tells.
	inGroup := m.launched == nil
	for {
		if sshAnswers(ctx, m.IPv4) {
			return nil
		}
		select {
		case <-m.launched:
			inGroup = true
		default:
		}
		if inGroup && !m.Running() {
			return hint.Add(fmt.Errorf("%s: it stopped while booting; its console says:\n%s", m.Name, m.lastWords()),
				"the whole console output is in %s", m.Console())
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return ctx.Err()
			}
			return hint.Add(fmt.Errorf("%s: its sshd does not answer at %s", m.Name, m.IPv4),
				"its console output is in %s", m.Console())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func sshAnswers(ctx context.Context, addr netip.Addr) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", netip.AddrPortFrom(addr, 22).String())
	if err != nil {
		return false
	}
	defer c.Close()
	_ = c.SetReadDeadline(time.Now().Add(2 * time.Second))
	line, err := bufio.NewReader(c).ReadString('\n')
	return err == nil && strings.HasPrefix(line, "SSH-")
}

func (m *Machine) lastWords() string {
	data, _ := os.ReadFile(m.Console())
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	lines = lines[max(0, len(lines)-8):]
	return "    " + strings.Join(lines, "\n    ")
}

// PowerOff shuts the machine down cleanly, and kills it if it has not gone
// after the grace time. It says whether it had to.
func (m *Machine) PowerOff(ctx context.Context, grace time.Duration) (killed bool, err error) {
	g := m.group()
	// systemd-nspawn passes a SIGTERM on as a request to power off.
	if err := g.signal("systemd-nspawn", syscall.SIGTERM); err != nil {
		return false, fmt.Errorf("%s: %w", m.Name, err)
	}
	wait, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	if g.waitEmpty(wait) == nil {
		return false, m.Kill(ctx) // only removes the empty groups
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	return true, m.Kill(ctx)
}
