package main

import (
	"context"
	"strings"
)

// The passwords that runs without a terminal get from the environment.
const (
	envLogin = "IPFABRIC_SSH_PASSWORD"
	envSudo  = "IPFABRIC_SUDO_PASSWORD"
)

// passwords returns those that are known before any host is contacted: asked for by a flag, or from
// the environment. Nothing prints them from now on. "" is one to be asked for when a host wants it.
func (a *runEnv) passwords(ctx context.Context) (login, sudo string, err error) {
	login, err = a.password(ctx, a.askLogin, "--ask-password", envLogin, "SSH password")
	if err != nil {
		return "", "", err
	}
	sudo, err = a.password(ctx, a.askSudo, "--ask-sudo-password", envSudo, "sudo password")
	return login, sudo, err
}

func (a *runEnv) password(ctx context.Context, asked bool, flag, env, question string) (string, error) {
	if asked && a.ask == nil {
		return "", usagef("set "+env+" instead", "%s: nobody can be asked: this is no terminal, or progress is JSON", flag)
	}
	if asked {
		return a.ask.Secret(ctx, question)
	}
	value, _ := a.env(env)
	a.mask.hide(value)
	if strings.ContainsAny(value, "\r\n") {
		return "", usagef("set it without the line's end: export "+env+"=\"$(cat FILE)\"", "%s: a password has no line break", env)
	}
	return value, nil
}
