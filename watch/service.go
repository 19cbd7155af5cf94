package watch

import (
	"cmp"
	"net"
	"slices"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/provider"
)

// service returns what is known of the server, before it has said who it is or after.
func (o *Options) service(caps imap.Capabilities, id *imap.ID) *provider.Provider {
	if o.Provider != nil {
		return o.Provider
	}
	if p := o.Providers.Lookup(o.host(), caps, id); p != nil {
		return p
	}
	return provider.Lookup(o.host(), caps, id)
}

// clientOptions are Options.Client with what they leave open, for a server of which p is known.
func (o *Options) clientOptions(p *provider.Provider) imapclient.Options {
	co := o.Client
	co.Handler = nil
	w := o.waiting(p)
	co.IdleRestart, co.PollInterval = w.IdleRestart, w.PollInterval
	co.MaskCapabilities = slices.Concat(co.MaskCapabilities, p.Mask)
	o.noticeDeath(&co)
	return co
}

// waiting is how to wait with a server of which p is known.
func (o *Options) waiting(p *provider.Provider) imapclient.Waiting {
	return imapclient.Waiting{
		IdleRestart:  o.idleRestart(p),
		PollInterval: cmp.Or(o.Client.PollInterval, p.PollInterval),
		NoIdle:       slices.Contains(p.Mask, imap.CapIdle),
	}
}

// idleLimit is how long one IDLE may last if nothing worse has been learned.
func (o *Options) idleLimit(p *provider.Provider) time.Duration {
	return cmp.Or(o.Client.IdleRestart, min(p.IdleRestart, maxPace))
}

// idleRestart is how long one IDLE may last, as learned.
func (o *Options) idleRestart(p *provider.Provider) (d time.Duration) {
	limit := o.idleLimit(p)
	o.Hosts.with(o.host(), func(h *host) { d = h.pace.now(limit) })
	return d
}

// noticeDeath has the system find out within DeadPeer that the peer is gone: the first probe after a third of it, three
// more each sixth. What Client says is left.
func (o *Options) noticeDeath(co *imapclient.Options) {
	if o.DeadPeer < 0 || co.DialContext != nil {
		return
	}
	var d net.Dialer
	if co.Dialer != nil {
		d = *co.Dialer
	}
	if d.KeepAlive == 0 && d.KeepAliveConfig == (net.KeepAliveConfig{}) {
		d.KeepAliveConfig = net.KeepAliveConfig{Enable: true, Idle: o.DeadPeer / 3, Interval: o.DeadPeer / 6, Count: 3}
		co.Dialer = &d
	}
	co.UserTimeout = cmp.Or(co.UserTimeout, o.DeadPeer*5/6)
}

// introduction is what the server is told by ID: something in any case where it wants that first.
func (o *Options) introduction(p *provider.Provider) []imap.Attribute {
	if p.IDFirst && len(o.ClientID) == 0 {
		return defaultID
	}
	return o.ClientID
}

var defaultID = []imap.Attribute{{Name: "name", Value: "pushmail"}}

// connections is how many connections an account may use, if the options do not say: what the provider's data allow, but at
// most want.
func (o *Options) connections(want int) int {
	if n := o.service(nil, nil).Budget(); n > 0 {
		return min(n, want)
	}
	return want
}

// polled returns how the open mailbox must be asked for news: "" if the server pushes, or NOOP is all it takes.
func (l *link) polled() provider.Poll {
	if l.service.Poll == provider.PollNoop || l.idles() && !l.service.AlwaysPoll {
		return ""
	}
	return l.service.Poll
}

// idles reports whether IDLE is used on this connection.
func (l *link) idles() bool {
	return l.conn.Capabilities().Has(imap.CapIdle) && !slices.Contains(l.service.Mask, imap.CapIdle)
}
