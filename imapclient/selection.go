package imapclient

import (
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// selection is the selected mailbox of a connection, with lists that many share.
type selection struct {
	on               bool
	number           uint32 // which of all selections of the connection
	box              Selected
	flags, permanent *words[imap.Flag]
}

// set makes s the selection, but for the Changes, of which there may be very many.
func (x *selection) set(s *Selected) {
	x.on, x.number, x.box = true, x.number+1, *s
	x.flags, x.permanent = wordsOf(&sharedFlags, s.Flags), wordsOf(&sharedFlags, s.PermanentFlags)
	x.box.Flags, x.box.PermanentFlags, x.box.Changes = nil, nil, nil
	x.box.MailboxID = strings.Clone(s.MailboxID) // a piece of a line
}

func (x *selection) clear() { *x = selection{number: x.number + 1} }

// get returns the selected mailbox, or nil.
func (x *selection) get() *Selected {
	if !x.on {
		return nil
	}
	s := x.box
	s.Flags, s.PermanentFlags = x.flags.all(), x.permanent.all()
	return &s
}
