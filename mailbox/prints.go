package mailbox

import (
	"cmp"
	"slices"

	"github.com/pushmail/pushmail/imap"
)

// MaxRemembered is how many messages of a mailbox are remembered by their fingerprints: the newest. All of
// them take about 3 KB; a mailbox where none is remembered takes nothing.
const MaxRemembered = 256

var maxRemembered = MaxRemembered // tests make it small

// prints are the fingerprints of the newest messages of a State. Like a chunk they are shared by clones
// and copied by the first that writes. Nil are none.
type prints struct {
	own    *owner
	basis  Basis
	newest int64 // the latest INTERNALDATE ever seen, in Unix seconds; 0 for none
	list   []printed
	// again are the messages whose UID another one had before, however old they are; see Change.Reused.
	again []printed
	// ahead are messages that wait, as they may have been told already; see Ledger.Foretell.
	ahead []printed
}

// printed has 12 bytes.
type printed struct {
	uid   imap.UID
	print Print
}

func (p *prints) len() int {
	if p == nil {
		return 0
	}
	return len(p.list)
}

func findPrint(list []printed, uid imap.UID) (int, bool) {
	return slices.BinarySearchFunc(list, uid, func(e printed, uid imap.UID) int { return cmp.Compare(e.uid, uid) })
}

// writable returns p, or a copy if it is shared.
func (p *prints) writable(own *owner) *prints {
	if p.own == own {
		return p
	}
	c := *p
	c.own = own
	c.list = append(make([]printed, 0, roomFor(len(p.list))), p.list...)
	c.again, c.ahead = slices.Clone(p.again), slices.Clone(p.ahead)
	return &c
}

// roomFor doubles, but never to more than is needed.
func roomFor(n int) int {
	room := 4
	for room < n {
		room *= 2
	}
	return max(n, min(room, maxRemembered))
}

// with returns p with one more message. A message of another basis starts anew: the two cannot be compared.
func (p *prints) with(uid imap.UID, id Identity, own *owner) *prints {
	if p == nil {
		p = &prints{own: own, basis: id.Basis}
	}
	p = p.writable(own)
	if p.basis != id.Basis {
		p.basis, p.list = id.Basis, nil
	}
	p.newest = max(p.newest, id.Date)
	i, found := findPrint(p.list, uid)
	switch {
	case id.Print == Print{}:
	case found:
		p.list[i].print = id.Print
	case len(p.list) < maxRemembered:
		if len(p.list) == cap(p.list) {
			p.list = append(make([]printed, 0, roomFor(len(p.list)+1)), p.list...)
		}
		p.list = slices.Insert(p.list, i, printed{uid, id.Print})
	case i > 0: // the oldest makes room
		copy(p.list, p.list[1:i])
		p.list[i-1] = printed{uid, id.Print}
	}
	return p
}

// without returns p without the messages in set.
func (p *prints) without(set imap.UIDSet, own *owner) *prints {
	in := func(e printed) bool { return set.Contains(e.uid) }
	if p == nil || !slices.ContainsFunc(p.list, in) && !slices.ContainsFunc(p.again, in) {
		return p
	}
	p = p.writable(own)
	p.list, p.again = slices.DeleteFunc(p.list, in), slices.DeleteFunc(p.again, in)
	return p
}

// reuse returns p with a message whose UID another one had before.
func (p *prints) reuse(uid imap.UID, own *owner) *prints {
	if p == nil {
		p = &prints{own: own}
	}
	p = p.writable(own)
	if i, found := findPrint(p.again, uid); !found {
		p.again = slices.Insert(p.again, i, printed{uid: uid})
	}
	return p
}

// name gives a message whose UID another one had before its fingerprint for good: events of it have that.
func (p *prints) name(uid imap.UID, print Print, own *owner) *prints {
	p = p.writable(own)
	if i, found := findPrint(p.again, uid); found {
		p.again[i].print = print
	}
	return p
}

// reused reports whether another message had the UID before, and returns the fingerprint of the one that has it now.
func (p *prints) reused(uid imap.UID) (Print, bool) {
	if p == nil {
		return Print{}, false
	}
	return printIn(p.again, uid)
}

// of returns the fingerprint of a message, false if it is not remembered.
func (p *prints) of(uid imap.UID) (Print, bool) {
	if p == nil {
		return Print{}, false
	}
	return printIn(p.list, uid)
}

func printIn(list []printed, uid imap.UID) (Print, bool) {
	i, found := findPrint(list, uid)
	if !found {
		return Print{}, false
	}
	return list[i].print, true
}

// Basis returns what the fingerprints in s are made of; 0 if there are none.
func (s *State) Basis() Basis {
	if s.prints == nil {
		return 0
	}
	return s.prints.basis
}

// Remembered returns how many messages are remembered by their fingerprints.
func (s *State) Remembered() int { return s.prints.len() }

// Forgotten returns those of the newest messages, [MaxRemembered] at most, that should be remembered by
// fingerprints of this basis and are not: ask what identifies them, and give it to [Ledger.Remember]. As
// long as half of them are remembered, those that lie before the first one that is may be forgotten.
func (s *State) Forgotten(basis Basis) imap.UIDSet {
	most := min(maxRemembered, s.n)
	if s.Basis() != basis || 2*s.Remembered() < most {
		return s.newest(most).Subtract(s.rememberedSet(basis))
	}
	if s.Remembered() == 0 {
		return nil
	}
	return s.intersect(imap.SetOfRange(s.prints.list[0].uid, 1<<32-1)).Subtract(s.rememberedSet(basis))
}

func (s *State) rememberedSet(basis Basis) imap.UIDSet {
	if s.Basis() != basis {
		return nil
	}
	set := make(imap.UIDSet, 0, s.Remembered())
	for _, e := range s.prints.list {
		set = append(set, imap.Range[imap.UID]{First: e.uid, Last: e.uid})
	}
	return imap.Normalize(set)
}

// newest returns the last n messages.
func (s *State) newest(n int) imap.UIDSet {
	if n <= 0 || s.n == 0 {
		return nil
	}
	first := s.UIDAt(imap.SeqNum(s.n - min(n, s.n) + 1))
	return s.intersect(imap.SetOfRange(first, 1<<32-1))
}
