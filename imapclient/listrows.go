package imapclient

import (
	"errors"
	"slices"

	"github.com/pushmail/pushmail/imap"
)

// listRows are the mailboxes of a LIST in the server's order, each once.
type listRows struct {
	all   []*Listed
	over  bool // there were more than maxMailboxes
	exact map[string]*Listed
	loose map[string]*Listed // by loose name, nil where there are several; made when it is needed
	early []earlyItem
}

// earlyItem says something of a mailbox that had no row yet.
type earlyItem struct {
	mailbox string
	r       imap.Response
}

const (
	// maxMailboxes bounds the rows of one listing.
	maxMailboxes = 250_000
	// maxEarly bounds what is kept of mailboxes without a row.
	maxEarly = 10_000
)

// ErrTooManyMailboxes says that [Conn.List] found more than 250,000 mailboxes. List parts of the
// hierarchy, by patterns with "%".
var ErrTooManyMailboxes = errors.New("the server lists more than 250,000 mailboxes: list parts of the hierarchy")

// add adds a row. A second one for the same name is put together with the first: there are servers that
// list a mailbox twice. If all that it says is that the mailbox does not exist, it is news: the mailbox
// was deleted meanwhile (RFC 5465 section 5.4), and add reports false.
func (rows *listRows) add(r *imap.List) bool {
	old := rows.exact[r.Mailbox]
	if old == nil {
		if len(rows.all) == maxMailboxes {
			rows.over = true
			return true
		}
		if rows.exact == nil {
			rows.exact = map[string]*Listed{}
		}
		row := &Listed{List: *r}
		row.Attrs = withoutRepeats(r.Attrs)
		rows.exact[r.Mailbox], rows.loose = row, nil
		rows.all = append(rows.all, row)
		return true
	}
	if len(r.Attrs) == 1 && r.Attrs[0] == imap.AttrNonExistent && !slices.Contains(old.Attrs, imap.AttrNonExistent) {
		return false
	}
	old.Attrs = mergeAttrs(old.Attrs, r.Attrs)
	old.ChildInfo = withoutRepeats(append(old.ChildInfo, r.ChildInfo...))
	return true
}

// mergeAttrs puts together what two rows say of one mailbox. What would make it useless must be in both.
func mergeAttrs(a, b []imap.Attr) []imap.Attr {
	both := withoutRepeats(slices.Concat(a, b))
	children := slices.Contains(both, imap.AttrHasChildren)
	return slices.DeleteFunc(both, func(attr imap.Attr) bool {
		switch attr {
		case imap.AttrNoSelect, imap.AttrNonExistent:
			return !slices.Contains(a, attr) || !slices.Contains(b, attr)
		case imap.AttrHasNoChildren:
			return children
		}
		return false
	})
}

// withoutRepeats leaves the first of equals. Zoho repeats attributes.
func withoutRepeats[T comparable](list []T) []T {
	var out []T
	for _, v := range list {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// find returns the row of a mailbox, also if its name is written otherwise there, or nil.
func (rows *listRows) find(name string) *Listed {
	if row := rows.exact[name]; row != nil || len(rows.all) == 0 {
		return row
	}
	if rows.loose == nil {
		rows.loose = map[string]*Listed{}
		for _, row := range rows.all {
			key := loose(row.Mailbox)
			if _, more := rows.loose[key]; more {
				row = nil
			}
			rows.loose[key] = row
		}
	}
	return rows.loose[loose(name)]
}

// attach adds what r says to the row of its mailbox, and reports whether it is part of the answer. If
// the row has not come yet, it is kept, and goes to the Handler as well: it may be news.
func (rows *listRows) attach(mailbox string, r imap.Response, asked imap.StatusItems) bool {
	row := rows.find(mailbox)
	if row == nil {
		if len(rows.early) < maxEarly {
			rows.early = append(rows.early, earlyItem{mailbox, r})
		}
		return false
	}
	return row.attach(r, asked)
}

// attachLate attaches what came before its row, unless something newer came after it.
func (rows *listRows) attachLate(asked imap.StatusItems) {
	for _, e := range rows.early {
		if row := rows.find(e.mailbox); row != nil && !row.knows(e.r, asked) {
			row.attach(e.r, asked)
		}
	}
	rows.early = nil
}

// knows reports whether the row has what r could say.
func (row *Listed) knows(r imap.Response, asked imap.StatusItems) bool {
	switch r.(type) {
	case *imap.MailboxStatus:
		return row.Status != nil && row.Status.Items.Has(asked)
	case *imap.MyRights:
		return row.MyRights != ""
	}
	return false
}

func (row *Listed) attach(r imap.Response, asked imap.StatusItems) bool {
	switch r := r.(type) {
	case *imap.MailboxStatus:
		if row.Status != nil && !r.Items.Has(asked) {
			return false // of NOTIFY
		}
		row.Status = r
	case *imap.MyRights:
		row.MyRights = r.Rights
	case *imap.Metadata:
		row.Metadata = append(row.Metadata, existing(r.Values)...)
	}
	return true
}
