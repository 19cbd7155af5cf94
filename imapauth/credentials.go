package imapauth

import (
	"slices"
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// Credentials are what we have to log in with. The zero value has nothing.
type Credentials struct {
	Username string
	// Identity is whose mailbox is meant, if not that of Username: a shared mailbox, or that of
	// another user for an administrator. CRAM-MD5, LOGIN and the LOGIN command cannot say it.
	Identity string
	// Password lets SCRAM, CRAM-MD5, PLAIN, LOGIN and the LOGIN command work.
	Password Secret
	// Tokens lets OAUTHBEARER and XOAUTH2 work.
	Tokens TokenSource
	// External says that the TLS connection has a client certificate which the server knows.
	External bool
	// Anonymous allows to log in as nobody, with Trace for the server's log.
	Anonymous bool
	Trace     string
	// Host and Port are where we are connected to, for OAUTHBEARER; "" and 0 to leave them out.
	Host string
	Port int

	// Mechanisms, if not empty, are the only ones to use, in this order. To insist on channel binding,
	// name those with -PLUS alone.
	Mechanisms []Mechanism
	// Forbidden are never used.
	Forbidden []Mechanism
	// AllowCleartext allows mechanisms that show the password or the token also without TLS, where
	// anyone on the way can read it. Those named in Mechanisms are allowed anyway.
	AllowCleartext bool
	// Memory keeps what the server refused from being tried again at the next login. Nil does not.
	Memory *Memory
}

// able returns the mechanisms that c has what is needed for, the best first: a certificate, then a
// token, then the password, then nobody.
func (c *Credentials) able(p Peer) []Mechanism {
	var able []Mechanism
	add := func(have bool, m ...Mechanism) {
		if have {
			able = append(able, m...)
		}
	}
	add(c.External, EXTERNAL)
	add(c.Tokens != nil, OAUTHBEARER, XOAUTH2)
	if !c.Password.IsZero() {
		able = append(able, c.passwordMechanisms(p)...)
	}
	add(c.Anonymous, ANONYMOUS)
	if len(c.Mechanisms) > 0 {
		able = inOrderOf(c.Mechanisms, able)
	}
	return slices.DeleteFunc(able, func(m Mechanism) bool { return slices.Contains(c.Forbidden, m) })
}

// passwordMechanisms returns what can be done with the password: first what does not show it to the
// server, the form with channel binding before all. CRAM-MD5 is the exception: on TLS it protects
// nothing that PLAIN shows, and many servers offer it though their stored passwords do not allow it.
func (c *Credentials) passwordMechanisms(p Peer) []Mechanism {
	var list []Mechanism
	if len(bindings(p.TLS)) > 0 {
		list = append(list, SCRAMSHA512Plus, SCRAMSHA256Plus, SCRAMSHA1Plus)
	}
	list = append(list, SCRAMSHA512, SCRAMSHA256, SCRAMSHA1)
	if c.Identity != "" {
		return append(list, PLAIN)
	}
	shown := []Mechanism{PLAIN, LOGIN, LoginCommand}
	if c.simple() {
		// One round trip instead of three.
		shown = []Mechanism{PLAIN, LoginCommand, LOGIN}
	}
	if p.TLS != nil {
		return append(append(list, shown...), CRAMMD5)
	}
	return append(append(list, CRAMMD5), shown...)
}

// simple reports whether the LOGIN command can send user name and password without a literal and
// without a question of charsets.
func (c *Credentials) simple() bool {
	text := c.Username + c.Password.Reveal()
	return strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}

// inOrderOf returns those of wanted that are in have.
func inOrderOf(wanted, have []Mechanism) []Mechanism {
	var chosen []Mechanism
	for _, m := range wanted {
		if slices.Contains(have, m) && !slices.Contains(chosen, m) {
			chosen = append(chosen, m)
		}
	}
	return chosen
}

// exposes reports whether m would show a secret to anyone on the way, without leave.
func (c *Credentials) exposes(m Mechanism, p Peer) bool {
	return p.TLS == nil && m.Cleartext() && !c.AllowCleartext && !slices.Contains(c.Mechanisms, m)
}

// bindingFlag returns how a SCRAM mechanism without -PLUS speaks of channel binding (RFC 5802 section 6).
func (c *Credentials) bindingFlag(m Mechanism, p Peer) Binding {
	willing := slices.Contains(c.able(p), m.plus())
	offered := slices.ContainsFunc(p.Capabilities.Auth(), func(name string) bool {
		return strings.HasPrefix(name, "SCRAM-") && Mechanism(name).isPlus()
	})
	if willing && !offered {
		return BindingNotOffered
	}
	return NoBinding
}

func offered(caps imap.Capabilities, m Mechanism) bool {
	if m == LoginCommand {
		return !caps.Has(imap.CapLoginDisabled)
	}
	return caps.HasAuth(string(m))
}
