package imapclient

import (
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// selection is the selected mailbox of a connection: a [Selected] whose lists are those that many share, and without its
// Changes, of which there may be very many.
type selection struct {
	on               bool
	number           uint32 // which of all selections of the connection
	mailbox, id      string
	flags, permanent *words[imap.Flag]
	highest          imap.ModSeq
	exists, recent   uint32
	unseen           imap.SeqNum
	uidNext          imap.UID
	uidValidity      uint32
	readOnly         bool
	uidNotSticky     bool
	noModSeq         bool
}

// set makes s the selection.
func (x *selection) set(s *Selected) {
	*x = selection{
		on: true, number: x.number + 1,
		mailbox: s.Mailbox, id: strings.Clone(s.MailboxID), // a piece of a line
		flags: wordsOf(&sharedFlags, s.Flags), permanent: wordsOf(&sharedFlags, s.PermanentFlags),
		highest: s.HighestModSeq, exists: s.Exists, recent: s.Recent, unseen: s.Unseen, uidNext: s.UIDNext, uidValidity: s.UIDValidity,
		readOnly: s.ReadOnly, uidNotSticky: s.UIDNotSticky, noModSeq: s.NoModSeq,
	}
}

func (x *selection) clear() { *x = selection{number: x.number + 1} }

// get returns the selected mailbox, or nil.
func (x *selection) get() *Selected {
	if !x.on {
		return nil
	}
	return &Selected{
		Mailbox: x.mailbox, MailboxID: x.id, Flags: x.flags.all(), PermanentFlags: x.permanent.all(),
		HighestModSeq: x.highest, Exists: x.exists, Recent: x.recent, Unseen: x.unseen, UIDNext: x.uidNext, UIDValidity: x.uidValidity,
		ReadOnly: x.readOnly, UIDNotSticky: x.uidNotSticky, NoModSeq: x.noModSeq,
	}
}
