package mailbox

import "github.com/pushmail/pushmail/imap"

// doubt takes note of a row of a known message that says nothing new, or comes while messages are announced. That is how
// Courier tells, in a session that goes on, that a UID is another message's now: it gives those that it has not
// written down anew each time it looks, in the order of the names of files, and has a row for each file that is another one. Where
// there are mod-sequences that does not happen.
func (l *Ledger) doubt(m *imap.Message) {
	v := l.view
	if v.state.highest != 0 || m.Items&^imap.ItemUID != imap.ItemFlags {
		return
	}
	uid := m.UID
	if uid == 0 {
		uid = v.UIDAt(m.SeqNum)
	}
	if same, known := v.state.sameOrNone(uid, m.Flags); known && (same || v.Pending() > 0) && l.matters(uid) {
		v.doubted.Add(uid)
	}
}

// matters reports whether a message can be told from another one, or has not been told yet.
func (l *Ledger) matters(uid imap.UID) bool {
	_, remembered := l.acked.prints.of(uid)
	return remembered || !l.acked.Has(uid)
}

// sameOrNone reports whether flags are none, or those that a known message has.
func (s *State) sameOrNone(uid imap.UID, flags []imap.Flag) (same, known bool) {
	was, known := s.Flags(uid)
	if !known {
		return false, false
	}
	now, _ := s.scratch.canonical(flags)
	return len(now) == 0 || equalFlags(now, was), true
}

// Doubted returns the messages whose UIDs may have been given to others, by what the server said of them: on a server
// without mod-sequences, rows that tell nothing new. Of those that are remembered ask what identifies them,
// with ENVELOPE, before more is acknowledged, and give the rows to [Ledger.Another]; if one of them is another message,
// resynchronise, with these in [Opened.Doubted], else [Ledger.Trust] them. What was asked of those that wait to be told is to be asked anew.
func (l *Ledger) Doubted() (remembered, waiting imap.UIDSet) {
	if l.view == nil || l.view.doubted.Empty() {
		return nil, nil
	}
	waiting = l.view.doubted.Subtract(l.acked.UIDs())
	return l.view.doubted.Subtract(waiting), waiting
}

// Another reports whether a row that says what a message is, is not that of the one that is remembered.
func (l *Ledger) Another(m *imap.Message) bool {
	l.unfold()
	return l.acked.contradicts(l.acked.Basis(), m)
}

// Trust ends the doubt in all messages.
func (l *Ledger) Trust() {
	if l.view != nil {
		l.view.doubted = nil
	}
}

// contradicts reports whether a row is that of another message than is remembered, by ENVELOPE as well as by the
// header, if it has both: servers exist that have another Message-ID in one of them. A row that does not say
// what it is proves nothing.
func (s *State) contradicts(b Basis, m *imap.Message) bool {
	header := *m
	header.Envelope = nil
	return s.differs(b, m) && (m.Envelope == nil || b != BasisHeader || s.differs(b, &header))
}

func (s *State) differs(b Basis, m *imap.Message) bool {
	id, ok := Identify(b, m)
	print, found := s.prints.of(m.UID)
	return ok && found && print != id.Print
}
