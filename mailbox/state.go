package mailbox

import (
	"cmp"
	"iter"
	"math"
	"slices"

	"github.com/pushmail/pushmail/imap"
)

// MaxMessages bounds the messages of one mailbox that this package tracks.
const MaxMessages = 1 << 26

// State is what is known of a mailbox: UIDVALIDITY, UIDNEXT, HIGHESTMODSEQ, and for each message in
// order its UID, its flags (but \Recent) and its flag revision. It costs some bits a message: ranges
// of UIDs are one entry, flags are indexes into a table of the combinations in use. Of the newest messages
// it also has fingerprints, for the day UIDVALIDITY changes; see [Reunion].
//
// Clones share memory until one of them is written, so a clone costs next to nothing. A State is not
// safe for concurrent use; its clones are independent of it.
//
// [State.MarshalBinary] makes a checkpoint of it. The zero value is an empty mailbox without UIDVALIDITY.
type State struct {
	uidValidity uint32
	uidNext     imap.UID
	last        imap.UID // the highest UID ever recorded, whether still there or not
	told        imap.UID // a UID up to here that is not known was that of another message, if a new one has it
	highest     imap.ModSeq

	n       int
	chunks  []*chunk // none empty, ascending
	flags   *flagTable
	prints  *prints // nil for none
	own     *owner
	scratch flagScratch
}

func newState() *State {
	s := &State{}
	s.init()
	return s
}

// init makes the zero value writable.
func (s *State) init() {
	if s.own == nil {
		s.own = new(owner)
		s.flags = emptyFlags
	}
}

// Clone returns a copy. It takes time for each few thousand messages, not for each message.
func (s *State) Clone() *State {
	s.init()
	s.own = new(owner) // what was ours is now shared
	return &State{
		uidValidity: s.uidValidity, uidNext: s.uidNext, last: s.last, told: s.told, highest: s.highest,
		n: s.n, chunks: slices.Clone(s.chunks), flags: s.flags, prints: s.prints, own: new(owner),
	}
}

// UIDValidity returns the UIDVALIDITY that the UIDs belong to, 0 if the server has none.
func (s *State) UIDValidity() uint32 { return s.uidValidity }

// UIDNext returns a UID that no message known has reached: the UIDNEXT of the last SELECT whose
// messages are all known, or the UID after the last message since. 0 if neither is known, and while messages wait that
// [Ledger.Renew] took out of s.
//
// It is not where to look for new messages: [View.NeedFetch] is.
func (s *State) UIDNext() imap.UID {
	if s.renewed() {
		return 0
	}
	return s.uidNext
}

// renewed reports whether messages were taken out of s that are not acknowledged: then any UID may be that of one.
func (s *State) renewed() bool { return s.told < s.last }

// HighestModSeq returns the mod-sequence up to which all changes are in s, 0 without any
// (RFC 7162 section 3.1.2.1).
func (s *State) HighestModSeq() imap.ModSeq { return s.highest }

// Len returns how many messages are known.
func (s *State) Len() int { return s.n }

// UIDAt returns the UID of the message with that sequence number, 0 if there is none.
func (s *State) UIDAt(seq imap.SeqNum) imap.UID {
	if k, i := s.bySeq(seq); k >= 0 {
		return s.chunks[k].at(i)
	}
	return 0
}

// SeqOf returns the sequence number of uid, 0 if it is not there.
func (s *State) SeqOf(uid imap.UID) imap.SeqNum {
	k, i, ok := s.byUID(uid)
	if !ok {
		return 0
	}
	seq := i + 1
	for _, c := range s.chunks[:k] {
		seq += c.n
	}
	return imap.SeqNum(seq)
}

// Has reports whether uid is there.
func (s *State) Has(uid imap.UID) bool {
	_, _, ok := s.byUID(uid)
	return ok
}

// Flags returns the flags of uid, sorted, without \Recent, and whether it is there. The slice is
// shared: read only.
func (s *State) Flags(uid imap.UID) ([]imap.Flag, bool) {
	k, i, ok := s.byUID(uid)
	if !ok {
		return nil, false
	}
	return s.flags.sets[s.chunks[k].flags.at(i)].flags, true
}

// Rev returns the flag revision of uid; see [Change].
func (s *State) Rev(uid imap.UID) uint32 {
	k, i, ok := s.byUID(uid)
	if !ok {
		return 0
	}
	return s.chunks[k].revs.at(i)
}

// UIDs returns all UIDs.
func (s *State) UIDs() imap.UIDSet {
	var set imap.UIDSet
	for _, c := range s.chunks {
		for _, r := range c.runs {
			if k := len(set); k > 0 && set[k-1].Last+1 == r.first {
				set[k-1].Last = r.last
			} else {
				set = append(set, imap.Range[imap.UID]{First: r.first, Last: r.last})
			}
		}
	}
	return set
}

// intersect returns the UIDs that are in set as well.
func (s *State) intersect(set imap.UIDSet) imap.UIDSet {
	var out imap.UIDSet
	for _, c := range s.chunks {
		if !overlaps(set, c.first(), c.last()) {
			continue
		}
		runs := make(imap.UIDSet, len(c.runs))
		for i, r := range c.runs {
			runs[i] = imap.Range[imap.UID]{First: r.first, Last: r.last}
		}
		for _, r := range runs.Intersect(set) {
			out.AddRange(r.First, r.Last)
		}
	}
	return out
}

// All yields each message in order. The slices are shared: read only. s must not change meanwhile.
func (s *State) All() iter.Seq2[imap.UID, []imap.Flag] {
	return func(yield func(imap.UID, []imap.Flag) bool) {
		for _, c := range s.chunks {
			i := 0
			for _, r := range c.runs {
				for j := range r.len() {
					if !yield(r.first+imap.UID(j), s.flags.sets[c.flags.at(i)].flags) {
						return
					}
					i++
				}
			}
		}
	}
}

// bySeq returns the chunk and the position in it, or -1.
func (s *State) bySeq(seq imap.SeqNum) (k, i int) {
	if seq == 0 || int64(seq) > int64(s.n) {
		return -1, 0
	}
	i = int(seq) - 1
	if k := len(s.chunks) - 1; i >= s.n-s.chunks[k].n { // the end is where things happen
		return k, i - (s.n - s.chunks[k].n)
	}
	for k, c := range s.chunks {
		if i < c.n {
			return k, i
		}
		i -= c.n
	}
	panic("mailbox: chunks hold less than they should")
}

// byUID returns the chunk and the position where uid is, or where it would be inserted.
func (s *State) byUID(uid imap.UID) (k, i int, found bool) {
	k, _ = slices.BinarySearchFunc(s.chunks, uid, func(c *chunk, uid imap.UID) int { return cmp.Compare(c.last(), uid) })
	if k == len(s.chunks) {
		return k, 0, false
	}
	i, found = s.chunks[k].find(uid)
	return k, i, found
}

// write returns chunk k, copied first if it is shared.
func (s *State) write(k int) *chunk {
	if s.chunks[k].own != s.own {
		s.chunks[k] = s.chunks[k].clone(s.own)
	}
	return s.chunks[k]
}

// append adds a message after all others. uid must be above s.last.
func (s *State) append(uid imap.UID, set, rev uint32) error {
	if s.n >= MaxMessages {
		return &LimitError{"messages", MaxMessages}
	}
	k := len(s.chunks) - 1
	if k < 0 || s.chunks[k].n >= chunkSize {
		if k >= 0 {
			s.chunks[k].clip(s.own)
		}
		s.chunks = append(s.chunks, &chunk{own: s.own})
		k++
	}
	s.write(k).add(uid, set, rev)
	s.n++
	s.saw(uid)
	return nil
}

// appendRun appends n messages with consecutive UIDs and the same flags. They must fit MaxMessages.
func (s *State) appendRun(first imap.UID, n int, set uint32) {
	for n > 0 {
		if k := len(s.chunks); k == 0 || s.chunks[k-1].n >= chunkSize {
			s.chunks = append(s.chunks, &chunk{own: s.own})
		}
		c := s.write(len(s.chunks) - 1)
		k := min(n, chunkSize-c.n)
		c.addRun(first, k, set)
		s.n += k
		s.saw(first + imap.UID(k-1))
		first += imap.UID(k)
		n -= k
	}
}

// saw moves the high-water marks over uid.
func (s *State) saw(uid imap.UID) {
	s.last, s.told = max(s.last, uid), max(s.told, uid)
	s.uidNext = max(s.uidNext, s.frontier())
}

// frontier is the lowest UID that a message not known yet can have: UIDs only grow (RFC 9051 section
// 2.3.1.1). It is not UIDNEXT: a server may announce that before the message that made it move.
func (s *State) frontier() imap.UID {
	if s.last == math.MaxUint32 {
		return s.last
	}
	return s.last + 1
}

// insert adds a message wherever it belongs. uid must not be there.
func (s *State) insert(uid imap.UID, set, rev uint32) error {
	k, i, _ := s.byUID(uid)
	if k == len(s.chunks) {
		return s.append(uid, set, rev)
	}
	if s.n >= MaxMessages {
		return &LimitError{"messages", MaxMessages}
	}
	if s.chunks[k].n >= chunkSize {
		s.split(k)
		k, i, _ = s.byUID(uid)
	}
	s.write(k).insert(i, uid, set, rev)
	s.n++
	s.saw(uid)
	return nil
}

// split cuts chunk k in two.
func (s *State) split(k int) {
	c := s.chunks[k]
	a, b := &chunk{own: s.own}, &chunk{own: s.own}
	c.copyTo(a, 0, c.n/2)
	c.copyTo(b, c.n/2, c.n)
	s.chunks[k] = a
	s.chunks = slices.Insert(s.chunks, k+1, b)
}

// removeAt takes the message with that sequence number out; it must be there.
func (s *State) removeAt(seq imap.SeqNum) {
	k, i := s.bySeq(seq)
	s.removeIn(k, i)
}

func (s *State) remove(uid imap.UID) bool {
	k, i, ok := s.byUID(uid)
	if ok {
		s.removeIn(k, i)
	}
	return ok
}

func (s *State) removeIn(k, i int) {
	if s.n--; s.chunks[k].n == 1 {
		s.chunks = slices.Delete(s.chunks, k, k+1)
		return
	}
	s.write(k).remove(i)
	s.merge(k)
}

// fewUIDs are quicker removed one by one.
const fewUIDs = 64

// removeSet takes the UIDs in set out and returns how many there were. Its cost is that of the
// chunks it touches, however much set spans.
func (s *State) removeSet(set imap.UIDSet) int {
	before := s.n
	if set.Len() <= fewUIDs && !set.Dynamic() {
		for uid := range set.All() {
			s.remove(uid)
		}
		return before - s.n
	}
	out := s.chunks[:0:0]
	for _, c := range s.chunks {
		if !overlaps(set, c.first(), c.last()) {
			out = append(out, c)
			continue
		}
		rest, gone := c.without(set, s.own)
		s.n -= gone
		if rest != nil {
			out = append(out, rest)
		}
	}
	s.chunks = out
	for k := len(s.chunks) - 1; k >= 0; k-- {
		s.merge(k)
	}
	return before - s.n
}

// setRev sets the flag revision of uid, if it is there.
func (s *State) setRev(uid imap.UID, rev uint32) {
	if k, i, ok := s.byUID(uid); ok && s.chunks[k].revs.at(i) != rev {
		c := s.write(k)
		c.revs.set(i, rev, c.n)
	}
}

// copyRevs takes over the revisions of the messages that are in from as well.
func (s *State) copyRevs(from *State) {
	for uid, rev := range from.allRevs() {
		s.setRev(uid, rev)
	}
}

// allRevs yields the revisions that are not 0.
func (s *State) allRevs() iter.Seq2[imap.UID, uint32] {
	return func(yield func(imap.UID, uint32) bool) {
		for _, c := range s.chunks {
			if c.revs.zero() {
				continue
			}
			i := 0
			for _, r := range c.runs {
				for j := range r.len() {
					if rev := c.revs.at(i); rev != 0 && !yield(r.first+imap.UID(j), rev) {
						return
					}
					i++
				}
			}
		}
	}
}

// overlaps reports whether set has a UID from first to last.
func overlaps(set imap.UIDSet, first, last imap.UID) bool {
	i, _ := slices.BinarySearchFunc(set, first, func(r imap.Range[imap.UID], uid imap.UID) int {
		if r.Last == 0 || r.Last >= uid {
			return 1
		}
		return -1
	})
	return i < len(set) && set[i].First <= last && set[i].First != 0
}

// merge joins chunk k with the next or the previous one when both are small, so that a mailbox that
// shrinks does not end as many tiny chunks.
func (s *State) merge(k int) {
	if k >= len(s.chunks) || s.chunks[k].n > chunkSize/4 {
		return
	}
	if k+1 == len(s.chunks) || k > 0 && s.chunks[k-1].n < s.chunks[k+1].n {
		k--
	}
	if k < 0 || s.chunks[k].n+s.chunks[k+1].n > chunkSize/2 {
		return
	}
	c := s.write(k)
	s.chunks[k+1].copyTo(c, 0, s.chunks[k+1].n)
	s.chunks = slices.Delete(s.chunks, k+1, k+2)
}

// Empty returns the State of a mailbox of which nothing is known but its UIDVALIDITY, so that a
// resynchronisation from it reports every message as new: for a mailbox that was created while others
// were watched. With nil instead, what is there is the baseline and not reported.
func Empty(uidValidity uint32) *State {
	s := newState()
	s.uidValidity = uidValidity
	return s
}
