//go:build lab

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// cheapPasswords defines the function cheap, which sets passwords as chpasswd does.
// They are hashed in the fewest rounds: the usual hash takes 60 ms of CPU, and each
// sudo that is given a password makes one.
const cheapPasswords = "cheap() { chpasswd --crypt-method SHA512 --sha-rounds 1000; }"

// usersScript makes the users of waysIn, and further servers: one on port 2022 that takes no password but
// asks questions, one on port 2023 that allows two tries.
const usersScript = `
set -e
` + cheapPasswords + `
for u in nopass withpass strict noisy fishy cshy tcshy limited limitedpass stranger ttyonly rootpass hop1 hop2; do
	useradd -m -s /bin/bash $u
	echo "$u:sudo of $u" | cheap
	install -d -o $u -m 700 /home/$u/.ssh
	install -o $u -m 600 /root/.ssh/authorized_keys /home/$u/.ssh/authorized_keys
done
echo 'hop1:sudo of withpass' | cheap # one password for both
echo 'root:root of the machine' | cheap
useradd -o -u 0 -g 0 -m -s /bin/bash toor
install -d -m 700 ~toor/.ssh
install -m 600 /root/.ssh/authorized_keys ~toor/.ssh/authorized_keys
echo 'echo welcome; echo careful >&2; printf "no newline"' >/home/noisy/.bashrc
for server in '2022 PasswordAuthentication=no KbdInteractiveAuthentication=yes' '2023 MaxAuthTries=2 PasswordAuthentication=yes'; do
	set -- $server
	systemd-run --quiet --unit=sshd-$1 /usr/sbin/sshd -D -p $1 -o $2 -o $3
done
`

const sudoScript = `
set -e
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update >/dev/null
apt-get -qq -y install --no-install-recommends sudo fish csh tcsh >/dev/null 2>&1
chsh -s /usr/bin/fish fishy; chsh -s /bin/bsd-csh cshy; chsh -s /bin/tcsh tcshy
cat >/etc/sudoers.d/waysin <<'S'
nopass ALL=(ALL) NOPASSWD: ALL
withpass,strict,noisy,fishy,cshy,tcshy,rootpass ALL=(ALL) ALL
ttyonly ALL=(ALL) NOPASSWD: ALL
limited ALL=(root) NOPASSWD: /usr/bin/vtysh, /usr/bin/systemctl
limitedpass ALL=(root) /usr/bin/vtysh
Defaults:strict use_pty, log_input, log_output, lecture=always, insults, timestamp_type=global, passwd_tries=1
Defaults:noisy lecture=always
Defaults:ttyonly requiretty
Defaults:rootpass rootpw
S
chmod 440 /etc/sudoers.d/waysin
visudo -c -q
`

// A waysInFixture is a machine that many can log in to, in a lab with more of them.
type waysInFixture struct {
	*fabric
	machine  string
	ip4, ip6 string
	agent    string // the socket of an ssh-agent with the encrypted key
}

// newWaysIn returns machines that are all the same. Most of a login's time is waiting, so several are tried
// at a time, each on a machine of its own.
func newWaysIn(t *testing.T) []*waysInFixture {
	t.Helper()
	one := &waysInFixture{fabric: newFabric(t, "--rrs", "3", "--nodes", "1", "--cores", "1")}
	one.operatorsOwn()
	public, err := os.ReadFile(filepath.Join(one.dir, "encrypted.pub"))
	if err != nil {
		t.Fatal(err)
	}
	one.ipfabric(0, "init", "--yes", "--no-verify", "--limit", "rr1,rr2,rr3")
	var all []*waysInFixture
	for _, machine := range []string{"rr1", "rr2", "rr3"} {
		f := *one
		f.machine = machine
		f.ip4 = address(f.fabric, machine)
		f.ip6 = strings.TrimSpace(f.ssh(machine, "ip -6 -o address show dev host0 scope global | awk '{print $4}' | cut -d/ -f1"))
		f.ssh(machine, usersScript)
		f.ssh(machine, "echo '"+strings.TrimSpace(string(public))+"' >>/home/nopass/.ssh/authorized_keys")
		f.alias()
		all = append(all, &f)
	}
	return all
}

// operatorsOwn makes what an operator has: an encrypted key, the same one in an agent behind others,
// aliases for hosts.
func (f *waysInFixture) operatorsOwn() {
	f.t.Helper()
	f.local("ssh-keygen", "-q", "-t", "ed25519", "-N", "of the key", "-f", "encrypted")
	f.local("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "plain")
	f.startAgent()
	f.write(".ssh/config", "Include conf.d/*\nHost *-mgmt\n User nopass\n IdentityFile "+f.dir+"/.lab/id_ed25519\n")
}

// alias gives the machine a name in ~/.ssh/config.
func (f *waysInFixture) alias() {
	f.t.Helper()
	f.write(".ssh/conf.d/"+f.machine, "Host "+f.machine+"-mgmt\n HostName "+f.ip6+"\n Port 2022\n ProxyJump bastion-"+f.machine+
		"\nHost bastion-"+f.machine+"\n HostName "+f.ip4+"\n User hop1\n IdentityFile "+f.dir+"/.lab/id_ed25519\n")
}

func (f *waysInFixture) installSudo() {
	f.t.Helper()
	f.ssh(f.machine, sudoScript)
}

func (f *waysInFixture) in(t *testing.T) *waysInFixture {
	c := *f
	c.fabric = f.fabric.in(t)
	return &c
}

// startAgent starts an ssh-agent that has three keys, of which the encrypted one is the last.
func (f *waysInFixture) startAgent() {
	f.t.Helper()
	f.agent = filepath.Join(f.dir, "agent")
	agent := exec.Command("ssh-agent", "-D", "-a", f.agent)
	if err := agent.Start(); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		_ = agent.Process.Kill()
		_ = agent.Wait() // killed
	})
	wait(f.t, 10*time.Second, "ssh-agent", func() bool { _, err := os.Stat(f.agent); return err == nil })
	f.local("ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", "another")
	f.write("askpass", "#!/bin/sh\necho of the key\n")
	if err := os.Chmod(filepath.Join(f.dir, "askpass"), 0o700); err != nil {
		f.t.Fatal(err)
	}
	for _, key := range []string{"plain", "another", "encrypted"} {
		f.local("env", "SSH_AUTH_SOCK="+f.agent, "SSH_ASKPASS="+filepath.Join(f.dir, "askpass"), "SSH_ASKPASS_REQUIRE=force", "ssh-add", "-q", key)
	}
}

// local runs a program on this host in the test's folder.
func (f *waysInFixture) local(program string, args ...string) {
	f.t.Helper()
	if out, code := f.exec2(program, args...); code != 0 {
		f.t.Fatalf("%s %s: exit %d\n%s", program, strings.Join(args, " "), code, out)
	}
}

func (f *waysInFixture) exec2(program string, args ...string) (string, int) {
	f.t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = f.dir
	return output(f.t, cmd)
}

func output(t testing.TB, cmd *exec.Cmd) (string, int) {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

func (f *waysInFixture) write(name, content string) {
	f.t.Helper()
	path := filepath.Join(f.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// as runs ipfabric over a way in and returns its output and exit code.
func (f *waysInFixture) as(w wayIn, args ...string) (string, int) {
	f.t.Helper()
	fill := strings.NewReplacer("{4}", f.ip4, "{6}", f.ip6, "{name}", f.machine, "{agent}", f.agent)
	text, err := os.ReadFile(filepath.Join(f.dir, ".lab", "fabric.yaml"))
	if err != nil {
		f.t.Fatal(err)
	}
	ssh := fill.Replace(w.ssh)
	if !strings.Contains(ssh, "address:") {
		ssh = strings.Replace(ssh, "{", "{address: "+f.ip4+", ", 1)
	}
	entry := "  - name: " + f.machine + "\n"
	if !strings.Contains(string(text), entry) {
		f.t.Fatalf("fabric.yaml has no %s:\n%s", f.machine, text)
	}
	changed := strings.Replace(string(text), entry, entry+"    ssh: "+ssh+"\n", 1)
	changed = strings.Replace(changed, "  user: root\n", "", 1) // for ~/.ssh/config to say
	way := ".lab/way-" + f.machine + ".yaml"
	f.write(way, changed)
	args = append(append(args, "-f", way, "--limit", f.machine, "--accept-new-host-keys"), w.args...)
	cmd := f.command("ipfabric", args...)
	for _, e := range w.env {
		cmd.Env = append(cmd.Env, fill.Replace(e))
	}
	if w.tty != "" { // script(1) has a terminal for it, and types
		line := append([]string{filepath.Join(f.bin, "ipfabric")}, args...)
		env, dir := cmd.Env, cmd.Dir
		cmd = exec.Command("script", "-qec", strings.Join(line, " "), "/dev/null")
		cmd.Env, cmd.Dir, cmd.Stdin = env, dir, strings.NewReader(w.tty)
	}
	return output(f.t, cmd)
}

// tries a way in, which works or fails as it says.
func (f *waysInFixture) tries(w wayIn) {
	f.t.Helper()
	if len(w.want) > 0 {
		f.fails(w)
		return
	}
	f.works(w)
}

// works breaks something on the machine and puts it right over the way in.
func (f *waysInFixture) works(w wayIn) {
	f.t.Helper()
	const dropin = "/etc/systemd/system/frr.service.d/ipfabric.conf"
	const state = "stat -c '%a %U %G' /etc/frr/frr.conf " + dropin + "; cat " + dropin + " /etc/frr/frr.conf"
	before := f.ssh(f.machine, state)
	f.ssh(f.machine, "echo '# broken' >>"+dropin)
	for _, step := range []struct {
		code int
		args []string
	}{{2, []string{"plan"}}, {0, []string{"init", "--yes", "--no-verify"}}, {0, []string{"plan"}}} {
		if out, code := f.as(w, step.args...); code != step.code {
			f.t.Fatalf("%s: exit %d, want %d\n%s", strings.Join(step.args, " "), code, step.code, tail(out))
		}
	}
	if after := f.ssh(f.machine, state); after != before {
		f.t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

// fails wants one clear error with a hint, and the machine as it was.
func (f *waysInFixture) fails(w wayIn) {
	f.t.Helper()
	before := f.ssh(f.machine, everyFile)
	out, code := f.as(w, "init", "--yes", "--no-verify")
	if code != 1 && code != 3 {
		f.t.Errorf("exit %d, want 1\n%s", code, tail(out))
	}
	for _, want := range append(w.want, "error: ", "hint: ") {
		if !strings.Contains(out, want) {
			f.t.Errorf("it does not say %q:\n%s", want, tail(out))
		}
	}
	f.t.Log(tail(out))
	if after := f.ssh(f.machine, everyFile); after != before {
		f.t.Errorf("files of %s were changed:\n%s\n%s", f.machine, before, after)
	}
}

func count(t testing.TB, text string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
