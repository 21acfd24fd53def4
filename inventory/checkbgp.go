package inventory

import (
	"math"
	"regexp"
	"time"
)

func (c *checker) bgp(raw *rawBGP) {
	b := &c.f.BGP
	b.Password = c.secret(&raw.Password)
	b.Keepalive = c.duration(raw.Keepalive, "bgp.keepalive", 10*time.Second, time.Second, 21845*time.Second, time.Second)
	b.HoldTime = c.duration(raw.HoldTime, "bgp.hold_time", 30*time.Second, 3*time.Second, 65535*time.Second, time.Second)
	b.ConnectRetry = c.duration(raw.ConnectRetry, "bgp.connect_retry", 5*time.Second, time.Second, 65535*time.Second, time.Second)
	b.BFD = c.bfd(&raw.BFD)
	b.MaxPrefixes = c.integer(raw.MaxPrefixes, "bgp.max_prefixes", 5000, 1, math.MaxInt32)
	b.CoreMaxPrefixes = c.integer(raw.CoreMaxPrefixes, "bgp.core_max_prefixes", 20000, 1, math.MaxInt32)

	timers := raw.HoldTime.at
	if !timers.given() {
		timers = raw.Keepalive.at
	}
	if !raw.Keepalive.bad && !raw.HoldTime.bad {
		c.timers(timers, b.Keepalive, b.HoldTime)
	}
	if b.CoreMaxPrefixes < b.MaxPrefixes {
		where := orPlace(raw.CoreMaxPrefixes.at, raw.MaxPrefixes.at)
		c.warnf(where, "write a higher core_max_prefixes or a lower max_prefixes",
			"bgp: a core gateway takes %d prefixes of all nodes together, fewer than the %d that one node may have", b.CoreMaxPrefixes, b.MaxPrefixes)
	}
}

// timers compares keepalive and hold time: a session goes down when no keepalive arrives within
// the hold time, and RFC 4271 suggests a hold time of three keepalives.
func (c *checker) timers(where at, keepalive, hold time.Duration) {
	if hold <= keepalive {
		c.errorf(where, "write hold_time: "+short(3*keepalive), "bgp: sessions would fall before each keepalive: hold_time %s is not longer than keepalive %s", short(hold), short(keepalive))
		return
	}
	if hold < 3*keepalive {
		c.warnf(where, "write hold_time: "+short(3*keepalive)+" or a shorter keepalive", "bgp: hold_time %s is less than three times keepalive %s: one lost packet may end a session", short(hold), short(keepalive))
	}
}

func (c *checker) bfd(raw *rawBFD) BFD {
	return BFD{
		Enabled:    c.boolean(raw.Enabled, "bgp.bfd", true),
		Interval:   c.duration(raw.Interval, "bgp.bfd.interval", 300*time.Millisecond, 50*time.Millisecond, time.Minute, time.Millisecond),
		Multiplier: c.integer(raw.Multiplier, "bgp.bfd.multiplier", 3, 2, 255),
	}
}

func (c *checker) secret(raw *rawSecret) Secret {
	if !raw.given() || raw.bad || raw.Env.bad || raw.File.bad {
		return Secret{}
	}
	const hint = "write password: {env: NAME} or password: {file: PATH}"
	switch {
	case raw.Env.given() && raw.File.given():
		c.errorf(raw.File.at, hint, "bgp.password: both an environment variable and a file")
		return Secret{}
	case raw.Env.given():
		if !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`).MatchString(raw.Env.s) {
			// Not quoted: it may be the password itself.
			c.errorf(raw.Env.at, "write the name of a variable, such as env: BGP_PASSWORD", "bgp.password.env is not the name of an environment variable")
			return Secret{}
		}
		return Secret{Env: raw.Env.s}
	case raw.File.given():
		return Secret{File: c.path(raw.File, "bgp.password.file")}
	}
	c.errorf(raw.at, hint+", or remove the key", "bgp.password has no source")
	return Secret{}
}
