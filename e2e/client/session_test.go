package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/dovecot"
	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
)

// Dozens of mailboxes and messages in one pipeline each, compressed and not.
func TestPipelines(t *testing.T) {
	s := dovecot.Start(t, dovecot.Options{Full: true})
	for _, compressed := range []bool{false, true} {
		t.Run(fmt.Sprint("compressed ", compressed), func(t *testing.T) {
			const n = 80 // more than are under way at once
			c, _ := connected(t, s, fmt.Sprint("pipes", compressed), nil)
			ctx := within(t, time.Minute)
			if compressed {
				check(t, c.Compress(ctx))
			}
			type call = func(context.Context, *imapclient.Conn) error
			var create, fill, count, read []call
			var messages [n]uint32
			var bodies [n]string
			for i := range n {
				name := fmt.Sprint("box ", i)
				create = append(create, func(ctx context.Context, c *imapclient.Conn) error {
					_, err := c.Create(ctx, name)
					return err
				})
				fill = append(fill, func(ctx context.Context, c *imapclient.Conn) error {
					text := message(name + " " + strings.Repeat("x", i*10))
					_, err := c.Append(ctx, name, bytes.NewReader(text), int64(len(text)), nil)
					if err == nil {
						_, err = c.Append(ctx, "INBOX", bytes.NewReader(text), int64(len(text)), nil)
					}
					return err
				})
				count = append(count, func(ctx context.Context, c *imapclient.Conn) error {
					st, err := c.Status(ctx, name, imap.StatusMessages)
					if err == nil {
						messages[i] = st.Messages
					}
					return err
				})
				read = append(read, func(ctx context.Context, c *imapclient.Conn) error {
					for m, err := range c.Fetch(ctx, imap.UIDs(imap.UID(i+1)), &imap.FetchOptions{Sections: []imap.SectionRequest{{}}}) {
						if err != nil {
							return err
						}
						bodies[m.UID-1] = m.Sections[0].Data
					}
					return nil
				})
			}
			check(t, c.Pipeline(ctx, create...))
			check(t, c.Pipeline(ctx, fill...))
			check(t, c.Pipeline(ctx, count...))
			_, err := c.Select(ctx, "INBOX", nil)
			check(t, err)
			check(t, c.Pipeline(ctx, read...))
			for i := range n {
				if messages[i] != 1 || !strings.Contains(bodies[i], "Subject: box ") {
					t.Fatalf("mailbox %d has %d messages, and message %d is %q", i, messages[i], i+1, bodies[i])
				}
			}
			// A pipeline that is left in the middle does not cost the connection.
			cctx, cancel := context.WithCancel(ctx)
			stop := func(context.Context, *imapclient.Conn) error { cancel(); return nil }
			err = c.Pipeline(cctx, append(append(read[:n/2:n/2], stop), count...)...)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
			check(t, c.Pipeline(ctx, count...))
		})
	}
}

// One connection hears of all mailboxes, without IDLE.
func TestNotify(t *testing.T) {
	s := dovecot.Start(t, dovecot.Options{})
	heard := make(chan string, 100)
	o := options(t, s, imapclient.ImplicitTLS)
	o.Handler = func(r imap.Response) {
		switch r := r.(type) {
		case *imap.MailboxStatus:
			heard <- fmt.Sprintf("%s has %d", r.Mailbox, r.Messages)
		case *imap.List:
			heard <- fmt.Sprintf("name %s", r.Mailbox)
		case imap.Exists:
			heard <- fmt.Sprintf("selected has %d", r)
		}
	}
	c, other := connected(t, s, "notified", o)
	ctx := within(t, time.Minute)
	_, err := c.Select(ctx, "INBOX", nil)
	check(t, err)
	appended := func(mailbox, subject string) {
		t.Helper()
		_, err := other.Append(mailbox, message(subject))
		check(t, err)
	}
	appended("INBOX", "before")
	events := []imap.NotifyEvent{{Name: imap.EventMessageNew}, {Name: imap.EventMessageExpunge}}
	check(t, c.Notify(ctx, &imap.NotifyOptions{Groups: []imap.NotifyGroup{
		{Mailboxes: imap.MailboxSelector{Kind: "SELECTED"}, Events: events},
		{Mailboxes: imap.MailboxSelector{Kind: "PERSONAL"}, Events: append(events[:2:2], imap.NotifyEvent{Name: imap.EventMailboxName})},
	}}))
	expect := func(want string) {
		t.Helper()
		for {
			select {
			case got := <-heard:
				if got == want {
					return
				}
			default:
				check(t, c.Wait(ctx))
			}
		}
	}
	expect("selected has 1")
	_, err = other.Do("CREATE lists")
	check(t, err)
	expect("name lists")
	appended("lists", "one")
	expect("lists has 1")
	appended("INBOX", "two")
	expect("selected has 2")
}
