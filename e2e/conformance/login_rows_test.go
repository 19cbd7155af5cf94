package conformance

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"

	"github.com/pushmail/pushmail/e2e/daemon"
	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapauth"
	"github.com/pushmail/pushmail/imapclient"
)

var loginRows = []row{
	{name: "LOGIN", covers: "Login", run: func(p *probe) {
		want(p, "state", p.c.State(), imapclient.StateAuthenticated)
		p.isUser(p.c)
	}},
	{name: "wrong password", covers: "Login SignIn", run: func(p *probe) {
		c := p.dial(p.options())
		err := c.SignIn(p.ctx, &imapauth.Credentials{Username: p.user, Password: imapauth.NewSecret("wrong")})
		if v := imapclient.Classify(err); v.Class != imapclient.ClassAuth {
			p.failf("%v is %v", err, v.Class)
		}
	}},
	{name: "SASL, the strongest", covers: "SignIn Authenticate", run: func(p *probe) {
		c := p.dial(p.options())
		p.check(c.SignIn(p.ctx, &imapauth.Credentials{Username: p.user, Password: imapauth.NewSecret(daemon.Password)}))
		p.isUser(c)
	}},
	sasl(imapauth.PLAIN), sasl(imapauth.LOGIN), sasl(imapauth.CRAMMD5),
	sasl(imapauth.SCRAMSHA1), sasl(imapauth.SCRAMSHA256), sasl(imapauth.SCRAMSHA512),
	bound(imapauth.SCRAMSHA1Plus, tls.VersionTLS12), bound(imapauth.SCRAMSHA256Plus, tls.VersionTLS12), bound(imapauth.SCRAMSHA512Plus, tls.VersionTLS12),
	bound(imapauth.SCRAMSHA256Plus, tls.VersionTLS13),
	oauth(imapauth.XOAUTH2), oauth(imapauth.OAUTHBEARER),
	{name: "AUTHENTICATE ANONYMOUS", needs: "AUTH=ANONYMOUS", covers: "SignIn", run: func(p *probe) {
		c := p.dial(p.options())
		p.signIn(c, &imapauth.Credentials{Anonymous: true, Trace: "conformance", Mechanisms: []imapauth.Mechanism{imapauth.ANONYMOUS}})
		want(p, "state", c.State(), imapclient.StateAuthenticated)
	}},
}

// sasl is the row of a mechanism with a password.
func sasl(m imapauth.Mechanism) row {
	return row{name: "AUTHENTICATE " + string(m), needs: "AUTH=" + string(m), covers: "SignIn Authenticate", run: func(p *probe) {
		c := p.dial(p.options())
		p.signIn(c, &imapauth.Credentials{Username: p.user, Password: imapauth.NewSecret(daemon.Password), Mechanisms: []imapauth.Mechanism{m}})
		p.isUser(c)
	}}
}

// bound is the row of a mechanism that binds the login to the TLS connection.
func bound(m imapauth.Mechanism, version uint16) row {
	r := sasl(m)
	r.name += " over " + tls.VersionName(version)
	r.run = func(p *probe) {
		o := p.options()
		o.TLSConfig.MinVersion, o.TLSConfig.MaxVersion = version, version
		c := p.dial(o)
		p.signIn(c, &imapauth.Credentials{Username: p.user, Password: imapauth.NewSecret(daemon.Password), Mechanisms: []imapauth.Mechanism{m}})
		p.isUser(c)
	}
	if version == tls.VersionTLS13 {
		r.odd = odd{cyrusName: {"bad protocol / cancel", "binds by tls-unique, which TLS 1.3 does not have; the next mechanism does"}}
	}
	return r
}

// oauth is the row of a mechanism with an access token: a bad one, then a good one.
func oauth(m imapauth.Mechanism) row {
	return row{name: "AUTHENTICATE " + string(m), needs: "AUTH=" + string(m), covers: "SignIn", run: func(p *probe) {
		c := p.dial(p.options())
		asked := 0
		tokens := imapauth.TokenFunc(func(_ context.Context, renew bool) (string, error) {
			if asked++; !renew {
				return "stale", nil
			}
			return p.server.(interface{ Token(string) string }).Token(p.user), nil
		})
		p.signIn(c, &imapauth.Credentials{Username: p.user, Tokens: tokens, Mechanisms: []imapauth.Mechanism{m}})
		want(p, "tokens asked for", asked, 2)
		p.isUser(c)
	}}
}

// signIn logs in; that the server has not the mechanism counts as not offered.
func (p *probe) signIn(c *imapclient.Conn, cred *imapauth.Credentials) {
	err := c.SignIn(p.ctx, cred)
	if _, ok := errors.AsType[*imapauth.NoMechanismError](err); ok {
		err = &imapclient.UnsupportedError{Capability: imap.Capability("AUTH=" + string(cred.Mechanisms[0]))}
	}
	p.check(err)
}

// isUser proves that c sees the mailboxes of the user: it adds a message, and the witness finds it.
func (p *probe) isUser(c *imapclient.Conn) {
	p.seed(1)
	box, err := c.Select(p.ctx, "INBOX", nil)
	p.check(err)
	want(p, "messages", fmt.Sprint(box.Exists), "1")
}
