package watch

import (
	"encoding/hex"
	"errors"
	"net"
	"os"
	"time"

	"github.com/pushmail/pushmail/event"
	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/mailbox"
)

// CloudEvent returns the event as it leaves the program (package event).
func (e Event) CloudEvent() *event.Event {
	return event.New(event.SourceURL(e.User, e.Host, e.Mailbox), e.Time, e.data())
}

func (e *Event) data() event.Data {
	ref := event.Ref{Account: e.Account, Mailbox: e.Mailbox, UIDValidity: e.UIDValidity}
	var sum event.Summary
	if e.Message != nil {
		sum = *e.Message
	}
	switch e.Type {
	case MessageNew:
		return &event.MessageNew{Ref: ref, UID: uint32(e.UID), Reuse: e.Reuse, Own: e.Own, ModSeq: uint64(e.ModSeq), Flags: flagNames(e.Flags), Summary: sum}
	case MessageExpunge:
		return &event.MessageExpunge{Ref: ref, UID: uint32(e.UID), Reuse: e.Reuse, Own: e.Own, ModSeq: uint64(e.ModSeq), Flags: flagNames(e.Flags), Summary: sum}
	case FlagChange:
		return &event.FlagChange{
			Ref: ref, UID: uint32(e.UID), Reuse: e.Reuse, Own: e.Own, ModSeq: uint64(e.ModSeq), Rev: uint64(e.Rev),
			Flags: flagNames(e.Flags), Added: flagNames(e.Added), Removed: flagNames(e.Removed),
		}
	case MailboxReset:
		return &event.MailboxReset{
			Ref: ref, Before: e.Reset.OldUIDValidity, Exists: e.Reset.Exists,
			UIDNext: uint32(e.Reset.UIDNext), HighestModSeq: uint64(e.Reset.HighestModSeq),
		}
	case MailboxOpen:
		return &event.MailboxOpen{
			Account: e.Account, Mailbox: e.Mailbox, UIDValidity: e.UIDValidity, Exists: e.Open.Exists, UIDNext: uint32(e.Open.UIDNext),
			HighestModSeq: uint64(e.Open.HighestModSeq), Method: e.Open.Method, Push: e.Open.Push, Resumed: e.Open.Resumed,
		}
	}
	if e.Type == MailboxName {
		return &event.MailboxName{
			Account: e.Account, Mailbox: e.Mailbox, Change: e.Name.Change, OldMailbox: e.Name.OldMailbox,
			Attributes: e.Name.Attributes, MailboxID: e.Name.MailboxID,
		}
	}
	return &event.Link{
		Account: e.Account, Mailbox: e.Mailbox, Up: e.Link.Up, Reason: e.Link.Reason, Class: e.Link.Class, Stale: e.Link.Stale, VerifiedAt: e.Link.VerifiedAt,
	}
}

func flagNames(flags []imap.Flag) []string {
	out := make([]string, len(flags))
	for i, f := range flags {
		out[i] = string(f)
	}
	return out
}

// newEvent returns an event of the watched mailbox, noticed now.
func (b *box) newEvent(t Type) Event {
	ev := Event{Type: t, Time: time.Now(), Account: b.o.Account, User: b.o.User, Host: b.o.Client.Addr, Mailbox: b.name}
	if b.ledger != nil {
		ev.UIDValidity = b.uidValidity
	}
	return ev
}

// withID sets the ID, which depends on all the rest.
func withID(ev Event) Event {
	ev.ID = event.ID(ev.data(), ev.Time)
	return ev
}

func (b *box) linkEvent(info *LinkInfo) Event {
	ev := b.newEvent(Link)
	info.VerifiedAt = b.verifiedAt
	ev.Link = info
	return withID(ev)
}

func (b *box) resetEvent(now *mailbox.State, report mailbox.Report) Event {
	ev := b.newEvent(MailboxReset)
	ev.UIDValidity = now.UIDValidity()
	ev.Reset = &ResetInfo{
		OldUIDValidity: report.OldValidity, Exists: uint32(now.Len()), UIDNext: now.UIDNext(), HighestModSeq: now.HighestModSeq(),
	}
	return withID(ev)
}

func (b *box) openEvent(now *mailbox.State, exists uint32, report mailbox.Report, push string) Event {
	ev := b.newEvent(MailboxOpen)
	ev.Open = &OpenInfo{
		Exists: exists, UIDNext: now.UIDNext(), HighestModSeq: now.HighestModSeq(),
		Method: string(report.Method), Push: push, Resumed: report.Method != mailbox.ByInitial,
	}
	return withID(ev)
}

func (b *box) changeEvent(ch mailbox.Change, sum *Summary) Event {
	t := FlagChange
	switch ch.Kind {
	case mailbox.New:
		t = MessageNew
	case mailbox.Expunge:
		t = MessageExpunge
	}
	ev := b.newEvent(t)
	ev.UID, ev.ModSeq, ev.Rev, ev.Message = ch.UID, ch.ModSeq, ch.Rev, sum
	ev.Flags, ev.Added, ev.Removed = ch.Flags, ch.Added, ch.Removed
	if ch.Reused {
		ev.Reuse = hex.EncodeToString(ch.Print[:])
	}
	ev.Own = b.o.Own.has(&ev)
	return withID(ev)
}

// reason says for people why a connection was lost, without the addresses of sockets.
func reason(err error) string {
	var closed *imapclient.ClosedError
	if errors.As(err, &closed) {
		err = closed.Cause
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		err = op.Err
	}
	var sys *os.SyscallError
	if errors.As(err, &sys) {
		err = sys.Err
	}
	return shorten(imap.Printable(err.Error()), 300)
}
