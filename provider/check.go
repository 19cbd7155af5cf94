package provider

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Bounds of what a row may say: outside of them it is a slip of the pen.
const (
	// MinIdleRestart and MaxIdleRestart bound IdleRestart: a server ends a session after 30 minutes at the
	// earliest (RFC 9051 section 5.4), and RFC 2177 section 3 wants IDLE begun anew each 29.
	MinIdleRestart = 30 * time.Second
	MaxIdleRestart = 28 * time.Minute
	minPoll        = 15 * time.Second
	maxPoll        = 15 * time.Minute
	maxConnections = 1000
)

// check returns an *Error for the first fault of the table.
func (t Table) check() *Error {
	owner := map[string]string{}
	for _, p := range t {
		if err := p.check(); err != nil {
			return &Error{ID: p.ID, Err: err}
		}
		for _, names := range [][]string{p.Hosts, p.Domains, p.MX, p.Software} {
			for _, name := range names {
				if was := owner[name]; was != "" && was != p.ID {
					return &Error{ID: p.ID, Err: fmt.Errorf("%q is of %s already", name, was)}
				}
			}
		}
		for _, name := range slices.Concat(p.Hosts, p.Domains, p.MX, p.Software) {
			owner[name] = p.ID
		}
	}
	return nil
}

func (p *Provider) check() error {
	within := func(what string, d, least, most time.Duration) error {
		if d < least || d > most {
			return fmt.Errorf("%s is %v, not between %v and %v", what, d, least, most)
		}
		return nil
	}
	optional := func(what string, d, least, most time.Duration) error {
		if d == 0 {
			return nil
		}
		return within(what, d, least, most)
	}
	err := errors.Join(
		within("idle_restart", p.IdleRestart, MinIdleRestart, MaxIdleRestart),
		within("poll_interval", p.PollInterval, minPoll, maxPoll),
		optional("drops", p.Drops, p.IdleRestart+1, 24*time.Hour),
		optional("keep_alive", p.KeepAlive, 10*time.Second, 15*time.Minute),
		optional("session_life", p.SessionLife, 5*time.Minute, 30*24*time.Hour),
		optional("token_session", p.TokenSession, 5*time.Minute, 30*24*time.Hour),
	)
	switch {
	case err != nil:
		return err
	case p.ID == "" || strings.ContainsFunc(p.ID, notIDRune):
		return errors.New(`"id" is missing, or has something else than lower-case letters, digits and "-"`)
	case p.Name == "":
		return errors.New(`"name" is missing`)
	case !slices.Contains([]Poll{PollNoop, PollStatus, PollSelect}, p.Poll):
		return fmt.Errorf(`"poll" is %q, not one of noop, status, select`, p.Poll)
	case p.Connections < 0 || p.Connections > maxConnections:
		return fmt.Errorf(`"connections" is %d, not between 0 and %d`, p.Connections, maxConnections)
	case len(p.Auth) == 0:
		return errors.New(`"auth" is missing`)
	case p.ID != Other && len(p.Hosts)+len(p.Domains)+len(p.MX)+len(p.Software)+len(p.Marks) == 0:
		return errors.New(`nothing says when it applies: "hosts", "domains", "mx", "software" and "marks" are all missing`)
	}
	for _, h := range p.Hosts {
		if h != strings.ToLower(h) || strings.ContainsAny(h, ":/ ") || strings.Contains(strings.TrimPrefix(h, "*."), "*") {
			return fmt.Errorf(`host %q: a name in lower case without a port is wanted, or "*." and a name`, h)
		}
	}
	if p.OAuth != nil {
		return p.OAuth.check()
	}
	return nil
}

func notIDRune(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' }

func (o *OAuth) check() error {
	if o.Token == "" || len(o.Scopes) == 0 {
		return errors.New(`"oauth" needs "token" and "scopes"`)
	}
	for _, s := range []string{o.Authorize, o.Token, o.Device} {
		u, err := url.Parse(strings.NewReplacer("{", "", "}", "").Replace(s))
		if s != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
			return fmt.Errorf("oauth: %q is not an https URL", s)
		}
	}
	return nil
}
