package mailbox

import "github.com/pushmail/pushmail/imap"

// Fold gives back most of the memory of a Ledger that nobody needs for the time being: of a mailbox of at most a few thousand messages only
// a checkpoint stays, some 50 bytes where a State is some hundred. The next use unfolds it, which takes microseconds; a View that was asked
// for before must not be used any more. While changes wait to be
// acknowledged, or messages to become known, it does nothing and returns false. A folded Ledger may be copied, if only one of the two is used on.
func (l *Ledger) Fold() bool {
	v := l.view
	if v == nil {
		return true
	}
	if l.queue.n > 0 || len(v.doubted) > 0 || v.unnumbered || v.announced != 0 || int64(v.count) != int64(v.state.n) || len(v.state.chunks) > 1 {
		return false
	}
	folded, _ := l.acked.MarshalBinary() // it never fails; with nothing waiting the State of the View is the same
	l.folded, l.count, l.vanishing = string(folded), v.count, v.vanishing
	l.acked, l.view = nil, nil
	return true
}

// unfold undoes Fold.
func (l *Ledger) unfold() {
	if l.view != nil {
		return
	}
	s := new(State)
	if err := s.UnmarshalBinary([]byte(l.folded)); err != nil {
		panic("mailbox: a folded ledger: " + err.Error())
	}
	l.acked, l.folded = s, ""
	l.view = &View{state: s.Clone(), count: l.count, vanishing: l.vanishing}
	l.view.state.prints = nil
}

// mind reports whether r may change what is folded.
func mind(r imap.Response) bool {
	switch r := r.(type) {
	case imap.Exists, imap.Expunge, *imap.Vanished, *imap.Message:
		return true
	case *imap.Status:
		return r.Code != nil
	case *imap.Tagged:
		return r.Code != nil
	}
	return false
}

// Exists is View().Exists(), and does not unfold.
func (l *Ledger) Exists() uint32 {
	if l.view == nil {
		return l.count
	}
	return l.view.count
}
