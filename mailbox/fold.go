package mailbox

import "github.com/pushmail/pushmail/imap"

// Fold gives back most of the memory of a Ledger that nobody needs for the time being: of a mailbox of at most a few thousand messages only
// a checkpoint stays, some 50 bytes where a State is some hundred. The next use unfolds it, which takes microseconds; a View that was asked
// for before must not be used any more. While changes wait to be acknowledged Fold does nothing.
func (l *Ledger) Fold() {
	if l.folded != "" || l.queue.n > 0 || len(l.marks) > 0 {
		return
	}
	if s := l.view.state; len(s.chunks) > 1 || s.n != l.acked.n || s.last != l.acked.last || s.highest != l.acked.highest || s.uidNext != l.acked.uidNext {
		return // the two are not the same
	}
	folded, _ := l.acked.MarshalBinary() // it never fails
	l.folded = string(folded)
	l.acked, l.view.state = nil, nil
}

// unfold undoes Fold.
func (l *Ledger) unfold() {
	if l.folded == "" {
		return
	}
	s := new(State)
	if err := s.UnmarshalBinary([]byte(l.folded)); err != nil {
		panic("mailbox: a folded ledger: " + err.Error())
	}
	l.acked, l.view.state, l.folded = s, s.Clone(), ""
	l.view.state.prints = nil
}

// minds reports whether r may change v, as far as that can be told without its State.
func (v *View) minds(r imap.Response) bool {
	switch r := r.(type) {
	case imap.Exists, imap.Expunge, *imap.Vanished, *imap.Message:
		return true
	case *imap.Status:
		return r.Code != nil
	case *imap.Tagged:
		return r.Code != nil || v.announced != 0
	}
	return v.unnumbered
}

// Exists is View().Exists(), and does not unfold.
func (l *Ledger) Exists() uint32 { return l.view.count }
