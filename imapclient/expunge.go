package imapclient

import (
	"context"

	"github.com/pushmail/pushmail/imap"
)

// ExpungeUIDs removes those of the given messages that are flagged \Deleted, and no others (UID EXPUNGE, RFC
// 4315 section 2.1). What is gone is told to the Handler. It needs UIDPLUS, else the error is an
// *[UnsupportedError]. An empty set is an error.
//
// If ctx ends on the way, the server may or may not have carried it out; to do it again does no harm.
func (c *Conn) ExpungeUIDs(ctx context.Context, uids imap.UIDSet) error {
	if err := c.needSet("UID EXPUNGE", uids); err != nil {
		return err
	}
	if err := c.require(imap.CapUIDPlus); err != nil {
		return err
	}
	return c.execPieces(ctx, "UID EXPUNGE", uids, nil, nil, nil)
}

// Expunge removes all messages that are flagged \Deleted, by whomever (RFC 9051 section 6.4.3), also those
// that another client flagged a moment ago. What is gone is told to the Handler. Prefer [Conn.ExpungeUIDs].
//
// If ctx ends on the way, the server may or may not have carried it out.
func (c *Conn) Expunge(ctx context.Context) error {
	if err := c.need(StateSelected); err != nil {
		return err
	}
	_, err := c.exec(ctx, "EXPUNGE", nil, nil)
	return err
}
