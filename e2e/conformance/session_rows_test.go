package conformance

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pushmail/pushmail/e2e/daemon"
	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
)

var sessionRows = []row{
	{name: "STARTTLS", needs: "", covers: "", run: func(p *probe) {
		o := p.options()
		o.Addr, o.Security = p.server.core().IMAP, imapclient.StartTLS
		c := p.login(o)
		if c.TLS() == nil || c.Security() != imapclient.StartTLS {
			p.failf("TLS is %v, security %v", c.TLS(), c.Security())
		}
		p.check(c.Noop(p.ctx))
	}},
	{name: "CAPABILITY", covers: "Capability", run: func(p *probe) {
		caps, err := p.c.Capability(p.ctx)
		p.check(err)
		words := strings.Fields(strings.ToUpper(p.raw("CAPABILITY")))
		for _, c := range caps {
			if !slices.Contains(words, strings.ToUpper(string(c))) {
				p.failf("%s is not in %v", c, words)
			}
		}
	}},
	{name: "ID", needs: "ID", covers: "ID", run: func(p *probe) {
		id, err := p.c.ID(p.ctx, imap.Attribute{Name: "name", Value: "conformance"})
		p.check(err)
		if id == nil || id.Get("name") == "" {
			p.failf("the server says it is %v", id)
		}
		p.sees(`ID ("name" "witness")`, id.Get("name"))
	}},
	{name: "NOOP", covers: "Noop", run: func(p *probe) {
		p.open(1)
		p.appendLetter(2)
		p.check(p.c.Noop(p.ctx))
		if !slices.Contains(p.heard, imap.Response(imap.Exists(2))) {
			p.failf("no EXISTS 2 among %v", p.heard)
		}
	}},
	{name: "ENABLE CONDSTORE", needs: "ENABLE|IMAP4rev2 CONDSTORE", covers: "Enable", run: func(p *probe) {
		on, err := p.c.Enable(p.ctx, imap.CapCondStore)
		p.check(err)
		if !on.Has(imap.CapCondStore) || !p.c.Enabled().Has(imap.CapCondStore) {
			p.check(&imapclient.UnsupportedError{Capability: imap.CapCondStore})
		}
		// FETCH rows carry MODSEQ from now on (RFC 7162 section 3.1.2.1).
		p.open(1)
		p.raw(`STORE 1 +FLAGS (\Flagged)`)
		p.check(p.c.Noop(p.ctx))
		p.hears("MODSEQ of a change", func(r imap.Response) bool {
			m, ok := r.(*imap.Message)
			return ok && m.ModSeq > 0
		})
	}},
	{name: "ENABLE QRESYNC, VANISHED", needs: "ENABLE|IMAP4rev2 QRESYNC", covers: "Enable", run: func(p *probe) {
		_, err := p.c.Enable(p.ctx, imap.CapQResync)
		p.check(err)
		if !p.c.Enabled().Has(imap.CapQResync) {
			p.check(&imapclient.UnsupportedError{Capability: imap.CapQResync})
		}
		p.open(3)
		p.check(p.witness().Expunge(2))
		p.check(p.c.Noop(p.ctx))
		p.hears("VANISHED 2", func(r imap.Response) bool {
			v, ok := r.(*imap.Vanished)
			return ok && !v.Earlier && v.UIDs.Equal(imap.UIDs(2))
		})
	}},
	{name: "ENABLE UTF8=ACCEPT", needs: "ENABLE UTF8=ACCEPT|IMAP4rev2", covers: "Enable", run: func(p *probe) {
		on, err := p.c.Enable(p.ctx, imap.CapUTF8Accept)
		p.check(err)
		if !on.Has(imap.CapUTF8Accept) {
			p.check(&imapclient.UnsupportedError{Capability: imap.CapUTF8Accept})
		}
		name := p.box("Grüße")
		_, err = p.c.Create(p.ctx, name)
		p.check(err)
		boxes, err := p.c.List(p.ctx, nil)
		p.check(err)
		if !slices.ContainsFunc(boxes, func(l *imapclient.Listed) bool { return l.Mailbox == name }) {
			p.failf("%q is not listed", name)
		}
		p.sees(`LIST "" "*"`, "Gr&APwA3w-e")
	}},
	{name: "ENABLE IMAP4rev2", needs: "IMAP4rev2", covers: "Enable", run: func(p *probe) {
		on, err := p.c.Enable(p.ctx, imap.CapIMAP4rev2)
		p.check(err)
		if !on.Has(imap.CapIMAP4rev2) {
			p.check(&imapclient.UnsupportedError{Capability: imap.CapIMAP4rev2})
		}
		p.seed(2)
		box := p.choose("INBOX", nil)
		want(p, "messages", box.Exists, 2)
		found, err := p.c.Search(p.ctx, imap.All())
		p.check(err)
		want(p, "found", found.UIDs.String(), "1:2")
	}},
	{name: "IDLE tells of new messages", needs: "IDLE|IMAP4rev2", covers: "Idle Wait", run: func(p *probe) {
		p.open(1)
		p.idle(func() { p.appendLetter(2) })
		p.hears("EXISTS 2", func(r imap.Response) bool { return r == imap.Exists(2) })
		ctx, stop := context.WithCancel(p.ctx)
		stop()
		p.check(p.c.Idle(ctx)) // ends IDLE
		found, err := p.c.Search(p.ctx, imap.All())
		p.check(err)
		want(p, "found after IDLE", found.UIDs.String(), "1:2")
	}},
	{name: "IDLE tells of flags", needs: "IDLE|IMAP4rev2", covers: "Idle Wait", run: func(p *probe) {
		p.open(1)
		p.idle(func() { p.raw(`STORE 1 +FLAGS (\Flagged)`) })
		p.hears(`\Flagged`, func(r imap.Response) bool {
			m, ok := r.(*imap.Message)
			return ok && imap.HasFlag(m.Flags, imap.FlagFlagged)
		})
	}},
	{name: "IDLE tells of expunges", needs: "IDLE|IMAP4rev2", covers: "Idle Wait", run: func(p *probe) {
		p.open(2)
		p.idle(func() { p.check(p.witness().Expunge(1)) })
		p.hears("EXPUNGE 1", func(r imap.Response) bool { return r == imap.Expunge(1) })
	}},
	{name: "NOTIFY, selected mailbox", needs: "NOTIFY", covers: "Notify Wait", run: func(p *probe) {
		p.open(1)
		p.check(p.c.Notify(p.ctx, &imap.NotifyOptions{Groups: []imap.NotifyGroup{{
			Mailboxes: imap.MailboxSelector{Kind: "SELECTED"},
			Events: []imap.NotifyEvent{
				{Name: imap.EventMessageNew, Fetch: &imap.FetchOptions{Items: imap.ItemUID | imap.ItemEnvelope}},
				{Name: imap.EventMessageExpunge},
				{Name: imap.EventFlagChange},
			},
		}}}))
		p.appendLetter(2)
		p.hears("the new message with its envelope", func(r imap.Response) bool {
			m, ok := r.(*imap.Message)
			return ok && m.UID == 2 && m.Envelope != nil && m.Envelope.Subject == "message 2"
		})
		p.check(p.witness().Expunge(1))
		p.hears("EXPUNGE 1", func(r imap.Response) bool { return r == imap.Expunge(1) })
	}},
	{name: "NOTIFY, other mailboxes", needs: "NOTIFY", covers: "Notify", run: func(p *probe) {
		p.seed(1)
		p.check(p.c.Notify(p.ctx, &imap.NotifyOptions{Status: true, Groups: []imap.NotifyGroup{{
			Mailboxes: imap.MailboxSelector{Kind: "PERSONAL"},
			Events:    []imap.NotifyEvent{{Name: imap.EventMessageNew}, {Name: imap.EventMessageExpunge}, {Name: imap.EventMailboxName}},
		}}}))
		p.hears("STATUS of INBOX at once", hasMessages("INBOX", 1))
		p.appendLetter(2)
		p.hears("STATUS of INBOX", hasMessages("INBOX", 2))
		p.raw(`CREATE "` + p.box("Made") + `"`)
		p.hears("the new mailbox", func(r imap.Response) bool {
			l, ok := r.(*imap.List)
			return ok && l.Mailbox == p.box("Made")
		})
		p.check(p.c.Notify(p.ctx, nil))
	}},
	{name: "COMPRESS=DEFLATE", needs: "COMPRESS=DEFLATE", covers: "Compress", run: func(p *probe) {
		p.seed(5)
		p.check(p.c.Compress(p.ctx))
		want(p, "compressed", p.c.Compressed(), true)
		p.choose("INBOX", nil)
		for i := 1; i <= 5; i++ {
			m := p.one(imap.UID(i), &imap.FetchOptions{Sections: []imap.SectionRequest{{}}})
			want(p, "content", m.Sections[0].Data, string(letter(i)))
		}
		big := append(letter(6), bytes.Repeat([]byte("y\r\n"), 100_000)...)
		_, err := p.c.Append(p.ctx, "INBOX", bytes.NewReader(big), int64(len(big)), nil)
		p.check(err)
		p.sees("FETCH 6 RFC822.SIZE", fmt.Sprintf("RFC822.SIZE %d", len(big)))
	}},
	{name: "UNAUTHENTICATE", needs: "UNAUTHENTICATE", covers: "Unauthenticate", run: func(p *probe) {
		p.check(p.c.Unauthenticate(p.ctx))
		want(p, "state", p.c.State(), imapclient.StateNotAuthenticated)
		p.check(p.c.Login(p.ctx, p.user, daemon.Password))
	}},
	{name: "LANGUAGE", needs: "LANGUAGE", covers: "Languages SetLanguage", run: func(p *probe) {
		tags, err := p.c.Languages(p.ctx)
		p.check(err)
		got, err := p.c.SetLanguage(p.ctx, tags[0])
		p.check(err)
		want(p, "language", got, tags[0])
	}},
	{name: "COMPARATOR", needs: "I18NLEVEL=2", covers: "Comparator", run: func(p *probe) {
		c, err := p.c.Comparator(p.ctx)
		p.check(err)
		want(p, "there is one", c.Active != "", true)
	}},
	{name: "GETJMAPACCESS", needs: "JMAPACCESS", covers: "JMAPAccess", run: func(p *probe) {
		url, err := p.c.JMAPAccess(p.ctx)
		p.check(err)
		want(p, "URL", strings.HasPrefix(url, "https://"), true)
	}},
	{name: "pipelined commands", covers: "Pipeline", run: func(p *probe) {
		p.open(3)
		p.raw(`CREATE "` + p.box("Other") + `"`)
		var subjects []string
		var status *imap.MailboxStatus
		calls := []func(context.Context, *imapclient.Conn) error{func(ctx context.Context, c *imapclient.Conn) (err error) {
			status, err = c.Status(ctx, p.box("Other"), imap.StatusMessages)
			return err
		}}
		for uid := imap.UID(1); uid <= 3; uid++ {
			calls = append(calls, func(ctx context.Context, c *imapclient.Conn) error {
				for m, err := range c.Fetch(ctx, imap.UIDs(uid), &imap.FetchOptions{Items: imap.ItemEnvelope}) {
					if err != nil {
						return err
					}
					subjects = append(subjects, m.Envelope.Subject)
				}
				return nil
			})
		}
		p.check(p.c.Pipeline(p.ctx, calls...))
		want(p, "subjects", strings.Join(subjects, ", "), "message 1, message 2, message 3")
		want(p, "messages in the other mailbox", status.Messages, 0)
	}},
	{name: "LOGOUT", covers: "Logout", run: func(p *probe) {
		p.check(p.c.Logout(p.ctx))
		want(p, "state", fmt.Sprint(p.c.State()), fmt.Sprint(imapclient.StateClosed))
		p.sees("NOOP") // the account goes on
	}},
}

// idle has f happen after IDLE has begun, where there is one.
func (p *probe) idle(f func()) {
	for p.offers.Has(imap.CapIdle) && !strings.Contains(p.trace.String(), "S: +") {
		short, cancel := context.WithTimeout(p.ctx, 10*time.Millisecond)
		_ = p.c.Wait(short)
		cancel()
		p.check(p.ctx.Err())
	}
	f()
}

func (p *probe) appendLetter(i int) {
	_, err := p.witness().Append("INBOX", letter(i))
	p.check(err)
}

func hasMessages(mailbox string, n uint32) func(imap.Response) bool {
	return func(r imap.Response) bool {
		st, ok := r.(*imap.MailboxStatus)
		return ok && st.Mailbox == mailbox && st.Messages == n
	}
}
