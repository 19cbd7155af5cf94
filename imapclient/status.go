package imapclient

import (
	"context"
	"slices"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// Status asks for figures of a mailbox without selecting it (RFC 9051 section 6.3.11).
//
// Items that the server does not offer are left out: MailboxStatus.Items says which came. If it offers
// none of them, nothing is sent and the error is an *[UnsupportedError]. A limit of APPEND that is the
// same for all mailboxes (RFC 7889 section 2) is filled in without asking.
//
// STATUS of the selected mailbox is discouraged by the RFC; it works with the servers known to us, but
// does not say more than EXISTS and the like do. It can be slow for a mailbox that was not open for long.
//
// STATUS responses about other mailboxes, as NOTIFY brings them (RFC 5465), go to Options.Handler.
func (c *Conn) Status(ctx context.Context, mailbox string, items imap.StatusItems) (*imap.MailboxStatus, error) {
	q, err := c.statusQuery(items)
	if err != nil {
		return nil, err
	}
	if q.hasLimit && q.ask == 0 {
		return q.answer(&imap.MailboxStatus{Mailbox: mailbox}), nil
	}
	var found, similar *imap.MailboxStatus
	_, err = c.onMailbox(ctx, "STATUS", mailbox, func(e *imapwire.Command) { e.StatusItems(q.ask) }, func(r imap.Response) bool {
		st, ok := r.(*imap.MailboxStatus)
		switch {
		case !ok:
		case imap.SameMailbox(st.Mailbox, mailbox):
			// NOTIFY may speak of this mailbox, too, but not of all the items.
			if found == nil || !found.Items.Has(q.ask) {
				found = st
				return true
			}
		case similar == nil && alike(st.Mailbox, mailbox):
			similar = st
		}
		return false
	})
	switch {
	case err != nil:
		return nil, err
	case found != nil:
		return q.answer(found), nil
	case similar != nil:
		return q.answer(similar), nil
	}
	return nil, noData("STATUS", mailbox)
}

// statusQuery is what is asked of the server, and what is known without asking.
type statusQuery struct {
	ask      imap.StatusItems
	hasLimit bool
	limit    int64
}

// statusNeeds says which items a server may not know, and what it must announce for them: one of these.
var statusNeeds = []struct {
	item imap.StatusItems
	caps imap.Capabilities
}{
	{imap.StatusDeleted, imap.Capabilities{imap.CapIMAP4rev2, "QUOTA=RES-MESSAGE"}}, // RFC 9208 section 4.1.4
	{imap.StatusSize, imap.Capabilities{imap.CapStatusSize}},
	{imap.StatusHighestModSeq, imap.Capabilities{imap.CapCondStore}},
	{imap.StatusAppendLimit, imap.Capabilities{imap.CapAppendLimit}},
	{imap.StatusMailboxID, imap.Capabilities{imap.CapObjectID}},
	{imap.StatusDeletedStorage, imap.Capabilities{"QUOTA=RES-STORAGE"}},
}

// everyItem has all items of STATUS that can be sent.
const everyItem = imap.StatusDeletedStorage<<1 - 1

func (c *Conn) statusQuery(items imap.StatusItems) (q statusQuery, err error) {
	caps := c.Capabilities()
	q.ask = items & everyItem
	var missing imap.Capability
	for _, need := range statusNeeds {
		if items.Has(need.item) && !slices.ContainsFunc(need.caps, caps.Has) {
			q.ask &^= need.item
			missing = need.caps[0]
		}
	}
	if items.Has(imap.StatusRecent) && c.isRev2() {
		q.ask &^= imap.StatusRecent
		missing = imap.CapIMAP4rev1
	}
	if n, ok := caps.Limit("APPENDLIMIT"); ok && items.Has(imap.StatusAppendLimit) {
		q.hasLimit, q.limit = true, int64(n)
		return q, nil
	}
	if q.ask == 0 && missing != "" {
		return q, notSent(&UnsupportedError{missing})
	}
	return q, nil
}

// isRev2 reports whether the session speaks IMAP4rev2 and nothing else: RECENT, LSUB and CHECK are gone
// there (RFC 9051 appendix E).
func (c *Conn) isRev2() bool {
	caps := c.Capabilities()
	return caps.Has(imap.CapIMAP4rev2) && !caps.Has(imap.CapIMAP4rev1) || c.Enabled().Has(imap.CapIMAP4rev2)
}

// answer adds what was known without asking.
func (q statusQuery) answer(st *imap.MailboxStatus) *imap.MailboxStatus {
	if q.hasLimit {
		st.AppendLimit = q.limit
		st.Items |= imap.StatusAppendLimit
	}
	return st
}
