package imapclient

import (
	"context"
	"errors"
	"fmt"

	"github.com/pushmail/pushmail/imap"
)

// MoveOptions are the options of [Conn.Move]. Nil means the zero value.
type MoveOptions struct {
	// LeaveDeleted allows for servers with neither MOVE nor UIDPLUS: there the originals stay behind, flagged
	// \Deleted, since nothing but an EXPUNGE of everybody's \Deleted messages could remove them.
	LeaveDeleted bool
}

// Moved says what [Conn.Move] did.
type Moved struct {
	Copied
	// LeftDeleted are originals that are still there, flagged \Deleted, though their copies are where they
	// should be. Without an error it is only there if MoveOptions.LeaveDeleted allowed for it.
	LeftDeleted imap.UIDSet
}

// HalfDoneError says that [Conn.Move] or [Conn.Replace], done in steps since the server lacks the command, ended
// half-way. Nothing is lost: what was to be removed is still there besides what was put into its place, unless the
// last step removed some of it. To do it again would put that there twice.
type HalfDoneError struct {
	Command string // "MOVE" or "REPLACE"
	// Done is the last step that was carried out, perhaps with parts of the next: "COPY" or "APPEND", or "STORE", which
	// flagged \Deleted what is to be removed.
	Done string
	Err  error
}

func (e *HalfDoneError) Error() string {
	return fmt.Sprintf("%s in steps ended after %s: %v", e.Command, e.Done, e.Err)
}
func (e *HalfDoneError) Unwrap() error { return e.Err }

// Move moves messages of the selected mailbox to the end of another (RFC 6851). Messages that do not exist
// are left out. An empty set is an error, and a target that does not exist is as for [Conn.Copy]. What is
// gone from the selected mailbox is told to the Handler.
//
// Where the server has no MOVE, messages named by UIDs are copied, flagged \Deleted and removed with UID EXPUNGE,
// the last two for those only that the server said it has copied. That needs UIDPLUS; without it, or by sequence
// number or "*" alone, the error is an *[UnsupportedError] and nothing is sent, but see MoveOptions.LeaveDeleted.
// There is never an EXPUNGE of anything else. In a set such as 5:* only UIDs from 5 on are meant. Between the steps others can see the messages in both mailboxes; an
// error then is a *[HalfDoneError].
//
// The result is never nil: it is true of what was done before an error. If ctx ends on the way, each
// message is in one of the mailboxes or in both.
func (c *Conn) Move(ctx context.Context, set imap.NumSet, mailbox string, o *MoveOptions) (*Moved, error) {
	if err := c.needSet("MOVE", set); err != nil {
		return &Moved{}, err
	}
	if c.Capabilities().Has(imap.CapMove) {
		done, err := c.copyOrMove(ctx, "MOVE", set, mailbox)
		return &Moved{Copied: *done}, err
	}
	uids, ok := set.(imap.UIDSet)
	plus, leave, sel := c.Capabilities().Has(imap.CapUIDPlus), o != nil && o.LeaveDeleted, c.Selected()
	var err error
	switch {
	case !ok || uids.Min() == 0:
		err = fmt.Errorf("move of other than numbered UIDs: %w", &UnsupportedError{imap.CapMove})
	case !plus && !leave:
		err = fmt.Errorf("move: no UIDPLUS either, to do it in steps: %w", &UnsupportedError{imap.CapMove})
	case sel != nil && sel.ReadOnly:
		err = fmt.Errorf("move: %w", ErrReadOnly)
	}
	if err != nil {
		return &Moved{}, notSent(err)
	}
	if !plus || uids.Dynamic() {
		// Without COPYUID the messages are named before: what comes later is not copied and must not be
		// flagged. And 5:* means the last message where there is none from 5 on.
		if uids, err = c.existing(ctx, uids); err != nil || uids.Empty() {
			return &Moved{}, err
		}
	}
	if plus {
		return c.moveByHand(ctx, uids, mailbox)
	}
	return c.moveAndLeave(ctx, uids, mailbox)
}

// ErrReadOnly says that the selected mailbox was selected read-only (EXAMINE, or the server allows no more).
// Nothing was sent.
var ErrReadOnly = errors.New("the mailbox is selected read-only")

// errUnclear is why originals were not touched.
var errUnclear = errors.New("the server did not say which messages it has copied (COPYUID)")

// moveByHand moves with COPY, STORE and UID EXPUNGE. The set can name messages that come only after the
// COPY, so the other two are about those that COPYUID names, and of these only what was asked for.
func (c *Conn) moveByHand(ctx context.Context, set imap.UIDSet, mailbox string) (*Moved, error) {
	done, err := c.copyOrMove(ctx, "COPY", set, mailbox)
	moved := &Moved{Copied: *done}
	originals := done.UIDs.Sources().Intersect(set)
	switch {
	case err != nil && done.UIDs.Len() > 0:
		return moved, &HalfDoneError{"MOVE", "COPY", err}
	case err != nil:
		return moved, err
	case done.Unclear || originals.Empty():
		return moved, c.nothingCopied(ctx, set, done)
	}
	if err := c.flagDeleted(ctx, originals); err != nil {
		return moved, &HalfDoneError{"MOVE", "COPY", err}
	}
	if err := c.ExpungeUIDs(ctx, originals); err != nil {
		moved.LeftDeleted = originals
		if part, ok := errors.AsType[*PartialError](err); ok {
			moved.LeftDeleted = part.Left
		}
		return moved, &HalfDoneError{"MOVE", "STORE", err}
	}
	return moved, nil
}

// nothingCopied tells a COPY of messages that do not exist, which is fine, from one that the server tells
// nothing of.
func (c *Conn) nothingCopied(ctx context.Context, set imap.UIDSet, done *Copied) error {
	if done.Unclear || done.UIDs.Len() > 0 {
		return &HalfDoneError{"MOVE", "COPY", errUnclear}
	}
	there, err := c.existing(ctx, set)
	if err == nil && there.Empty() {
		return nil
	}
	return &HalfDoneError{"MOVE", "COPY", errors.Join(errUnclear, err)}
}

// moveAndLeave moves messages that exist with COPY and STORE.
func (c *Conn) moveAndLeave(ctx context.Context, uids imap.UIDSet, mailbox string) (*Moved, error) {
	done, err := c.copyOrMove(ctx, "COPY", uids, mailbox)
	moved := &Moved{Copied: *done}
	if part, ok := errors.AsType[*PartialError](err); ok && !part.Done.Empty() {
		return moved, &HalfDoneError{"MOVE", "COPY", err}
	}
	if err != nil {
		return moved, err
	}
	if err := c.flagDeleted(ctx, uids); err != nil {
		return moved, &HalfDoneError{"MOVE", "COPY", err}
	}
	moved.LeftDeleted = uids
	return moved, nil
}

// existing returns those of the UIDs that exist.
func (c *Conn) existing(ctx context.Context, set imap.UIDSet) (imap.UIDSet, error) {
	var uids imap.UIDSet
	for m, err := range c.Fetch(ctx, set, &imap.FetchOptions{}) {
		if err != nil {
			return nil, err
		}
		uids.Add(m.UID)
	}
	return uids.Intersect(set), nil
}

// flagDeleted sets \Deleted.
func (c *Conn) flagDeleted(ctx context.Context, uids imap.UIDSet) error {
	o := &imap.StoreOptions{Mode: imap.StoreAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}
	_, err := c.Store(ctx, uids, o)
	if s, ok := errors.AsType[*imap.StatusError](err); ok && s.HasCode(imap.CodeExpungeIssued) {
		// Somebody removed some of them. When the server has told so, it can be done for the others.
		if err := c.Noop(ctx); err != nil {
			return err
		}
		_, err = c.Store(ctx, uids, o)
	}
	return err
}
