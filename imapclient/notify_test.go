package imapclient_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imapwire"
)

var (
	newAndGone = []imap.NotifyEvent{{Name: imap.EventMessageNew}, {Name: imap.EventMessageExpunge}}
	ofSelected = imap.MailboxSelector{Kind: "SELECTED"}
	ofDelayed  = imap.MailboxSelector{Kind: "SELECTED-DELAYED"}
	ofAll      = imap.MailboxSelector{Kind: "PERSONAL"}
)

func notify(groups ...imap.NotifyGroup) *imap.NotifyOptions {
	return &imap.NotifyOptions{Groups: groups}
}

// notified plays a script against a client with a selected mailbox of a server that has NOTIFY.
func notified(t *testing.T, script string, o *imapclient.Options, client func(t *testing.T, ctx context.Context, c *imapclient.Conn)) {
	t.Helper()
	preauth(t, "NOTIFY IDLE", `
		C: {s} SELECT INBOX
		S: * 3 EXISTS
		S: {s} OK done
	`+script, o, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		if _, err := c.Select(ctx, "INBOX", nil); err != nil {
			t.Error(err)
			return
		}
		client(t, ctx, c)
	})
}

// As Dovecot 2.3 does it: the figures come before and after the answer. It could tell of the selected mailbox
// without IDLE, and forgets some of it then.
func TestNotifyOfTheSelectedMailboxIdles(t *testing.T) {
	var h []string
	o := plain()
	o.Handler = func(r imap.Response) { h = append(h, fmt.Sprintf("%T", r)) }
	notified(t, `
		C: {n} NOTIFY SET STATUS (SELECTED (MessageNew (UID FLAGS) MessageExpunge FlagChange)) (PERSONAL (MessageNew MessageExpunge MailboxName))
		S: * STATUS other (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 7)
		S: {n} OK done
		S: * STATUS lists (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 7)
		C: {i} IDLE
		S: + idling
		wait 1m
		S: * STATUS other (MESSAGES 1 UIDNEXT 2)
		wait 1m
		S: * 4 EXISTS
		S: * 4 FETCH (UID 9 FLAGS ())
		S: * LIST () "/" new ("OLDNAME" (old))
		C: DONE
		S: {i} OK done
		C: {u} UID FETCH 9 (UID RFC822.SIZE)
		S: * 1 EXPUNGE
		S: {u} OK done
	`, o, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		options := notify(imap.NotifyGroup{Mailboxes: ofSelected, Events: []imap.NotifyEvent{
			{Name: imap.EventMessageNew, Fetch: &imap.FetchOptions{Items: imap.ItemUID | imap.ItemFlags}},
			{Name: imap.EventMessageExpunge},
			{Name: imap.EventFlagChange},
		}}, imap.NotifyGroup{Mailboxes: ofAll, Events: append(newAndGone[:2:2], imap.NotifyEvent{Name: imap.EventMailboxName})})
		options.Status = true
		if err := c.Notify(ctx, options); err != nil {
			t.Error(err)
		}
		for len(h) < 6 {
			if err := c.Wait(ctx); err != nil {
				t.Error(err)
				return
			}
		}
		if want := "*imap.MailboxStatus *imap.MailboxStatus *imap.MailboxStatus imap.Exists *imap.Message *imap.List"; strings.Join(h, " ") != want {
			t.Errorf("got  %v\nwant %s", h, want)
		}
		// RFC 5465 section 5.3: an EXPUNGE may be under way at any time.
		for _, err := range c.Fetch(ctx, imap.SeqSet{{First: 1, Last: 1}}, &imap.FetchOptions{Items: imap.ItemSize}) {
			if !errors.As(err, new(*imapwire.ArgumentError)) || !imapclient.SafeToRetry(err) {
				t.Errorf("by sequence number: %v", err)
			}
		}
		for _, err := range c.Fetch(ctx, imap.UIDs(9), &imap.FetchOptions{Items: imap.ItemSize}) {
			t.Error(err)
		}
	})
}

func TestDelayedNotifyNeedsIdle(t *testing.T) {
	notified(t, `
		C: {n} NOTIFY SET (SELECTED-DELAYED (MessageNew MessageExpunge))
		S: {n} OK done
		C: {i} IDLE
		S: + idling
		S: * 1 EXPUNGE
		C: DONE
		S: {i} OK done
		C: {f} FETCH 1 (UID RFC822.SIZE)
		S: {f} OK done
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		if err := c.Notify(ctx, notify(imap.NotifyGroup{Mailboxes: ofDelayed, Events: newAndGone})); err != nil {
			t.Error(err)
		}
		if err := c.Wait(ctx); err != nil {
			t.Error(err)
		}
		for _, err := range c.Fetch(ctx, imap.SeqSet{{First: 1, Last: 1}}, &imap.FetchOptions{Items: imap.ItemSize}) {
			t.Error(err)
		}
	})
}

func TestOverflowOfNotificationsIsNotSilent(t *testing.T) {
	var codes []imap.CodeName
	o := plain()
	o.Handler = func(r imap.Response) {
		if st, ok := r.(*imap.Status); ok && st.Code != nil {
			codes = append(codes, st.Code.Name)
		}
	}
	notified(t, `
		C: {n} NOTIFY SET (PERSONAL (MessageNew MessageExpunge))
		S: {n} OK done
		wait 1m
		S: * OK [NOTIFICATIONOVERFLOW] too much
		C: {m} NOTIFY SET (INBOXES (MessageNew MessageExpunge))
		S: {m} OK done
		S: * STATUS INBOX (MESSAGES 4)
		C: {x} NOTIFY NONE
		S: {x} OK done
	`, o, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		if err := c.Notify(ctx, notify(imap.NotifyGroup{Mailboxes: ofAll, Events: newAndGone})); err != nil {
			t.Error(err)
		}
		if err := c.Wait(ctx); err != nil || len(codes) != 1 || codes[0] != imap.CodeNotificationOverflow {
			t.Errorf("%v, codes %v", err, codes)
		}
		if err := c.Wait(ctx); !errors.Is(err, imapclient.ErrNotNotified) {
			t.Errorf("after the overflow: %v", err)
		}
		if err := c.Notify(ctx, notify(imap.NotifyGroup{Mailboxes: imap.MailboxSelector{Kind: "INBOXES"}, Events: newAndGone})); err != nil {
			t.Error(err)
		}
		if err := c.Wait(ctx); err != nil {
			t.Errorf("after NOTIFY SET: %v", err)
		}
		if err := c.Notify(ctx, nil); err != nil {
			t.Error(err)
		}
		if err := c.Wait(ctx); !errors.Is(err, imapclient.ErrNotNotified) {
			t.Errorf("after NOTIFY NONE: %v", err)
		}
	})
}

func TestNotifyThatIsRefused(t *testing.T) {
	notified(t, `
		C: {n} NOTIFY SET (PERSONAL (MessageNew MessageExpunge MailboxMetadataChange))
		S: {n} NO [BADEVENT (MessageNew MessageExpunge FlagChange)] no such event
		C: {i} IDLE
		S: + idling
		S: * 4 EXISTS
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		err := c.Notify(ctx, notify(imap.NotifyGroup{Mailboxes: ofAll, Events: append(newAndGone[:2:2], imap.NotifyEvent{Name: imap.EventMailboxMetadata})}))
		var st *imap.StatusError
		if !errors.As(err, &st) || !st.HasCode(imap.CodeBadEvent) || len(st.Code.Words) != 3 {
			t.Errorf("error %v", err)
		}
		if err := c.Wait(ctx); err != nil { // as before
			t.Error(err)
		}
	})
}

func TestNotifyThatCannotBeMeantIsNotSent(t *testing.T) {
	only := func(names ...string) (events []imap.NotifyEvent) {
		for _, n := range names {
			events = append(events, imap.NotifyEvent{Name: n})
		}
		return events
	}
	for _, tt := range []struct {
		name   string
		groups []imap.NotifyGroup
	}{
		{"no groups", nil},
		{"SELECTED twice", []imap.NotifyGroup{{Mailboxes: ofSelected, Events: newAndGone}, {Mailboxes: ofDelayed, Events: newAndGone}}},
		{"new ones alone", []imap.NotifyGroup{{Mailboxes: ofAll, Events: only("MessageNew")}}},
		{"flags alone", []imap.NotifyGroup{{Mailboxes: ofAll, Events: only("FlagChange")}}},
		{"names of the selected mailbox", []imap.NotifyGroup{{Mailboxes: ofSelected, Events: only("MailboxName")}}},
		{"rows of other mailboxes", []imap.NotifyGroup{{Mailboxes: ofAll, Events: []imap.NotifyEvent{
			{Name: "messagenew", Fetch: &imap.FetchOptions{Items: imap.ItemUID}}, {Name: "messageexpunge"},
		}}}},
		{"a name that is none", []imap.NotifyGroup{{Mailboxes: ofAll, Events: only("x\r\ny NOOP")}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			notified(t, "", nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
				err := c.Notify(ctx, notify(tt.groups...))
				if !errors.As(err, new(*imapwire.ArgumentError)) || !imapclient.SafeToRetry(err) {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

func TestWaitWithNotifyOfOthersNeedsNoIdle(t *testing.T) {
	notified(t, `
		C: {n} NOTIFY SET (PERSONAL (MessageNew MessageExpunge))
		S: {n} OK done
		wait 1m
		C: {p} NOOP
		S: {p} OK done
		wait 8m
		C: {q} NOOP
		wait 2m
		C-close
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		if err := c.Notify(ctx, notify(imap.NotifyGroup{Mailboxes: ofAll, Events: newAndGone})); err != nil {
			t.Error(err)
		}
		wctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if err := c.Wait(wctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if err := c.Noop(ctx); err != nil {
			t.Error(err)
		}
		// A server that does not answer is dead.
		if err := c.Wait(ctx); !errors.As(err, new(*imapclient.TimeoutError)) || !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
}
