package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/provider"
)

// providerFacts are what was known of the service or the server program before.
type providerFacts struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	IdleRestart string   `json:"idle_restart"`
	Connections int      `json:"connections,omitempty"`
	Notes       []string `json:"notes,omitempty"`
}

// lookUp finds what is known of the server. It is called again as more of it shows: its capabilities change
// with the login, and only then it says what it is.
func (d *examination) lookUp(caps imap.Capabilities, id *imap.ID) {
	p := d.c.providers.Lookup(d.c.host(), caps, id)
	if p == nil || p.ID == provider.Other {
		return
	}
	d.facts.Provider = &providerFacts{ID: p.ID, Name: p.Name, IdleRestart: p.IdleRestart.String(), Connections: p.Connections, Notes: p.Notes}
	d.facts.provider = p
}

// judgeProvider says what is known of the server beforehand, and how far it agrees with what was seen.
func judgeProvider(o *findings, f *facts) {
	p := f.provider
	if p == nil || f.Server == nil {
		return
	}
	o.ok("provider", "this is "+p.Name+"; what is known of it (docs/providers.md), which may be out of date:")
	if p.Watch != "" {
		o.note("provider-watch", p.Watch, "")
	}
	if p.Connections > 0 {
		o.ok("provider-connections", fmt.Sprintf("%s at a time for an account; pushmail uses at most %d", count(p.Connections, "connection"), p.Budget()))
	}
	if p.Drops > 0 {
		o.ok("provider-drops", "a silent connection is forgotten after "+briefly(p.Drops))
	}
	if p.SessionLife > 0 {
		o.ok("provider-session", "a session lasts at most "+briefly(p.SessionLife))
	}
	for _, c := range p.Mask {
		o.note("provider-mask", fmt.Sprintf("%s does not work there, even where it is offered: pushmail does not use it, here neither", c), "")
	}
	for _, c := range p.Has {
		if slices.Contains(pushAbilities, c) && !f.Server.has(c) {
			o.note("provider-lacks", fmt.Sprintf("it usually has %s, and not here: an old version, or switched off", c), "if you run the server, look for a setting or an update")
		}
	}
	if p.Throttling != "" {
		o.ok("provider-throttling", p.Throttling)
	}
	for _, note := range p.Notes {
		o.ok("provider-note", note)
	}
}

// pushAbilities are the capabilities without which push or resynchronising is worse.
var pushAbilities = []imap.Capability{imap.CapIdle, imap.CapNotify, imap.CapCondStore, imap.CapQResync, imap.CapListStatus}

// restartOf is how long an IDLE of the watcher lasts unless --idle-restart says otherwise.
func restartOf(p *provider.Provider) time.Duration {
	if p == nil || p.IdleRestart == 0 {
		return ordinaryRestart
	}
	return p.IdleRestart
}

// pollOf is the time between two questions of the watcher unless --poll-interval says otherwise.
func pollOf(p *provider.Provider) time.Duration {
	if p == nil || p.PollInterval == 0 {
		return time.Minute
	}
	return p.PollInterval
}

// loginAdvice is what to do about a refused password, "" if nothing is known.
func loginAdvice(p *provider.Provider) string {
	if p == nil {
		return ""
	}
	var ways []string
	if p.Password != "" {
		ways = append(ways, p.Name+" wants "+p.Password)
	}
	if p.OAuth != nil {
		ways = append(ways, "an OAuth access token works with --oauth")
	}
	return strings.Join(ways, "; ")
}
