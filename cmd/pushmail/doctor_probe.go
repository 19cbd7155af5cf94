package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapauth"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/watch"
)

// examination connects to a server and collects facts about it.
type examination struct {
	c      *connection
	f      *doctorFlags
	facts  facts
	script script
	ears   ears
	conn   *imapclient.Conn
	uses   imapclient.SpecialUses
	// patience is how long a push may take until it is taken for none.
	patience time.Duration
}

func newExamination(c *connection, f *doctorFlags) *examination {
	return &examination{c: c, f: f, patience: pushPatience}
}

// close says goodbye. It does nothing for a connection that is closed.
func (d *examination) close() {
	if d.conn != nil {
		_ = d.conn.Logout(context.Background()) // bounded by itself
	}
}

// examine looks at all that can be looked at without changing or waiting for anything. What it found until it
// failed is in facts, and why it failed, too.
func (d *examination) examine(ctx context.Context) error {
	for _, stage := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"connect", d.connect},
		{"login", d.login},
		{"server", d.server},
		{"mailboxes", d.names},
		{"limits", d.limits},
		{"mailbox", d.mailbox},
		{"push", d.push},
	} {
		if err := stage.run(ctx); err != nil {
			said := reworded(err)
			d.facts.Failure = &failureFacts{Stage: stage.name, Text: oneLine(said), ExitCode: exitCode(err), fix: hintFor(err)}
			if advice := loginAdvice(d.facts.provider); advice != "" && exitCode(err) == exitAuth {
				d.facts.Failure.fix = advice
			}
			return err
		}
	}
	return nil
}

// dial opens a connection that is heard by ears, and labels it in the trace.
func (d *examination) dial(ctx context.Context, label string, ears *ears) (*imapclient.Conn, error) {
	o := d.c.client
	if p := d.c.providers.Lookup(d.c.host(), nil, nil); p != nil {
		o.MaskCapabilities = slices.Concat(o.MaskCapabilities, p.Mask) // as pushmail watch does
	}
	o.Trace = d.script.trace(d.c.client.Trace, label)
	if ears != nil {
		o.Observer = ears.hear
	}
	if d.f.measureIdle {
		o.IdleRestart = d.f.idleFor + time.Hour // not while it is measured
	}
	return imapclient.Dial(ctx, &o)
}

func (d *examination) connect(ctx context.Context) error {
	began := time.Now()
	conn, err := d.dial(ctx, "", &d.ears)
	took := time.Since(began)
	facts := &connectionFacts{Security: d.c.client.Security.String(), Took: inMilliseconds(took), Greeting: d.script.greeting()}
	if err != nil {
		var cert *imapclient.CertificateError
		if errors.As(err, &cert) && len(cert.Chain) > 0 {
			facts.TLS = certificateFacts(cert.Chain[0])
		}
		if facts.TLS != nil || facts.Greeting != "" {
			d.facts.Connection = facts
		}
		return err
	}
	d.conn = conn
	d.facts.Connection = facts
	facts.Security = conn.Security().String()
	facts.Address = conn.RemoteAddr().String()
	facts.Loopback = isLoopback(conn.RemoteAddr())
	facts.Preauth = conn.State() != imapclient.StateNotAuthenticated
	if state := conn.TLS(); state != nil {
		facts.TLS = tlsFactsOf(state)
	}
	caps := conn.Capabilities()
	if len(caps) == 0 {
		if caps, err = conn.Capability(ctx); err != nil {
			return err
		}
	}
	facts.Capabilities = wordsOf(caps)
	d.lookUp(caps, nil)
	return nil
}

func isLoopback(a net.Addr) bool {
	host, _, err := net.SplitHostPort(a.String())
	return err != nil || net.ParseIP(host).IsLoopback() // without a port it is no network
}

func tlsFactsOf(state *tls.ConnectionState) *tlsFacts {
	f := &tlsFacts{}
	if len(state.PeerCertificates) > 0 {
		f = certificateFacts(state.PeerCertificates[0])
	}
	f.Version, f.Cipher = tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite)
	return f
}

// maxNames bounds how many names of a certificate are shown.
const maxNames = 20

func certificateFacts(cert *x509.Certificate) *tlsFacts {
	f := &tlsFacts{NotAfter: cert.NotAfter.UTC(), SelfSigned: cert.CheckSignatureFrom(cert) == nil || cert.Subject.String() == cert.Issuer.String()}
	for _, name := range cert.DNSNames {
		f.Names = append(f.Names, clean(name))
	}
	for _, ip := range cert.IPAddresses {
		f.Names = append(f.Names, ip.String())
	}
	if len(f.Names) == 0 && cert.Subject.CommonName != "" {
		f.Names = []string{clean(cert.Subject.CommonName)}
	}
	f.Names = f.Names[:min(len(f.Names), maxNames)]
	issuer := cert.Issuer
	f.Issuer = clean(cmp.Or(strings.Join(issuer.Organization, ", "), issuer.CommonName))
	return f
}

func wordsOf[T ~string](words []T) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = clean(string(w))
	}
	return out
}

func (d *examination) login(ctx context.Context) error {
	if d.facts.Connection.Preauth {
		return nil
	}
	facts := &loginFacts{Offered: wordsOf(d.conn.Capabilities().Auth()), Possible: d.waysToLogIn()}
	before := time.Now()
	err := d.c.login(ctx, d.conn)
	facts.Took = inMilliseconds(time.Since(before))
	facts.Tried = d.script.mechanisms()
	d.facts.Login = facts
	return err
}

// waysToLogIn are the mechanisms that both sides can, the best first.
func (d *examination) waysToLogIn() []string {
	cred := d.f.conn.credentials(d.c.url)
	cred.Memory = nil
	// What the secret is does not matter for the choice.
	switch secret := imapauth.NewSecret("x"); {
	case d.f.conn.usesToken():
		cred.Tokens = imapauth.StaticToken(secret)
	case !d.c.certificateAlone:
		cred.Password = secret
	}
	ways, err := imapauth.Select(imapauth.Peer{Capabilities: d.conn.Capabilities(), TLS: d.conn.TLS()}, &cred)
	if err != nil {
		return nil // the login will say so
	}
	var names []string
	for _, w := range ways {
		if name := string(w.Mechanism); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// server asks who it is, and how long an answer takes.
func (d *examination) server(ctx context.Context) error {
	facts := &serverFacts{}
	var id *imap.ID
	if d.conn.Capabilities().Has(imap.CapID) {
		var err error
		if id, err = d.conn.ID(ctx, clientID()...); err != nil && !refused(err) {
			return err
		}
		if id != nil {
			facts.ID = map[string]string{}
			for _, p := range id.Pairs {
				if p.Value != "" {
					facts.ID[clean(p.Name)] = clean(p.Value)
				}
			}
		}
	}
	before := time.Now()
	if err := d.conn.Noop(ctx); err != nil {
		return err
	}
	facts.RoundTrip = inMilliseconds(time.Since(before))
	facts.caps = d.conn.Capabilities()
	d.lookUp(facts.caps, id)
	facts.Capabilities = wordsOf(facts.caps)
	d.facts.Server = facts
	return nil
}

// names looks at the names of the mailboxes. A server that does not tell them can still be watched.
func (d *examination) names(ctx context.Context) error {
	facts := &namesFacts{SpecialUse: map[string]string{}, connections: d.f.which.connections, chosen: d.f.which.many()}
	boxes, err := d.conn.List(ctx, nil)
	if err != nil {
		if !refused(err) {
			return err
		}
		facts.Refused = oneLine(err)
		d.facts.Names = facts
		return nil
	}
	for _, b := range boxes {
		if b.Has(imap.AttrNoSelect) || b.Has(imap.AttrNonExistent) {
			continue
		}
		facts.Count++
		if d.f.which.wants(&b.List) {
			facts.Chosen++
			facts.InboxChosen = facts.InboxChosen || imap.SameMailbox(b.Mailbox, "INBOX")
		}
	}
	ns, err := d.conn.Namespace(ctx)
	switch {
	case err == nil:
		facts.Personal, facts.Other, facts.Shared = prefixes(ns.Personal), prefixes(ns.Other), prefixes(ns.Shared)
		if len(ns.Personal) > 0 && ns.Personal[0].Delim != 0 {
			facts.Delimiter = clean(string(ns.Personal[0].Delim))
		}
	case d.conn.Err() != nil || ctx.Err() != nil:
		return err
	}
	uses, err := d.conn.SpecialUses(ctx)
	if err != nil {
		if d.conn.Err() != nil || ctx.Err() != nil {
			return err
		}
		uses, facts.Guessed = imapclient.GuessSpecialUses(boxes), true
	} else {
		d.uses = uses
	}
	for use := range uses {
		facts.SpecialUse[clean(string(use))] = clean(uses.Mailbox(use))
	}
	d.facts.Names = facts
	return nil
}

func prefixes(spaces []imap.Namespace) []string {
	out := []string{}
	for _, n := range spaces {
		out = append(out, clean(n.Prefix))
	}
	return out
}

func (d *examination) limits(ctx context.Context) error {
	caps := d.conn.Capabilities()
	facts := &limitFacts{}
	facts.AppendLimit, _ = caps.Limit("APPENDLIMIT")
	facts.MessageLimit, _ = caps.Limit("MESSAGELIMIT")
	if caps.Has(imap.CapQuota) {
		roots, err := d.conn.GetQuotaRoot(ctx, d.c.mailbox)
		switch {
		case err == nil:
			facts.Quotas = quotasOf(roots)
		case d.conn.Err() != nil || ctx.Err() != nil:
			return err
		}
	}
	d.facts.Limits = facts
	return nil
}

func quotasOf(roots *imapclient.QuotaRoots) []quotaFacts {
	var out []quotaFacts
	for _, q := range roots.Quotas {
		for _, r := range q.Resources {
			out = append(out, quotaFacts{clean(q.Root), clean(r.Name), r.Usage, r.Limit})
		}
	}
	return out
}

// mailbox opens the mailbox as the watcher does, but read-only.
func (d *examination) mailbox(ctx context.Context) error {
	facts := &mailboxFacts{Name: clean(d.c.mailbox)}
	caps := d.conn.Capabilities()
	if caps.Has(imap.CapQResync) {
		on, err := d.conn.Enable(ctx, imap.CapQResync)
		if err != nil && !refused(err) {
			return err
		}
		facts.QResync = err == nil && slices.Contains(on, imap.CapQResync)
	}
	box, err := d.conn.Select(ctx, d.c.mailbox, &imap.SelectOptions{ReadOnly: true, CondStore: caps.Has(imap.CapCondStore)})
	if refused(err) {
		return &watch.MailboxError{Mailbox: d.c.mailbox, Err: err}
	}
	if err != nil {
		return err
	}
	facts.Messages, facts.UIDValidity, facts.UIDNext = box.Exists, box.UIDValidity, uint32(box.UIDNext)
	facts.HighestModSeq, facts.NoModSeq, facts.UIDNotSticky = uint64(box.HighestModSeq), box.NoModSeq, box.UIDNotSticky
	d.facts.Mailbox = facts
	return nil
}

// idlePatience is how long the server may take to go into IDLE.
const idlePatience = 5 * time.Second

// push looks whether IDLE is not only offered but works.
func (d *examination) push(ctx context.Context) error {
	caps := d.conn.Capabilities()
	facts := &pushFacts{Notify: caps.Has(imap.CapNotify), Idle: caps.Has(imap.CapIdle)}
	facts.IdleMasked = d.facts.provider != nil && slices.Contains(d.facts.provider.Mask, imap.CapIdle)
	facts.Idle = facts.Idle && !facts.IdleMasked
	d.facts.Push = facts
	if !facts.Idle {
		return nil
	}
	ictx, cancel := context.WithTimeout(ctx, idlePatience)
	defer cancel()
	began := time.Now()
	d.script.onPlus(func() {
		facts.Idles, facts.Took = true, inMilliseconds(time.Since(began))
		cancel()
	})
	err := d.conn.Idle(ictx)
	d.script.onPlus(nil)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// sortedKeys are the keys of a map in order, for what is printed.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
