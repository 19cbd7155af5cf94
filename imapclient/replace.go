package imapclient

import (
	"context"
	"fmt"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// Replace puts a message at the end of a mailbox and removes another one, uid, from the selected mailbox, as for a
// draft that was written on (REPLACE, RFC 8508). It returns where the new message went. Nothing of the old one is
// taken over: neither flags nor date. What a message needs, and what happens when ctx ends, is as for
// [Conn.AppendMessages].
//
// Where the server has no REPLACE, the message is appended, and then the old one is flagged \Deleted and removed with
// UID EXPUNGE, which needs UIDPLUS: without it the error is an *[UnsupportedError]. An error between the
// steps is a *[HalfDoneError]: then both messages are there, and the result says where the new one is.
//
// A message uid that does not exist is refused by the server, or else [ErrNoSection]; then nothing was appended.
func (c *Conn) Replace(ctx context.Context, uid imap.UID, mailbox string, m imap.AppendMessage) (*Appended, error) {
	if err := c.need(StateSelected); err != nil {
		return nil, err
	}
	if uid == 0 {
		return nil, notSent(&imapwire.ArgumentError{Command: "REPLACE", Argument: "UID", Position: 1, Reason: "is zero"})
	}
	messages := []imap.AppendMessage{m}
	if err := c.requireAppend("REPLACE", messages); err != nil {
		return nil, err
	}
	if c.Capabilities().Has(imap.CapReplace) {
		return c.replace(ctx, uid, mailbox, messages)
	}
	if !c.Capabilities().Has(imap.CapUIDPlus) {
		return nil, notSent(fmt.Errorf("replace: no UIDPLUS either, to do it in steps: %w", &UnsupportedError{imap.CapReplace}))
	}
	if sel := c.Selected(); sel != nil && sel.ReadOnly {
		return nil, notSent(fmt.Errorf("replace: %w", ErrReadOnly))
	}
	return c.replaceByHand(ctx, uid, mailbox, m)
}

func (c *Conn) replace(ctx context.Context, uid imap.UID, mailbox string, messages []imap.AppendMessage) (*Appended, error) {
	known, err := c.checkAppendLimit(ctx, mailbox, messages)
	if err != nil {
		return nil, err
	}
	done := make([]Appended, 1)
	cmd, err := c.exec(ctx, "UID REPLACE", func(e *imapwire.Command) {
		eagerly(e, known).Number(uint64(uid)).Mailbox(mailbox).Messages(withSources(messages)...)
	}, func(r imap.Response) bool {
		// RFC 8508 section 4.3: APPENDUID comes ahead of the EXPUNGE.
		s, ok := r.(*imap.Status)
		return ok && takeAppendUID(done, s.Code)
	})
	if err != nil {
		return nil, err
	}
	takeAppendUID(done, cmd.status.Code)
	return &done[0], nil
}

// replaceByHand is REPLACE in the steps of RFC 8508 section 3.4, each after the other has succeeded.
func (c *Conn) replaceByHand(ctx context.Context, uid imap.UID, mailbox string, m imap.AppendMessage) (*Appended, error) {
	old := imap.UIDs(uid)
	if there, err := c.existing(ctx, old); err != nil {
		return nil, err
	} else if there.Empty() {
		return nil, ErrNoSection
	}
	done, err := c.AppendMessages(ctx, mailbox, m)
	if err != nil {
		return nil, err
	}
	if err := c.flagDeleted(ctx, old); err != nil {
		return &done[0], &HalfDoneError{"REPLACE", "APPEND", err}
	}
	if err := c.ExpungeUIDs(ctx, old); err != nil {
		return &done[0], &HalfDoneError{"REPLACE", "STORE", err}
	}
	return &done[0], nil
}
