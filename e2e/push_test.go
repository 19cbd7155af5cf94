package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/dovecot"
	"github.com/pushmail/pushmail/e2e/pushmail"
)

func TestNewMailIsPushed(t *testing.T) {
	t.Parallel()
	a := newAccount(t, shared.get(t))
	a.deliver("there before")
	r := a.watch()
	if e := r.WaitFor(t, patience, "open event", pushmail.Is(pushmail.Open)); e.Data.Exists != 1 || r.Events()[0].ID != e.ID {
		t.Errorf("first event is %s with %d messages, want %s with 1", r.Events()[0].Type, e.Data.Exists, pushmail.Open)
	}
	session := a.session("INBOX")

	var byAppend, byLMTP pushmail.Event
	latency(t, "new mail by APPEND", func() {
		_, err := session.Append("INBOX", mail("by APPEND"), `\Flagged`)
		check(t, err)
		byAppend = a.waitNew(r, "by APPEND")
	})
	latency(t, "new mail by LMTP", func() {
		a.deliver("by LMTP")
		byLMTP = a.waitNew(r, "by LMTP")
	})

	validity, err := a.server.UIDValidity(a.user, "INBOX")
	check(t, err)
	for i, e := range []pushmail.Event{byAppend, byLMTP} {
		uid := uint32(2 + i)
		if e.Subject != fmt.Sprint(uid) || e.Data.UID != uid || e.Data.UIDValidity != validity || e.Data.Mailbox != "INBOX" || e.Data.Account == "" {
			t.Errorf("event names account %q, mailbox %q, UIDVALIDITY %d, UID %d and subject %s; want UID %d of UIDVALIDITY %d: %s",
				e.Data.Account, e.Data.Mailbox, e.Data.UIDValidity, e.Data.UID, e.Subject, uid, validity, e.Raw)
		}
		if when, err := time.Parse(time.RFC3339, e.Time); err != nil || time.Since(when).Abs() > time.Hour {
			t.Errorf("event's time is %q (%v)", e.Time, err)
		}
	}
	if !slices.Contains(byAppend.Data.Flags, `\Flagged`) {
		t.Errorf("flags %q lack \\Flagged", byAppend.Data.Flags)
	}
	if byAppend.ID == byLMTP.ID {
		t.Errorf("two messages have one event id %s", byAppend.ID)
	}
	for _, e := range r.Events() {
		if e.MessageSubject() == "there before" {
			t.Errorf("a message from before the first start is reported: %s", e.Raw)
		}
	}
}

func TestChangesByAnotherSessionArePushed(t *testing.T) {
	t.Parallel()
	a := newAccount(t, shared.get(t))
	a.deliver("there before")
	r := a.watch()
	a.deliver("seen arriving")
	uid := a.waitNew(r, "seen arriving").Data.UID
	session := a.session("INBOX")

	latency(t, "flags", func() {
		check(t, session.Store("+FLAGS", `\Seen $Important`, uid))
		e := r.WaitFor(t, patience, "flags event", pushmail.About(pushmail.Flags, uid))
		if !slices.Contains(e.Data.Added, `\Seen`) || !slices.Contains(e.Data.Added, "$Important") || len(e.Data.Removed) != 0 {
			t.Errorf("added %q, removed %q; want \\Seen and $Important added: %s", e.Data.Added, e.Data.Removed, e.Raw)
		}
	})
	check(t, session.Store("-FLAGS", `$Important`, uid))
	r.WaitFor(t, patience, "removed flag", func(e pushmail.Event) bool {
		return pushmail.About(pushmail.Flags, uid)(e) && slices.Equal(e.Data.Removed, []string{"$Important"}) && len(e.Data.Added) == 0
	})

	check(t, session.Expunge(uid))
	e := r.WaitFor(t, patience, "expunge event", pushmail.About(pushmail.Expunge, uid))
	if !strings.Contains(e.Raw, "seen arriving") {
		t.Errorf("the expunge event does not say which message is gone: %s", e.Raw)
	}
	check(t, session.Expunge(1))
	r.WaitFor(t, patience, "expunge of a message that was there before", pushmail.About(pushmail.Expunge, 1))
}

func TestMailboxWithALongNameIsWatched(t *testing.T) {
	t.Parallel()
	a := newAccount(t, shared.get(t))
	session := a.session("INBOX")
	_, err := session.Do(`CREATE "Lists/Gr&APwA3w-e &- more"`) // Lists/Grüße & more in modified UTF-7
	check(t, err)
	r := a.watchURL(a.url(a.server.IMAPS, "Lists/Gr%C3%BC%C3%9Fe%20%26%20more"))
	_, err = session.Append("Lists/Gr&APwA3w-e &- more", mail("in a folder"))
	check(t, err)
	if e := a.waitNew(r, "in a folder"); e.Data.Mailbox != "Lists/Grüße & more" {
		t.Errorf("mailbox is %q, want Lists/Grüße & more", e.Data.Mailbox)
	}
}

func TestMailboxWithTenThousandMessages(t *testing.T) {
	t.Parallel()
	const batches, batch = 20, 500
	pushmail.Binary(t) // built before the time is taken
	a := newAccount(t, dovecot.Start(t, dovecot.Options{MailLocation: "mdbox:~/mdbox"}))
	session := a.session("INBOX")
	for b := range batches {
		var messages [][]byte
		for i := range batch {
			messages = append(messages, mail(fmt.Sprintf("old %d", b*batch+i)))
		}
		_, err := session.AppendMany("INBOX", messages)
		check(t, err)
	}
	var r *pushmail.Run
	latency(t, "ready", func() { r = a.watch() })
	if e := r.Events()[0]; e.Data.Exists != batches*batch {
		t.Errorf("open event says %d messages, want %d", e.Data.Exists, batches*batch)
	}
	latency(t, "new mail", func() {
		a.deliver("the next one")
		a.waitNew(r, "the next one")
	})
	r.Stop(t)
	a.deliver("while down")
	latency(t, "ready again and reported", func() {
		r = a.watch()
		a.waitNew(r, "while down")
	})
	if n := len(r.Events()); n > 5 {
		t.Errorf("%d events for one new message", n)
	}
}
