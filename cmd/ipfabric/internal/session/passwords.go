package session

import (
	"context"
	"strings"

	"ipfabric/cmd/ipfabric/internal/ui"
)

// The passwords that runs without a terminal get from the environment.
const (
	EnvLoginPassword = "IPFABRIC_SSH_PASSWORD"
	EnvSudoPassword  = "IPFABRIC_SUDO_PASSWORD"
)

// passwords returns those that are known before any host is contacted: asked for by a flag, or from
// the environment. Nothing prints them from now on. "" is one to be asked for when a host wants it.
func (a *Env) passwords(ctx context.Context) (login, sudo string, err error) {
	login, err = a.password(ctx, a.AskLogin, "--ask-password", EnvLoginPassword, "SSH password")
	if err != nil {
		return "", "", err
	}
	sudo, err = a.password(ctx, a.AskSudo, "--ask-sudo-password", EnvSudoPassword, "sudo password")
	return login, sudo, err
}

func (a *Env) password(ctx context.Context, asked bool, flag, env, question string) (string, error) {
	if asked && a.Ask == nil {
		return "", ui.Usagef("set "+env+" instead", "%s: nobody can be asked: this is no terminal, or progress is JSON", flag)
	}
	if asked {
		return a.Ask.Secret(ctx, question)
	}
	value, _ := a.LookupEnv(env)
	a.Mask.Hide(value)
	if strings.ContainsAny(value, "\r\n") {
		return "", ui.Usagef("set it without the line's end: export "+env+"=\"$(cat FILE)\"", "%s: a password has no line break", env)
	}
	return value, nil
}
