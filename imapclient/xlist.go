package imapclient

import (
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// xlistUses are Gmail's old names of what RFC 6154 standardised.
var xlistUses = map[string]imap.Attr{
	`\allmail`: imap.AttrAll,
	`\spam`:    imap.AttrJunk,
	`\starred`: imap.AttrFlagged,
}

// fromXList returns a row of XLIST as LIST would have it.
func fromXList(r *imap.List) *imap.List {
	row := *r
	row.Kind, row.Attrs = imap.ListKindList, nil
	for _, a := range r.Attrs {
		lower := strings.ToLower(string(a))
		use, old := xlistUses[lower]
		switch {
		case lower == `\inbox`:
			row.Mailbox = "INBOX"
		case old:
			row.Attrs = append(row.Attrs, use)
		default:
			row.Attrs = append(row.Attrs, a)
		}
	}
	return &row
}
