package imapclient

import (
	"context"
	"strings"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// Created says what [Conn.Create] made.
type Created struct {
	// Mailbox is its name, which the server may have written otherwise than it was asked for: with
	// composed characters, or without a delimiter at the end.
	Mailbox string
	// ID is the same as long as the mailbox exists, whatever it is called (RFC 8474); "" without OBJECTID.
	ID string
}

// Create makes a mailbox (RFC 9051 section 6.3.4), and those above it where the server needs them. A
// hierarchy delimiter at the end of the name says that it is only to have others below it.
//
// uses are what the mailbox is for, such as [imap.AttrSent]; they need CREATE-SPECIAL-USE (RFC 6154
// section 3), and a server that does not want one answers with the code USEATTR. That there is such a
// mailbox is a *[imap.StatusError] with ALREADYEXISTS, from servers that send codes (RFC 5530).
//
// A name has no control characters; "*" and "%" in it are allowed and make it hard to list. If ctx ends
// on the way, nobody knows whether the mailbox was made: [Conn.List] tells.
func (c *Conn) Create(ctx context.Context, mailbox string, uses ...imap.Attr) (*Created, error) {
	if err := checkNewName("CREATE", mailbox); err != nil {
		return nil, err
	}
	if len(uses) > 0 {
		if err := c.need(StateAuthenticated); err != nil {
			return nil, err
		}
		if err := c.require(imap.CapCreateSpecialUse); err != nil {
			return nil, err
		}
	}
	made := mailbox
	cmd, err := c.onMailbox(ctx, "CREATE", mailbox, func(e *imapwire.Command) { e.CreateUse(uses...) }, func(r imap.Response) bool {
		// RFC 9051 section 6.3.4: so a server tells of a name that it has changed. It is news for the
		// Handler as well.
		if l, ok := r.(*imap.List); ok && imap.SameMailbox(l.OldName, mailbox) {
			made = l.Mailbox
		}
		return false
	})
	if err != nil {
		return nil, err
	}
	created := &Created{Mailbox: made}
	if code := cmd.status.Code; code != nil && code.Name == imap.CodeMailboxID && len(code.Words) > 0 {
		created.ID = code.Words[0]
	}
	return created, nil
}

// Delete removes a mailbox and all messages in it (RFC 9051 section 6.3.5). INBOX cannot be deleted. What
// becomes of mailboxes below it is up to the server: some refuse, with the code HASCHILDREN, some keep the
// name with \Noselect. A subscription stays.
//
// If the mailbox is selected, it is given up first by [Conn.Unselect], for servers differ in what they do
// then; and it stays so if the server refuses. If ctx ends on the way, nobody knows whether the mailbox is
// gone.
func (c *Conn) Delete(ctx context.Context, mailbox string) error {
	if err := c.giveUp(ctx, mailbox, false); err != nil {
		return err
	}
	_, err := c.onMailbox(ctx, "DELETE", mailbox, nil, nil)
	return err
}

// Rename gives a mailbox, and those below it, another name (RFC 9051 section 6.3.6). Subscriptions stay
// with the old name. Renaming INBOX is another thing: all its messages move to a new mailbox, and INBOX
// stays, empty, with the mailboxes below it.
//
// If the mailbox, or one below it, is selected, it is given up first by [Conn.Unselect]: Dovecot ends the
// session otherwise. If ctx ends on the way, nobody knows what the mailbox is called. Servers that tell of
// new names themselves do so to the Handler, by imap.List.OldName.
func (c *Conn) Rename(ctx context.Context, from, to string) error {
	if err := checkNewName("RENAME", to); err != nil {
		return err
	}
	if err := c.giveUp(ctx, from, true); err != nil {
		return err
	}
	_, err := c.onMailbox(ctx, "RENAME", from, func(e *imapwire.Command) { e.Mailbox(to) }, nil)
	return err
}

// giveUp leaves a mailbox if it, or one below, is selected.
func (c *Conn) giveUp(ctx context.Context, mailbox string, below bool) error {
	s := c.Selected()
	if s == nil || mailbox == "" {
		return nil
	}
	rest, isPrefix := strings.CutPrefix(loose(s.Mailbox), loose(mailbox))
	// Whatever the delimiter is: it is one of these.
	if isPrefix && (rest == "" || below && strings.ContainsRune(`/.\^|:`, rune(rest[0]))) {
		return c.Unselect(ctx)
	}
	return nil
}

// Subscribe puts a name on the list of those that the user wants to see (RFC 9051 section 6.3.7). Some
// servers do not mind whether such a mailbox exists.
func (c *Conn) Subscribe(ctx context.Context, mailbox string) error {
	_, err := c.onMailbox(ctx, "SUBSCRIBE", mailbox, nil, nil)
	return err
}

// Unsubscribe takes a name off that list (RFC 9051 section 6.3.8). That it is not there is an error on
// some servers only.
func (c *Conn) Unsubscribe(ctx context.Context, mailbox string) error {
	_, err := c.onMailbox(ctx, "UNSUBSCRIBE", mailbox, nil, nil)
	return err
}
