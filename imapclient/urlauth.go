package imapclient

import (
	"context"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// GenURLAuth has the server sign URLs of messages or parts (GENURLAUTH, RFC 4467 section 7), such as
// "imap://jo@example.org/INBOX/;uid=20/;section=1.2;expire=2026-12-01T15:00:00Z;urlauth=anonymous", so that whom they
// say can fetch what they name without a login. mechanism is "INTERNAL" unless another one was agreed on. It returns
// the signed URLs in the order of rumps. They are as good as a password for what they name; a Trace masks them.
//
// It needs URLAUTH, else the error is an *[UnsupportedError]. If ctx ends on the way, the URLs are lost.
func (c *Conn) GenURLAuth(ctx context.Context, mechanism string, rumps ...string) ([]string, error) {
	if err := c.requireURLs("GENURLAUTH", rumps); err != nil {
		return nil, err
	}
	var signed []string
	_, err := c.exec(ctx, "GENURLAUTH", func(e *imapwire.Command) {
		for _, rump := range rumps {
			e.AString(rump).Atom(mechanism)
		}
	}, func(r imap.Response) bool {
		g, ok := r.(*imap.GenURLAuth)
		if ok {
			signed = append(signed, g.URLs[:min(len(g.URLs), len(rumps)-len(signed))]...)
		}
		return ok
	})
	return signed, err
}

// URLFetch fetches what is behind URLs that GENURLAUTH made (URLFETCH, RFC 4467 section 7). A content must be
// within Options.Wire.Limits.Literal. The result has those that the server answered, as it named them.
//
// It needs URLAUTH, else the error is an *[UnsupportedError]. If ctx ends on the way, the connection stays usable.
// Cyrus 3.6 hangs up when the mailbox of the URL is selected.
func (c *Conn) URLFetch(ctx context.Context, urls ...string) ([]imap.URLContent, error) {
	if err := c.requireURLs("URLFETCH", urls); err != nil {
		return nil, err
	}
	var got []imap.URLContent
	_, err := c.exec(ctx, "URLFETCH", func(e *imapwire.Command) {
		for _, url := range urls {
			e.Secret(url)
		}
	}, func(r imap.Response) bool {
		f, ok := r.(*imap.URLFetch)
		if ok {
			got = append(got, f.Contents[:min(len(f.Contents), len(urls)-len(got))]...)
		}
		return ok
	})
	return got, err
}

// ResetKey makes all signed URLs of a mailbox void, and those of all mailboxes if mailbox is "" (RESETKEY, RFC 4467
// section 7). mechanisms limit that to URLs signed by them. It needs URLAUTH, else the error is an
// *[UnsupportedError].
func (c *Conn) ResetKey(ctx context.Context, mailbox string, mechanisms ...string) error {
	if err := c.need(StateAuthenticated); err != nil {
		return err
	}
	if err := c.require(imap.CapURLAuth); err != nil {
		return err
	}
	_, err := c.exec(ctx, "RESETKEY", func(e *imapwire.Command) {
		if mailbox == "" {
			return
		}
		e.Mailbox(mailbox)
		for _, m := range mechanisms {
			e.Atom(m)
		}
	}, nil)
	return err
}

func (c *Conn) requireURLs(name string, urls []string) error {
	if err := c.need(StateAuthenticated); err != nil {
		return err
	}
	if err := c.require(imap.CapURLAuth); err != nil {
		return err
	}
	if len(urls) == 0 {
		return notSent(&imapwire.ArgumentError{Command: name, Argument: "URL", Position: 1, Reason: "is missing"})
	}
	return nil
}
