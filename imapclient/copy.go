package imapclient

import (
	"context"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// Copied says where messages went (COPYUID, RFC 4315 section 3), as far as the server told. Its size in
// memory is that of what the server sent.
type Copied struct {
	// UIDValidity is that of the target mailbox, 0 if the server did not say anything.
	UIDValidity uint32
	// UIDs maps the UIDs of the messages to those of their copies. It is empty if the server did not say, for
	// it has no UIDPLUS, the target keeps no UIDs, or nothing was copied.
	UIDs imap.UIDMap
	// Unclear: what the server said of the UIDs makes no sense, so that some or all are missing in UIDs.
	Unclear bool
}

// Copy copies messages of the selected mailbox, with their flags and dates, to the end of another (RFC
// 9051 section 6.4.7). Messages that do not exist are left out by the server. An empty set is an error.
//
// A target that does not exist is not created: the error is then an *imap.StatusError, which has the code
// TRYCREATE unless there cannot be such a mailbox. Each command copies all or nothing; a long set of UIDs is
// sent in parts, and an error after some of them is a *[PartialError].
//
// The result is never nil: it is true of what was done before an error. If ctx ends on the way, the
// server may or may not have carried it out. To copy again makes a second copy.
func (c *Conn) Copy(ctx context.Context, set imap.NumSet, mailbox string) (*Copied, error) {
	if err := c.needSet("COPY", set); err != nil {
		return &Copied{}, err
	}
	return c.copyOrMove(ctx, "COPY", set, mailbox)
}

func (c *Conn) copyOrMove(ctx context.Context, verb string, set imap.NumSet, mailbox string) (*Copied, error) {
	done := &Copied{}
	// RFC 6851 section 4.3: MOVE has COPYUID in an untagged OK, ahead of the EXPUNGEs.
	err := c.execPieces(ctx, commandFor(verb, set), set, func(e *imapwire.Command) { e.Mailbox(mailbox) },
		func(r imap.Response) bool {
			s, ok := r.(*imap.Status)
			return ok && done.take(s.Code)
		},
		func(cmd *command) { done.take(cmd.status.Code) })
	return done, err
}

// take notes a COPYUID, and reports whether it is one.
func (d *Copied) take(code *imap.Code) bool {
	if code == nil || code.Name != imap.CodeCopyUID {
		return false
	}
	if len(code.Source) == 0 && len(code.Dest) == 0 && code.UIDValidity != 0 {
		return true // Outlook.com says so when nothing was copied
	}
	m, ok := code.UIDMap()
	if !ok || d.UIDValidity != 0 && d.UIDValidity != code.UIDValidity {
		d.Unclear = true
		return true
	}
	d.UIDValidity = code.UIDValidity
	d.UIDs = d.UIDs.Join(m)
	return true
}
