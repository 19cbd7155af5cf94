package imapclient

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// Notify has the server tell at any time what happens in the mailboxes that o names, be they selected or
// not (RFC 5465); one connection watches many mailboxes. It replaces what was asked for before. Nil turns
// all notifications off. It needs NOTIFY.
//
//	err := c.Notify(ctx, &imap.NotifyOptions{Status: true, Groups: []imap.NotifyGroup{
//		{Mailboxes: imap.MailboxSelector{Kind: "SELECTED"}, Events: []imap.NotifyEvent{
//			{Name: imap.EventMessageNew, Fetch: &imap.FetchOptions{Items: imap.ItemUID | imap.ItemFlags}},
//			{Name: imap.EventMessageExpunge}, {Name: imap.EventFlagChange}}},
//		{Mailboxes: imap.MailboxSelector{Kind: "PERSONAL"}, Events: []imap.NotifyEvent{
//			{Name: imap.EventMessageNew}, {Name: imap.EventMessageExpunge}, {Name: imap.EventMailboxName}}},
//	}})
//	for err == nil {
//		err = c.Wait(ctx)
//	}
//
// All of it goes to Options.Handler: *imap.MailboxStatus of mailboxes that are not selected (with Status one
// for each at once, before or after Notify returns), *imap.List of mailboxes that were created, deleted
// or renamed, *imap.Metadata, and of the selected mailbox what is told in any case.
//
// The selected mailbox counts only if a group with the kind SELECTED or SELECTED-DELAYED names it. Without
// one, or after NOTIFY NONE, the server says nothing of it, not even in IDLE or after NOOP: only Notify
// turns it on again. While SELECTED asks for MessageExpunge, messages can be renumbered at any time, so
// sequence numbers are refused in commands (section 5.3); SELECTED-DELAYED leaves that until Wait or Noop.
//
// A server that finds it too much may end all notifications. The Handler is given the *imap.Status with
// [imap.CodeNotificationOverflow], and from then on Wait returns [ErrNotNotified].
//
// Events that the server does not have are refused with [imap.CodeBadEvent], whose Words are those that it
// has; some answer BAD. If ctx ends, the late answer takes effect before the next command.
func (c *Conn) Notify(ctx context.Context, o *imap.NotifyOptions) error {
	if err := c.need(StateAuthenticated); err != nil {
		return err
	}
	if err := c.require(imap.CapNotify); err != nil {
		return err
	}
	if err := checkNotify(o); err != nil {
		return notSent(err)
	}
	mode := modeOf(o)
	_, err := c.execThen(ctx, "NOTIFY", func(e *imapwire.Command) { e.Notify(o) }, nil, func(st *imap.Status) {
		if st.Kind == imap.OK {
			c.setNotify(mode)
		}
	})
	return err
}

// ErrNotNotified says that waiting is in vain: NOTIFY NONE is in force, or the server has ended
// notifications (NOTIFICATIONOVERFLOW). Notify again, for less, or watch otherwise on another connection.
var ErrNotNotified = errors.New("the server does not notify of anything (NOTIFY NONE, or an overflow)")

// notifyMode is what NOTIFY has changed.
type notifyMode uint8

const (
	notifyUnset   notifyMode = iota // it was never used
	notifyNow                       // the server speaks at any time
	notifyShifts                    // and may renumber messages at any time
	notifyDelayed                   // of the selected mailbox it speaks in IDLE and with commands
	notifyNone
)

// modeOf says what o does once the server has agreed.
func modeOf(o *imap.NotifyOptions) notifyMode {
	if o == nil {
		return notifyNone
	}
	for _, g := range o.Groups {
		switch strings.ToUpper(g.Mailboxes.Kind) {
		case "SELECTED":
			if hasEvent(g.Events, imap.EventMessageExpunge) {
				return notifyShifts
			}
		case "SELECTED-DELAYED":
			return notifyDelayed
		}
	}
	return notifyNow
}

func (c *Conn) setNotify(m notifyMode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.notify = m
}

func (c *Conn) notifyMode() notifyMode {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.notify
}

// checkNotify returns an error for what every server must refuse with a BAD (RFC 5465 section 5 and 6.1).
func checkNotify(o *imap.NotifyOptions) error {
	if o == nil {
		return nil
	}
	selected := 0
	for i, g := range o.Groups {
		reason := ""
		isSelected := strings.HasPrefix(strings.ToUpper(g.Mailboxes.Kind), "SELECTED")
		if isSelected {
			selected++
		}
		newOnes, gone := hasEvent(g.Events, imap.EventMessageNew), hasEvent(g.Events, imap.EventMessageExpunge)
		switch {
		case selected > 1:
			reason = "name the selected mailbox twice"
		case newOnes != gone:
			reason = "have one of MessageNew and MessageExpunge without the other"
		case !newOnes && (hasEvent(g.Events, imap.EventFlagChange) || hasEvent(g.Events, imap.EventAnnotationChange)):
			reason = "have changes of messages without MessageNew and MessageExpunge"
		case isSelected && slices.ContainsFunc(g.Events, isMailboxEvent):
			reason = "have events of mailboxes for SELECTED, which is about messages"
		case !isSelected && slices.ContainsFunc(g.Events, func(e imap.NotifyEvent) bool { return e.Fetch != nil }):
			reason = "fetch messages of mailboxes that are not selected"
		}
		if reason != "" {
			return &imapwire.ArgumentError{Command: "NOTIFY", Argument: "groups of mailboxes", Position: i + 1, Reason: reason}
		}
	}
	return nil
}

func hasEvent(events []imap.NotifyEvent, name string) bool {
	return slices.ContainsFunc(events, func(e imap.NotifyEvent) bool { return strings.EqualFold(e.Name, name) })
}

func isMailboxEvent(e imap.NotifyEvent) bool {
	for _, name := range []string{imap.EventMailboxName, imap.EventSubscription, imap.EventMailboxMetadata, imap.EventServerMetadata} {
		if strings.EqualFold(e.Name, name) {
			return true
		}
	}
	return false
}
