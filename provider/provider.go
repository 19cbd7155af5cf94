package provider

import (
	"slices"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// Poll is how a server is asked for news that does not push.
type Poll string

// Ways to poll.
const (
	// PollNoop: NOOP has the server tell (RFC 9051 section 6.1.2).
	PollNoop Poll = "noop"
	// PollStatus: NOOP tells nothing, or does not count as activity; STATUS does.
	PollStatus Poll = "status"
	// PollSelect: only opening the mailbox anew shows what has changed.
	PollSelect Poll = "select"
)

// Kind says how sure a source is.
type Kind string

// Kinds of sources. What no vendor has said is a prior.
const (
	Vendor Kind = "vendor" // the vendor's own documentation, or its program's source
	Client Kind = "client" // what another mail program ships, in use by many
	Report Kind = "report" // somebody's observation
	Choice Kind = "choice" // nobody's fact, but our cautious default
)

// Source says where facts come from.
type Source struct {
	// Of names the facts, as the fields are named in JSON, separated by spaces.
	Of    string `json:"of"`
	Where string `json:"where"`
	Kind  Kind   `json:"kind"`
	// Read is the day on which it was read, "2006-01-02".
	Read string `json:"read"`
}

// OAuth is how to get a token for IMAP. Tenants and the like stand in braces.
type OAuth struct {
	Authorize string `json:"authorize,omitempty"`
	Token     string `json:"token"`
	// Device is the endpoint of the device flow (RFC 8628), "" if there is none for mail.
	Device string   `json:"device,omitempty"`
	Scopes []string `json:"scopes"`
	// AppScopes are those of a program that acts for a whole organisation; none if that does not exist.
	AppScopes []string `json:"app_scopes,omitempty"`
	Note      string   `json:"note,omitempty"`
}

// Provider is what is known of a mail service, or of a server program.
type Provider struct {
	// ID is a short name that does not change: "gmail".
	ID   string `json:"id"`
	Name string `json:"name"`

	// Hosts are names of IMAP servers in lower case; "*.example.org" is any host below example.org.
	Hosts []string `json:"hosts,omitempty"`
	// Domains are those of mail addresses that are surely there.
	Domains []string `json:"domains,omitempty"`
	// MX are what the names of a domain's mail exchangers end with when its mail is there.
	MX []string `json:"mx,omitempty"`
	// Software is what the server's answer to ID (RFC 2971) calls itself: the beginning of its "name", whatever
	// the case.
	Software []string `json:"software,omitempty"`
	// Marks are capabilities that nobody else has.
	Marks []imap.Capability `json:"marks,omitempty"`

	// IdleRestart is how long one IDLE may last, and with it how long the connection may be silent.
	IdleRestart time.Duration `json:"-"`
	// Drops is the age at which the server, or what is before it, forgets a silent connection. 0 if unknown.
	Drops time.Duration `json:"-"`
	// KeepAlive is the period in which the server says something while IDLE is on. 0 if it does not.
	KeepAlive time.Duration `json:"-"`
	// SessionLife is how long a session lasts at most. 0 if unknown.
	SessionLife time.Duration `json:"-"`
	// TokenSession is how long one lasts at most that was begun with an access token of OAuth. 0 if it is not shorter.
	TokenSession time.Duration `json:"-"`
	// Connections is how many an account may have. 0 if unknown. See [Provider.Budget].
	Connections int `json:"connections,omitempty"`

	// IDFirst: ID must be sent after the login and before a mailbox is opened.
	IDFirst bool `json:"id_first,omitempty"`
	// Poll and PollInterval say how to ask where there is no IDLE, or where AlwaysPoll says that it tells nothing.
	Poll         Poll          `json:"poll"`
	PollInterval time.Duration `json:"-"`
	AlwaysPoll   bool          `json:"always_poll,omitempty"`
	// Mask has capabilities that the server offers and that do not work.
	Mask []imap.Capability `json:"mask,omitempty"`
	// Has and Lacks are what it probably offers and does not offer of what matters for push. Always read CAPABILITY.
	Has   []imap.Capability `json:"has,omitempty"`
	Lacks []imap.Capability `json:"lacks,omitempty"`
	// Watch is advice on what to watch.
	Watch string `json:"watch,omitempty"`

	// Auth are the mechanisms to log in, the best first; "LOGIN" is the command.
	Auth []string `json:"auth"`
	// Password says what kind of password is needed and where to get it; "" if the usual one does.
	Password string `json:"password,omitempty"`
	OAuth    *OAuth `json:"oauth,omitempty"`
	// Throttling says how the server slows clients down, and how it says so.
	Throttling string `json:"throttling,omitempty"`
	// Notes are faults and duties.
	Notes   []string `json:"notes,omitempty"`
	Sources []Source `json:"sources"`
}

// Budget is how many connections to use for one account at most, 0 if nothing is known: half of what is allowed,
// since after a drop the server counts the old ones for a while, and other programs of the user want some.
func (p *Provider) Budget() int {
	if p.Connections == 0 {
		return 0
	}
	return max(p.Connections/2, 1)
}

// Silence is how long a connection may be silent while it is polled: not longer than IdleRestart.
func (p *Provider) Silence() time.Duration {
	if p.Poll == PollNoop {
		return p.IdleRestart
	}
	return min(p.PollInterval, p.IdleRestart)
}

// clone returns a copy that shares nothing with p.
func (p *Provider) clone() *Provider {
	c := *p
	for _, s := range []*[]string{&c.Hosts, &c.Domains, &c.MX, &c.Software, &c.Auth, &c.Notes} {
		*s = slices.Clone(*s)
	}
	for _, s := range []*[]imap.Capability{&c.Marks, &c.Mask, &c.Has, &c.Lacks} {
		*s = slices.Clone(*s)
	}
	c.Sources = slices.Clone(c.Sources)
	if p.OAuth != nil {
		o := *p.OAuth
		o.Scopes, o.AppScopes = slices.Clone(o.Scopes), slices.Clone(o.AppScopes)
		c.OAuth = &o
	}
	return &c
}
