package remote

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// openAll opens five hosts at once and returns what came of it.
func openAll(t *testing.T, c *Client, servers ...*fakeServer) []error {
	t.Helper()
	ctx := testContext(t)
	errs := make([]error, 5)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			errs[i] = c.Host(servers[i%len(servers)].sudoTarget(i + 1)).Open(ctx)
		}()
	}
	wg.Wait()
	return errs
}

func TestSudoPasswordIsAskedForOnce(t *testing.T) {
	sudo := newFakeSudo(t, "password", sesame)
	f := sudo.on(t, &fakeServer{})
	op := &operator{passphrase: []string{"wrong", sesame}}
	if err := errors.Join(openAll(t, newClient(t, Config{Prompt: op}, &f.server), f)...); err != nil {
		t.Error(err)
	}
	if len(op.asked) != 2 || op.asked[0] != "sudo password of ops" || op.asked[1] != "That was not it. sudo password of ops" {
		t.Errorf("asked %q", op.asked)
	}
	if tried := sudo.lines(t, "tried"); tried[0] != "wrong" || slices.Contains(tried[1:], "wrong") {
		t.Errorf("tried %q", tried)
	}
}

func TestWrongSudoPasswordIsTriedOnce(t *testing.T) {
	sudo := newFakeSudo(t, "password", sesame)
	f := sudo.on(t, &fakeServer{})
	for i, err := range openAll(t, newClient(t, Config{SudoPassword: "wrong"}, &f.server), f) {
		var ce *ConnectError
		if !errors.As(err, &ce) || ce.Kind != Sudo {
			t.Errorf("node%d: got %v, want that sudo refuses", i+1, err)
		}
	}
	if tried := sudo.lines(t, "tried"); len(tried) != 1 {
		t.Errorf("tried %q", tried)
	}
}

func TestOperatorGivesUp(t *testing.T) {
	sudo := newFakeSudo(t, "password", sesame)
	f := sudo.on(t, &fakeServer{})
	op := &operator{passphrase: []string{"a", "b", "c", sesame}}
	openAll(t, newClient(t, Config{Prompt: op}, &f.server), f)
	if len(op.asked) != 3 || len(sudo.lines(t, "tried")) != 3 {
		t.Errorf("asked %q, tried %q", op.asked, sudo.lines(t, "tried"))
	}
	op = &operator{passphrase: []string{""}}
	errs := openAll(t, newClient(t, Config{Prompt: op}, &f.server), f)
	if len(op.asked) != 1 || len(sudo.lines(t, "tried")) != 3 {
		t.Errorf("after an empty answer: asked %q, tried %q", op.asked, sudo.lines(t, "tried"))
	}
	has(t, fmt.Sprint(errs), "and none was given")
}

func TestHostWithAnotherSudoPassword(t *testing.T) {
	one, two := newFakeSudo(t, "password", sesame), newFakeSudo(t, "password", "other")
	a, b := one.on(t, &fakeServer{}), two.on(t, &fakeServer{})
	op := &operator{passphrase: []string{sesame, "other"}}
	c := newClient(t, Config{Prompt: op}, &a.server, &b.server)
	for i, f := range []*fakeServer{a, b, a, b} {
		h := c.Host(f.sudoTarget(i%2 + 1))
		if out, err := h.Query(testContext(t), "id", "-u"); err != nil || out != "0\n" {
			t.Errorf("got %q, %v", out, err)
		}
	}
	if len(op.asked) != 2 || !strings.Contains(op.asked[1], "node2") {
		t.Errorf("asked %q", op.asked)
	}
}

// Who logs in by password most often has the same for sudo.
func TestSudoTakesTheLoginsPassword(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("SSH_AUTH_SOCK", "")
	f := newFakeSudo(t, "password", sesame).on(t, &fakeServer{password: sesame})
	op := &operator{passphrase: []string{sesame}}
	if err := errors.Join(openAll(t, newClient(t, Config{Prompt: op}, &f.server), f)...); err != nil {
		t.Error(err)
	}
	if len(op.asked) != 1 {
		t.Errorf("asked %q", op.asked)
	}
}

// A core gateway is logged in to after the fabric's hosts. It may not know the user whom all others know, so
// its refusal counts for itself alone, and it is not sent a password that the others have refused.
func TestCoreGatewayComesAfterTheHosts(t *testing.T) {
	for _, tt := range []struct {
		name         string
		core, host   string // the passwords that are right there; "" is that it takes keys
		given        string
		typed        []string
		asked        int
		tries        []string // on the core gateway
		inCore, inRR bool
	}{
		{name: "not known there", core: "other", host: sesame, given: sesame, tries: []string{sesame}, inRR: true},
		{name: "the same", core: sesame, host: sesame, given: sesame, tries: []string{sesame}, inCore: true, inRR: true},
		{name: "refused by the other", core: sesame, host: sesame, given: "wrong"},
		{name: "asked for once", core: sesame, host: sesame, typed: []string{sesame}, asked: 1, tries: []string{sesame}, inCore: true, inRR: true},
		{name: "nobody answers", core: sesame, host: sesame, typed: []string{""}, asked: 1},
		{name: "no other wants one", core: sesame, given: sesame, tries: []string{sesame}, inCore: true, inRR: true},
		{name: "no other wants one, and it is wrong", core: sesame, given: "wrong", tries: []string{"wrong"}, inRR: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("HOME", t.TempDir())
			t.Setenv("SSH_AUTH_SOCK", "")
			core := (&fakeServer{password: tt.core}).start(t)
			host := (&fakeServer{password: tt.host, keys: tt.host == ""}).start(t)
			op := &operator{passphrase: tt.typed}
			cfg := Config{LoginPassword: tt.given}
			if tt.typed != nil {
				cfg.Prompt = op
			}
			c := newClient(t, cfg, &core.server, &host.server)
			ctx := testContext(t)
			rr1, core1 := host.target(), core.target()
			rr1.Name, core1.Name, core1.Keys = "rr1", "core1", nil
			if tt.host != "" {
				rr1.Keys = nil
			}
			if err := c.Host(rr1).Open(ctx); (err == nil) != tt.inRR {
				t.Errorf("rr1: %v", err)
			}
			if err := c.Host(core1).Open(ctx); (err == nil) != tt.inCore {
				t.Errorf("core1: %v", err)
			}
			if got := core.passwords(); !slices.Equal(got, tt.tries) {
				t.Errorf("tried on the core gateway %q, want %q", got, tt.tries)
			}
			if len(op.asked) != tt.asked {
				t.Errorf("asked %q", op.asked)
			}
		})
	}
}
