package imapclient

import (
	"context"

	"github.com/pushmail/pushmail/imap"
)

// Listed is a mailbox that [Conn.List] found.
type Listed struct {
	// List has the name, the hierarchy delimiter and the attributes, and MyRights if they were asked for.
	// INBOX is written so, whatever case the server uses; other names are as the server has them.
	imap.List
	// Status is nil unless it was asked for, for mailboxes that cannot be selected, and for those that
	// RecursiveMatch names only because of what is below them.
	Status *imap.MailboxStatus
	// Metadata are the entries that were asked for and exist.
	Metadata []imap.Attribute
}

// List lists mailboxes (RFC 9051 section 6.3.9, RFC 5258). Nil options list all of them.
//
// It is one command where the server has the extensions that the options are from. Where it has not, the
// same answer is put together from more commands:
//
//   - several patterns: one LIST for each
//   - Subscribed, ReturnSubscribed: LIST and LSUB
//   - RecursiveMatch, and ReturnChildren without CHILDREN (RFC 3348): a LIST of all that is below, too
//   - SpecialUse, ReturnSpecialUse: XLIST, or the attributes that a plain LIST gives (RFC 6154 section 2)
//   - ReturnStatus, ReturnMyRights, ReturnMetadata: STATUS, MYRIGHTS, GETMETADATA for each mailbox, without
//     waiting for one before the next is sent (see [Conn.Pipeline])
//
// What cannot be had in this way is an *[UnsupportedError], and nothing was sent: Remote without
// LIST-EXTENDED, rights without ACL, metadata without METADATA, and STATUS items of which the server
// offers none. SpecialUse is one after a LIST without any such attribute on a server that does not
// announce SPECIAL-USE; see [GuessSpecialUses]. A server that announces extended LIST and then does not
// understand it is asked by the old commands.
//
// Each mailbox comes once, in the server's order; one that is named twice is put together. Names need not
// be of mailboxes: see [imap.List.Has] and [imap.AttrNoSelect]. Rows that do not match the patterns and
// names that changed meanwhile, as NOTIFY tells them (RFC 5465), go to Options.Handler.
//
// If ctx ends, or an error comes, while mailboxes are asked one by one, the rows so far are returned with
// the error. A mailbox that the server answers with NO then stays without the item.
func (c *Conn) List(ctx context.Context, o *imap.ListOptions) ([]*Listed, error) {
	if err := c.need(StateAuthenticated); err != nil {
		return nil, err
	}
	l := &listing{c: c}
	if o != nil {
		l.want = *o
	}
	if err := l.plan(); err != nil {
		return nil, notSent(err)
	}
	if err := l.run(ctx); err != nil {
		return nil, err
	}
	err := l.complete(ctx)
	l.addLimits()
	return l.rows.all, err
}

// Lsub lists subscribed names with LSUB (RFC 3501 section 6.3.9), as the server sends them. In a pattern
// "*" matches anything and "%" anything but the hierarchy delimiter. A row with \Noselect that matches "%"
// may be of a name that is not subscribed, and has subscribed ones below. Attributes need not be those of
// LIST, and the mailbox need not exist.
//
// [Conn.List] with Subscribed tells all that apart and works with every server; IMAP4rev2 has no LSUB.
func (c *Conn) Lsub(ctx context.Context, reference, pattern string) ([]*imap.List, error) {
	if c.isRev2() {
		return nil, notSent(&UnsupportedError{imap.CapIMAP4rev1})
	}
	return c.listOld(ctx, "LSUB", reference, pattern)
}

// XList lists mailboxes with XLIST, which Gmail had before SPECIAL-USE (RFC 6154) and some servers have
// still. Attributes are those of RFC 6154, and the inbox, whose name is in the user's language there,
// is INBOX. It needs XLIST. [Conn.List] uses it where it must.
func (c *Conn) XList(ctx context.Context, reference, pattern string) ([]*imap.List, error) {
	if err := c.need(StateAuthenticated); err != nil {
		return nil, err
	}
	if err := c.require(imap.CapXList); err != nil {
		return nil, err
	}
	return c.listOld(ctx, "XLIST", reference, pattern)
}

func (c *Conn) listOld(ctx context.Context, verb, reference, pattern string) ([]*imap.List, error) {
	if err := c.need(StateAuthenticated); err != nil {
		return nil, err
	}
	l, rows := &listing{c: c}, listRows{}
	if err := l.list(ctx, verb, &imap.ListOptions{Reference: reference, Patterns: []string{pattern}}, &rows); err != nil {
		return nil, err
	}
	out := make([]*imap.List, len(rows.all))
	for i, row := range rows.all {
		out[i] = &row.List
	}
	return out, nil
}

// Delimiter asks for the character between the levels of mailbox names, with LIST "" "" (RFC 9051 section
// 6.3.9). It is 0 where names have no levels. Other namespaces may have another one: see [Conn.Namespace]
// and imap.List.Delim.
func (c *Conn) Delimiter(ctx context.Context) (rune, error) {
	rows, err := c.listOld(ctx, "LIST", "", "")
	switch {
	case err != nil:
		return 0, err
	case len(rows) == 0:
		return 0, noData("LIST", "")
	}
	return rows[0].Delim, nil
}
