package mailbox

import (
	"maps"
	"slices"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// Bounds of a Reunion. Tests make them small.
var (
	// firstBatch and nextBatch are how many messages are asked for at once: few at first, since most of the
	// time the mailbox has only a few new ones.
	firstBatch, nextBatch = 64, 256
	// maxScan is how many messages are looked at from the newest on, maxLook how many because of their date.
	maxScan, maxLook = 4096, uint64(1 << 16)
	// patience is how many messages in a row may be unknown after some were found again.
	patience = 256
)

// dateMargin is how much older than the newest message that is remembered a message may be and still count
// as later: the clocks of the machines that deliver mail to one mailbox differ.
const dateMargin = time.Minute

// Reunion finds out, after UIDVALIDITY has changed, which messages of the mailbox were there before and
// which have arrived meanwhile. It does no I/O:
//
//	l := NewLedger(view, nil)                     // of the mailbox as it is now
//	ru := NewReunion(old, view, basis)            // old: the State before
//	UID SEARCH SINCE ru.Since() (a day earlier)   // when that is not zero
//	ru.Look(result)
//	for {
//		set, more := ru.Next()
//		if !more { break }
//		UID FETCH set with basis.Fetch(); ru.Feed(row) for each row
//	}
//	l.Renew(ru.Fresh())
//	ru.Remember(l, time.Now())
//
// A message whose fingerprint is remembered was there before; of several with the same fingerprint as many
// as are remembered. Any other is new if all messages that were there are remembered; if it comes after the first that
// was there before, provided that most of those are in the order they had; or if its INTERNALDATE is later than
// that of the newest message ever seen, less a minute. When in doubt a message is new: reported twice, but with another
// UIDVALIDITY and so with another id, it harms less than not at all. So after a State without any fingerprints
// everything is new, up to as many messages, 256, as should have been remembered; of a larger one, nothing is.
//
// It looks at the newest messages first and stops when it has found all that it remembers, if there were more than
// those; when 256 in a row are unknown after some that were known; or after 4,096 messages. Of those that a search
// finds by their date it looks at the newest 65,536.
type Reunion struct {
	now    *State
	basis  Basis
	all    bool // everything is new
	whole  bool // all that was known is remembered, so that whatever is not found again is new
	prints map[Print][]imap.UID
	most   int // how many can be found again
	newest int64

	dated imap.UIDSet // looked for by their date
	top   int         // messages not looked at yet, counted from the first
	batch struct {
		size, found int // of the last one, and what was found before it
		barren      int // messages in the last ones, without one that was found again
	}
	asked imap.UIDSet
	rows  map[imap.UID]Identity
	seen  map[Print]int
	found int // how many were found again
}

// NewReunion compares old, the State before, with the messages known in v.
func NewReunion(old *State, v *View, basis Basis) *Reunion {
	r := &Reunion{now: v.state.Clone(), basis: basis, prints: map[Print][]imap.UID{}, rows: map[imap.UID]Identity{}, seen: map[Print]int{}}
	r.all = old.Remembered() == 0 && old.n <= maxRemembered
	r.top = r.now.n
	if old.prints == nil {
		return r
	}
	r.newest = old.prints.newest
	if old.prints.basis == basis {
		for _, e := range old.prints.list {
			r.prints[e.print] = append(r.prints[e.print], e.uid)
		}
		r.most = len(old.prints.list)
		r.whole = r.most == old.n
	}
	return r
}

// Since returns the INTERNALDATE from which on messages may be new wherever they are: search for those.
// Zero means that no search is needed.
func (r *Reunion) Since() time.Time {
	if r.all || r.newest == 0 {
		return time.Time{}
	}
	return time.Unix(r.newest, 0).Add(-dateMargin)
}

// Look has the newest of the messages in set be looked at, too.
func (r *Reunion) Look(set imap.UIDSet) {
	r.dated = newestOf(r.now.intersect(set), maxLook)
}

// newestOf returns the last n of set.
func newestOf(set imap.UIDSet, n uint64) imap.UIDSet {
	for extra := set.Len(); extra > n; extra = set.Len() {
		r := &set[0]
		if size := uint64(r.Last-r.First) + 1; size <= extra-n {
			set = set[1:]
		} else {
			r.First += imap.UID(extra - n)
		}
	}
	return set
}

// Next returns the messages to fetch next, false if it is known which ones are new.
func (r *Reunion) Next() (imap.UIDSet, bool) {
	if r.all || r.newest == 0 && r.most == 0 {
		return nil, false
	}
	size := nextBatch
	if len(r.asked) == 0 {
		size = firstBatch
	}
	if set := r.above(size); len(set) > 0 {
		r.asked = r.asked.Union(set)
		return set, true
	}
	rest := r.dated.Subtract(r.asked)
	set := newestOf(rest, uint64(size))
	r.asked = r.asked.Union(set)
	return set, len(set) > 0
}

// above returns the newest messages that were not looked at, unless enough was seen.
func (r *Reunion) above(size int) imap.UIDSet {
	b := &r.batch
	if b.barren += b.size; r.found > b.found {
		b.barren = 0
	}
	if r.found == r.most && !r.whole || r.top == 0 || r.now.n-r.top >= maxScan || r.found > 0 && b.barren >= patience {
		return nil
	}
	b.size, b.found = min(size, r.top), r.found
	last := r.now.UIDAt(imap.SeqNum(r.top))
	r.top -= b.size
	return r.now.intersect(imap.SetOfRange(r.now.UIDAt(imap.SeqNum(r.top+1)), last))
}

// Feed takes in one response of a fetch; those that are not of interest do no harm.
func (r *Reunion) Feed(m *imap.Message) {
	id, ok := Identify(r.basis, m)
	if !ok && !m.Items.Has(imap.ItemInternalDate) || !r.asked.Contains(m.UID) {
		return
	}
	if _, again := r.rows[m.UID]; again {
		return
	}
	r.rows[m.UID] = id
	if r.seen[id.Print] < len(r.prints[id.Print]) {
		r.seen[id.Print]++
		r.found++
	}
}

// Fresh returns the messages that are new.
func (r *Reunion) Fresh() imap.UIDSet {
	if r.all {
		return r.now.UIDs()
	}
	old, first := r.match()
	var fresh imap.UIDSet
	for uid := range r.asked.All() {
		if old[uid] {
			continue
		}
		id, came := r.rows[uid]
		late := came && r.newest != 0 && (id.Date == 0 || id.Date >= r.newest-int64(dateMargin/time.Second))
		if r.whole || late || first != 0 && uid > first {
			fresh.Add(uid)
		}
	}
	return fresh
}

// match returns the messages that were there before, and the first of them: 0 if there is none, or if they are
// not in the order they had, so that the place of a message says nothing of its age.
func (r *Reunion) match() (old map[imap.UID]bool, first imap.UID) {
	inOrder, astray := r.inOrder()
	if astray > len(inOrder) { // in an order without sense, of k messages about log k are
		return r.anyOrder(), 0
	}
	for uid := range inOrder {
		if first == 0 || uid < first {
			first = uid
		}
	}
	return inOrder, first
}

// inOrder returns the messages that were there before if all of them are in the order they had, and how many
// others have the fingerprint of one that was: among them would be one that has come in the place of one that is gone.
func (r *Reunion) inOrder() (old map[imap.UID]bool, astray int) {
	old = map[imap.UID]bool{}
	left := maps.Clone(r.prints)
	var last imap.UID
	for _, uid := range slices.Sorted(maps.Keys(r.rows)) {
		print := r.rows[uid].Print
		was := left[print]
		i, _ := slices.BinarySearch(was, last+1)
		switch {
		case i < len(was): // the first that will do leaves most to those that follow
			old[uid] = true
			last = was[i]
			left[print] = was[i+1:]
		case len(was) > 0:
			astray++
		}
	}
	return old, astray
}

// anyOrder returns the messages that were there before, wherever they are now.
func (r *Reunion) anyOrder() map[imap.UID]bool {
	old, seen := map[imap.UID]bool{}, map[Print]int{}
	for _, uid := range slices.Sorted(maps.Keys(r.rows)) {
		print := r.rows[uid].Print
		if seen[print] < len(r.prints[print]) {
			seen[print]++
			old[uid] = true
		}
	}
	return old
}

// Found returns how many of the messages that were there before are there still, as far as it was looked.
func (r *Reunion) Found() int { return r.found }

// Remember has l remember the messages that were looked at and are acknowledged. A date after latest counts as
// latest; see [Identity].
func (r *Reunion) Remember(l *Ledger, latest time.Time) {
	for uid, id := range r.rows {
		id.Date = min(id.Date, latest.Unix())
		if id.Print != (Print{}) {
			l.Remember(uid, id)
		}
	}
}
