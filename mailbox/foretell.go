package mailbox

import (
	"slices"

	"github.com/pushmail/pushmail/imap"
)

// Foretell says what a message is that waits as a new one, before it is told, and reports whether [Ledger.State] is to be stored before
// that: where a server without mod-sequences forgets which UIDs it gave, and whoever tells of them dies before he has stored that he did,
// nobody else would know that the UID meant this message. If it was foretold as another one, before such a crash, its Change is Reused
// from now on. At most [MaxRemembered] that wait are kept; one that cannot be identified is not.
func (l *Ledger) Foretell(uid imap.UID, id Identity) (store bool) {
	l.unfold()
	if id.Print == (Print{}) {
		return false
	}
	l.acked.prints, store = l.acked.prints.foretell(uid, id, l.acked.own)
	return store
}

// foretell returns p with a message that waits, and whether that is something new.
func (p *prints) foretell(uid imap.UID, id Identity, own *owner) (*prints, bool) {
	if p == nil {
		p = &prints{own: own, basis: id.Basis}
	}
	i, found := findPrint(p.ahead, uid)
	if p.basis != id.Basis || found && p.ahead[i].print == id.Print {
		return p, false
	}
	if found {
		p = p.reuse(uid, own)
		p.ahead[i].print = id.Print
		return p, true
	}
	p = p.writable(own)
	p.ahead = slices.Insert(p.ahead, i, printed{uid, id.Print})
	p.ahead = slices.Delete(p.ahead, 0, max(0, len(p.ahead)-maxRemembered))
	return p, true
}

// past returns p when a new message was acknowledged: a UID up to its own is known to be used without what was foretold.
func (p *prints) past(uid imap.UID, own *owner) *prints {
	if p == nil || len(p.ahead) == 0 || p.ahead[0].uid > uid {
		return p
	}
	p = p.writable(own)
	p.ahead = slices.DeleteFunc(p.ahead, func(e printed) bool { return e.uid <= uid })
	return p
}
