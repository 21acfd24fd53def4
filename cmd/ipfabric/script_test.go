package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/crypto/ssh"
)

// The test binary is ipfabric for the scripts.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ipfabric": main})
}

// TestScripts runs testdata/script/*.txt. Besides testscript's own, there are
// the commands
//
//	exits N CMD…        run CMD, which must end with exit code N
//	sshd NAME MODE      an SSH server; sets NAME_PORT and NAME_KEY.
//	                    accept: lets anybody in, knows no command
//	                    refuse: lets nobody in
//	                    silent: takes connections and says nothing
//	                    password: lets in who knows "open sesame", knows no command
//	connected NAME      wait for the first connection to it
//	fill FILE…          put the environment's values into files
//	keygen FILE         a private SSH key
//
// and the variable NL, a line break.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			for _, name := range []string{"IPFABRIC_FILE", "XDG_STATE_HOME", "SSH_AUTH_SOCK", "NO_COLOR", "IPFABRIC_SSH_PASSWORD", "IPFABRIC_SUDO_PASSWORD"} {
				env.Setenv(name, "")
			}
			home := filepath.Join(env.WorkDir, "home")
			env.Setenv("HOME", home)
			env.Setenv("NL", "\n")
			return os.MkdirAll(home, 0o755)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "sshd": startSSHD, "connected": connected, "fill": fill, "keygen": keygen,
		},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits N CMD…")
	}
	code := 0
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

func fill(ts *testscript.TestScript, _ bool, files []string) {
	for _, f := range files {
		text := os.Expand(ts.ReadFile(f), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(f), []byte(text), 0o644))
	}
}

func keygen(ts *testscript.TestScript, _ bool, files []string) {
	for _, f := range files {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		ts.Check(err)
		block, err := ssh.MarshalPrivateKey(key, "")
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(f), pem.EncodeToMemory(block), 0o600))
	}
}

func startSSHD(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: sshd NAME MODE")
	}
	name, mode := args[0], args[1]
	_, key, err := ed25519.GenerateKey(rand.Reader)
	ts.Check(err)
	signer, err := ssh.NewSignerFromKey(key)
	ts.Check(err)
	cfg := &ssh.ServerConfig{PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) {
		if mode == "refuse" {
			return nil, errors.New("refused")
		}
		return nil, nil
	}}
	if mode == "password" {
		cfg = &ssh.ServerConfig{PasswordCallback: func(_ ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			if string(password) != "open sesame" {
				return nil, errors.New("refused")
			}
			return nil, nil
		}}
	}
	cfg.AddHostKey(signer)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	ts.Setenv(name+"_PORT", port)
	ts.Setenv(name+"_KEY", strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))))
	first := filepath.Join(ts.Getenv("WORK"), name+".connected")
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = os.WriteFile(first, nil, 0o644)
			if mode == "silent" {
				defer c.Close() // once the listener is closed
				continue
			}
			go serveSSH(c, cfg)
		}
	}()
}

// serveSSH answers every command with exit status 127.
func serveSSH(c net.Conn, cfg *ssh.ServerConfig) {
	defer c.Close()
	_, channels, requests, err := ssh.NewServerConn(c, cfg)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for ch := range channels {
		channel, requests, err := ch.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range requests {
				_ = r.Reply(r.Type == "exec", nil)
				if r.Type == "exec" {
					_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{127}))
					channel.Close()
				}
			}
		}()
	}
}

func connected(ts *testscript.TestScript, _ bool, args []string) {
	file := filepath.Join(ts.Getenv("WORK"), args[0]+".connected")
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-again.C {
		if _, err := os.Stat(file); err == nil {
			return
		}
	}
	ts.Fatalf("nobody connected to %s", args[0])
}
