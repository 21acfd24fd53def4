package machine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A group is the control group that holds all processes of one machine.
//
// Where systemd runs the host, control groups are its own, and the machine is
// a transient service with a delegated one. Elsewhere (in a container, or
// with another init) the group is made by hand, in the cgroup2 hierarchy and,
// on a host that still has it, in systemd's version 1 hierarchy.
type group struct {
	unit  string   // name of the service; "" without systemd
	paths []string // folders of the group, cgroup2's first; none if the host has no cgroup2
}

// parent is the group over all groups made by hand.
const parent = "ipfabric-lab"

func (m *Machine) group() group { return groupOf(m.lab, m.Name) }

func groupOf(lab, name string) group {
	v2, v1 := hierarchies()
	if v2 == "" {
		return group{}
	}
	if booted() {
		unit := fmt.Sprintf("%s-%s-%s.service", parent, lab, name)
		return group{unit, []string{filepath.Join(v2, "system.slice", unit)}}
	}
	g := group{paths: []string{filepath.Join(v2, parent, lab, name)}}
	if v1 != "" {
		g.paths = append(g.paths, filepath.Join(v1, parent, lab, name))
	}
	return g
}

// Names lists the machines of a lab that have a control group, running or
// just dead, whether or not their folder is still there.
func Names(lab string) []string {
	v2, v1 := hierarchies()
	var out []string
	add := func(name string) {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	prefix := fmt.Sprintf("%s-%s-", parent, lab)
	units, _ := filepath.Glob(filepath.Join(v2, "system.slice", prefix+"*.service"))
	for _, u := range units {
		add(strings.TrimSuffix(strings.TrimPrefix(filepath.Base(u), prefix), ".service"))
	}
	for _, top := range []string{v2, v1} {
		dirs, _ := os.ReadDir(filepath.Join(top, parent, lab))
		for _, d := range dirs {
			if d.IsDir() {
				add(d.Name())
			}
		}
	}
	return out
}

// KillAll ends all machines of a lab and removes the groups above them.
func KillAll(ctx context.Context, lab string) error {
	for _, name := range Names(lab) {
		if err := groupOf(lab, name).kill(ctx); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	v2, v1 := hierarchies()
	for _, top := range []string{v2, v1} {
		if top == "" {
			continue
		}
		os.Remove(filepath.Join(top, parent, lab))
		os.Remove(filepath.Join(top, parent)) // stays if another lab is in it
	}
	return nil
}

// Forget removes the folders that systemd-nspawn keeps in /run for machines on
// a bridge, and leaves there if it is killed.
func Forget(bridge string) error {
	left, err := filepath.Glob("/run/systemd/nspawn/*/" + bridge + "-*")
	if err != nil {
		return err
	}
	for _, name := range left {
		if err := os.RemoveAll(name); err != nil {
			return err
		}
	}
	return nil
}

// make makes the group if that is not systemd's task.
func (g group) make() error {
	if g.unit != "" {
		return nil
	}
	for _, p := range g.paths {
		if err := os.MkdirAll(p, 0o755); err != nil {
			return err
		}
	}
	return nil
}

// join lists the groups that the machine's first process has to enter.
func (g group) join() []string {
	if g.unit != "" {
		return nil
	}
	return g.paths
}

// wrap makes a service of a command where systemd runs the host.
func (g group) wrap(argv, env []string, name, dir, console string) []string {
	if g.unit == "" {
		return argv
	}
	run := []string{
		"systemd-run", "--quiet", "--collect", "--unit=" + g.unit, "--description=ipfabric-lab machine " + name,
		"--property=Delegate=yes", "--property=KillMode=mixed", "--property=TasksMax=infinity",
		"--property=RestartForceExitStatus=133", "--property=SuccessExitStatus=133",
		"--property=StandardOutput=append:" + console, "--property=StandardError=append:" + console,
		"--working-directory=" + dir,
	}
	for _, e := range env {
		run = append(run, "--setenv="+e)
	}
	return append(append(run, "--"), argv...)
}

// pids lists the group's processes in all of its subgroups.
func (g group) pids() []int {
	var out []int
	for _, top := range g.paths {
		_ = filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.Name() != "cgroup.procs" {
				return nil // groups vanish while one looks
			}
			data, _ := os.ReadFile(path)
			for f := range strings.FieldsSeq(string(data)) {
				if pid, err := strconv.Atoi(f); err == nil && !slices.Contains(out, pid) {
					out = append(out, pid)
				}
			}
			return nil
		})
	}
	return out
}

func (g group) populated() bool { return len(g.pids()) > 0 }

// signal sends a signal to the group's processes of that name ("" is all).
// The process is taken hold of before it is looked at, so that it cannot be
// another one that got its number meanwhile.
func (g group) signal(name string, sig syscall.Signal) error {
	for _, pid := range g.pids() {
		p, err := os.FindProcess(pid)
		if err != nil {
			continue
		}
		comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		if slices.Contains(g.pids(), pid) && (name == "" || strings.TrimSpace(string(comm)) == name) {
			err = p.Signal(sig)
		}
		p.Release()
		if err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("send %v to process %d: %v", sig, pid, err)
		}
	}
	return nil
}

// kill ends all processes of the group and removes it.
func (g group) kill(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for g.populated() {
		// All at once where the kernel can (5.14), so that nothing is forked
		// meanwhile; one by one, again and again, where it cannot.
		if os.WriteFile(filepath.Join(g.paths[0], "cgroup.kill"), []byte("1"), 0) != nil {
			if err := g.signal("", syscall.SIGKILL); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("processes %v do not die: %w", g.pids(), ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
	if g.unit != "" {
		// Done already, as the service ended; it is gone from systemd's list
		// only after this, and a new one can have its name.
		_ = exec.CommandContext(ctx, "systemctl", "stop", "--quiet", g.unit).Run()
		return nil
	}
	return g.remove(ctx)
}

// remove removes the group's folders, which is possible a moment after the
// last process is gone.
func (g group) remove(ctx context.Context) error {
	for {
		var err error
		for _, top := range g.paths {
			err = errors.Join(err, removeTree(top))
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func removeTree(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if e.IsDir() {
			err = errors.Join(err, removeTree(filepath.Join(dir, e.Name())))
		}
	}
	if e := os.Remove(dir); e != nil && !errors.Is(e, fs.ErrNotExist) {
		err = errors.Join(err, e)
	}
	return err
}

// waitEmpty returns when the group has no process any more.
func (g group) waitEmpty(ctx context.Context) error {
	for g.populated() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}
