package remote

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// passwords holds the passwords of one kind: those for the login, or those for sudo. A password is
// used for all hosts of a user. The first host that asks for it tries it while the others wait. So
// a wrong password is refused once, and does not lock the account on ten hosts.
type passwords struct {
	kind   string // begins the question
	given  string // what to try before anybody is asked
	prompt Prompter
	ask    func(context.Context, func() error) error // one question at a time

	mu  sync.Mutex
	all map[string]*password // by user; by user and host for a host that has another one
}

// A password is one user's.
type password struct {
	turn     chan struct{} // holds a value while a host tries a password that no host has accepted yet
	question string
	asked    int // how often the operator was asked; only used with the turn

	mu      sync.Mutex
	value   string
	proved  bool   // a host has accepted it
	refused string // the host that refused the last one
	over    bool   // the operator gave none, or nobody can be asked
}

// maxAsked is how often the operator is asked for a password, as by ssh and sudo.
const maxAsked = 3

func (s *passwords) of(ep endpoint) *password {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.all[ep.user+"\n"+ep.name]; p != nil {
		return p
	}
	p := s.all[ep.user]
	if p == nil {
		p = newPassword(s.kind + " of " + ep.user)
		p.value = s.given
		s.all[ep.user] = p
	}
	return p
}

func newPassword(question string) *password {
	return &password{turn: make(chan struct{}, 1), question: question}
}

// differs notes that a host has refused a password that another host has accepted. From now on this
// host has a password of its own.
func (s *passwords) differs(ep endpoint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := newPassword(fmt.Sprintf("%s of %s on %s, which has another one", s.kind, ep.user, ep.name))
	p.refused = ep.name
	s.all[ep.user+"\n"+ep.name] = p
}

// proved is the password that a host has accepted, "" if there is none yet.
func (s *passwords) proved(ep endpoint) string {
	p := s.of(ep)
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.proved {
		return ""
	}
	return p.value
}

// suggest sets what is tried before the operator is asked, if no password is known.
func (s *passwords) suggest(ep endpoint, value string) {
	p := s.of(ep)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.value == "" && p.refused == "" && !p.over {
		p.value = value
	}
}

// known says whether there is a password to try without asking the operator.
func (s *passwords) known(ep endpoint) bool {
	p := s.of(ep)
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.value != ""
}

// A noPasswordError says why there is no password to try.
type noPasswordError struct {
	refused string // the host that refused what was given; "" is that none was given
	asked   bool   // the operator was asked
}

func (e *noPasswordError) Error() string {
	if e.refused != "" {
		return "the password was refused by " + e.refused
	}
	return "no password was given"
}

// use finds a password that try accepts, and asks the operator for it if necessary. If none is known,
// the suggested one is tried before the operator is asked.
func (s *passwords) use(ctx context.Context, ep endpoint, suggested string, try func(ctx context.Context, value string) (accepted bool, err error)) error {
	s.suggest(ep, suggested)
	for {
		p := s.of(ep)
		if value := s.proved(ep); value != "" {
			accepted, err := try(ctx, value)
			if accepted || err != nil {
				return err
			}
			s.differs(ep)
			continue
		}
		select {
		case p.turn <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if s.proved(ep) != "" { // another host has proved it in the meantime
			<-p.turn
			continue
		}
		err := s.prove(ctx, ep, p, try)
		<-p.turn
		return err
	}
}

// prove tries a password that no host has accepted yet, and asks the operator again until this host
// accepts one. The caller has the turn.
func (s *passwords) prove(ctx context.Context, ep endpoint, p *password, try func(context.Context, string) (bool, error)) error {
	for {
		value, err := s.fill(ctx, p)
		if err != nil {
			return err
		}
		accepted, err := try(ctx, value)
		if err != nil {
			return err
		}
		p.mu.Lock()
		p.value, p.proved, p.refused = value, accepted, ""
		if !accepted {
			p.value, p.refused = "", ep.name
		}
		p.mu.Unlock()
		if accepted {
			return nil
		}
	}
}

// fill returns the password, and asks for it if it is not known.
func (s *passwords) fill(ctx context.Context, p *password) (string, error) {
	p.mu.Lock()
	value, refused, over := p.value, p.refused, p.over
	p.mu.Unlock()
	if value != "" {
		return value, nil
	}
	if s.prompt != nil && !over && p.asked < maxAsked {
		question := p.question
		switch {
		case p.asked > 0:
			question = "That was not it. " + question
		case refused != "" && s.given != "":
			question = "The one given is not it. " + question
		}
		p.asked++
		err := s.ask(ctx, func() (err error) {
			value, err = s.prompt.Secret(ctx, question)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.value, p.over = value, value == ""
	if p.over {
		return "", &noPasswordError{refused: refused, asked: p.asked > 0}
	}
	return value, nil
}

// noPassword says whether err is that there is no password to try.
func noPassword(err error) (*noPasswordError, bool) {
	var none *noPasswordError
	ok := errors.As(err, &none)
	return none, ok
}
