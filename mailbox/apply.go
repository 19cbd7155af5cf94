package mailbox

import (
	"cmp"
	"math"
	"slices"

	"github.com/pushmail/pushmail/imap"
)

// Apply folds one response into v and returns the changes that became known by it, in the order in
// which they happened; a tagged response also ends the command as [View.Commit] does. Responses that are
// not about messages of the selected mailbox change nothing, among them the results of searches.
//
// It returns a [*DesyncError] when r can't follow from v, and a [*LimitError] when the mailbox grows
// too large; the caller then selects the mailbox again and resynchronises. It keeps nothing of r.
func (v *View) Apply(r imap.Response) ([]Change, error) {
	var list changeList
	err := v.apply(&list, r)
	return list, err
}

// apply is Apply that gives the changes to dst.
func (v *View) apply(dst recorder, r imap.Response) error {
	if v.unnumbered {
		if done, err := v.applyUnnumbered(dst, r); done {
			return err
		}
	}
	switch r := r.(type) {
	case imap.Exists:
		return v.grow(uint32(r))
	case imap.Expunge:
		return v.expunge(dst, imap.SeqNum(r))
	case *imap.Vanished:
		if r.Earlier {
			return v.vanishedEarlier(r.UIDs)
		}
		return v.vanish(dst, r.UIDs)
	case *imap.Message:
		return v.message(dst, r)
	case *imap.Status:
		return v.code(r.Code)
	case *imap.Tagged:
		err := v.code(r.Code)
		v.Commit()
		return err
	}
	return nil
}

// code takes note of a response code. UIDNEXT is not among them: outside of SELECT it can run ahead
// of the EXISTS that it belongs to, and State.UIDNext promises that all messages below it are known.
func (v *View) code(c *imap.Code) error {
	switch {
	case c == nil:
	case c.Name == imap.CodeUIDValidity && c.Num != 0 && c.Num != uint64(v.state.uidValidity):
		return errReset(v.state.uidValidity, uint32(c.Num))
	case c.Name == imap.CodeHighestModSeq && v.vanishing:
		// Only RFC 7162 section 3.2, QRESYNC, makes the server keep it below the changes that it has not
		// sent yet. Without it the one of SELECT is kept.
		v.announced = imap.ModSeq(c.Num)
	}
	return nil
}

// grow takes note of EXISTS. RFC 9051 section 7.4.1 with 7.5.1: only an expunge makes it smaller.
func (v *View) grow(n uint32) error {
	if n < v.count {
		return desync("%d messages exist where there were %d, without an expunge", n, v.count)
	}
	if n > MaxMessages {
		return &LimitError{"messages", MaxMessages}
	}
	v.count = n
	return nil
}

// expunge takes message seq out. One that was never seen makes no change.
func (v *View) expunge(dst recorder, seq imap.SeqNum) error {
	if seq == 0 || uint32(seq) > v.count {
		return errSeq("expunge", seq, v.count)
	}
	v.count--
	if int(seq) <= v.state.n {
		dst.record(v, delta{kind: Expunge, uid: v.state.UIDAt(seq), n: 1}, nil)
		v.state.removeAt(seq)
	}
	// Rows without a number may or may not be the one that went: ask for them again.
	v.tail = slices.DeleteFunc(v.tail, func(e tailEntry) bool { return e.seq == seq || e.seq == 0 })
	for i := range v.tail {
		if v.tail[i].seq > seq {
			v.tail[i].seq--
		}
	}
	return v.promote(dst)
}

// vanish takes the UIDs in set out. RFC 7162 section 3.2.10.2: each is a message that was announced,
// so each unknown one above the known ones takes one off those pending.
func (v *View) vanish(dst recorder, set imap.UIDSet) error {
	unknown, err := v.vanishUnknown(set)
	if err != nil {
		return err
	}
	known := v.state.intersect(set)
	for _, r := range known {
		dst.record(v, delta{kind: Expunge, uid: r.First, n: uint32(r.Last-r.First) + 1}, nil)
	}
	gone := v.state.removeSet(known)
	v.count -= uint32(gone) + unknown
	for i := range v.tail {
		if v.tail[i].seq != 0 {
			v.tail[i].seq -= imap.SeqNum(gone)
		}
	}
	return v.promote(dst)
}

// vanishUnknown takes what is in set out of the tail, and returns how many messages after the known
// ones are gone. UIDs up to the last known that are not known do not exist, and do not count.
func (v *View) vanishUnknown(set imap.UIDSet) (uint32, error) {
	if v.state.last == math.MaxUint32 {
		return 0, nil
	}
	above := set.Intersect(imap.SetOfRange(v.state.last+1, 1<<32-1))
	pending := v.Pending()
	switch n := above.Len(); {
	case n == 0 || pending == 0:
		return 0, nil
	case n == 1<<32-uint64(v.state.frontier()): // from the first that is unknown to the last there can be
		v.tail = nil
		return pending, nil
	case n > uint64(pending):
		return 0, desync("%d messages vanished where %d were pending", n, pending)
	default:
		v.vanishTail(above)
		return uint32(n), nil
	}
}

func (v *View) vanishTail(above imap.UIDSet) {
	v.tail = slices.DeleteFunc(v.tail, func(e tailEntry) bool { return above.Contains(e.uid) })
	for i := range v.tail {
		if e := &v.tail[i]; e.seq != 0 {
			e.seq -= imap.SeqNum(above.Intersect(imap.SetOfRange(1, e.uid)).Len())
		}
	}
}

// vanishedEarlier looks at VANISHED (EARLIER) outside of a resynchronisation. RFC 7162 section
// 3.2.10.1: it shifts no numbers, so a message in it cannot be one that still has a number.
func (v *View) vanishedEarlier(set imap.UIDSet) error {
	if known := v.state.intersect(set); len(known) > 0 {
		return desync("UID %d vanished earlier, without an expunge in this session", known.Min())
	}
	return nil
}

// message folds in a row of FETCH.
func (v *View) message(dst recorder, m *imap.Message) error {
	if uint32(m.SeqNum) > v.count {
		return errSeq("row", m.SeqNum, v.count)
	}
	known := int(m.SeqNum) <= v.state.n
	switch {
	case m.UID == 0 && m.SeqNum == 0:
		return nil
	case m.UID == 0 && known:
		return v.setFlags(dst, v.state.UIDAt(m.SeqNum), m)
	case m.UID == 0:
		v.tailFlags(m)
		return nil
	case m.SeqNum != 0 && known:
		if uid := v.state.UIDAt(m.SeqNum); uid != m.UID {
			return desync("message %d has UID %d, not %d", m.SeqNum, m.UID, uid)
		}
	case m.SeqNum != 0 && m.UID <= v.state.last:
		return desync("message %d has UID %d, after UID %d", m.SeqNum, m.UID, v.state.last)
	}
	if m.UID > v.state.last {
		return v.arrive(dst, m)
	}
	return v.setFlags(dst, m.UID, m) // the row of "n:*" that is below n ends here, too
}

// setFlags compares the flags of a row with those known, and reports a difference.
func (v *View) setFlags(dst recorder, uid imap.UID, m *imap.Message) error {
	k, i, ok := v.state.byUID(uid)
	if !ok || !m.Items.Has(imap.ItemFlags) {
		return nil
	}
	s := v.state
	set, err := s.intern(m.Flags)
	was := s.chunks[k].flags.at(i)
	if err != nil || set == was {
		return err
	}
	c := s.write(k)
	c.flags.set(i, set, c.n)
	d := delta{kind: Flags, uid: uid, n: 1, modSeq: m.ModSeq, set: s.flags.sets[set]}
	if m.ModSeq == 0 {
		d.rev = c.revs.at(i) + 1
		c.revs.set(i, d.rev, c.n)
	}
	dst.record(v, d, s.flags.sets[was])
	return nil
}

// arrive records a message above the known ones.
func (v *View) arrive(dst recorder, m *imap.Message) error {
	if !m.Items.Has(imap.ItemFlags) && len(m.Errs) == 0 {
		return nil // it stays pending. Flags that could not be read are taken for none
	}
	if len(v.tail) == 0 && m.SeqNum == v.nextSeq() {
		return v.learn(dst, m.UID, m.Flags, m.ModSeq)
	}
	if v.Pending() == 0 {
		return nil // no number, and none announced: the EXISTS will come
	}
	if err := v.wait(m); err != nil {
		return err
	}
	return v.promote(dst)
}

// nextSeq is the number of the first message that is not known.
func (v *View) nextSeq() imap.SeqNum { return imap.SeqNum(v.state.n) + 1 }

func (v *View) learn(dst recorder, uid imap.UID, flags []imap.Flag, modSeq imap.ModSeq) error {
	set, err := v.state.intern(flags)
	if err == nil {
		err = v.state.append(uid, set, 0)
	}
	if err != nil {
		return err
	}
	dst.record(v, delta{kind: New, uid: uid, n: 1, modSeq: modSeq, set: v.state.flags.sets[set]}, nil)
	return nil
}

// wait puts a row into the tail, in the order of UIDs, which must be that of sequence numbers.
func (v *View) wait(m *imap.Message) error {
	i, found := slices.BinarySearchFunc(v.tail, m.UID, func(e tailEntry, uid imap.UID) int { return cmp.Compare(e.uid, uid) })
	switch {
	case found && m.SeqNum != 0 && v.tail[i].seq != 0 && m.SeqNum != v.tail[i].seq,
		i > 0 && m.SeqNum != 0 && v.tail[i-1].seq >= m.SeqNum,
		!found && i < len(v.tail) && v.tail[i].seq != 0 && v.tail[i].seq <= m.SeqNum:
		return desync("message %d has UID %d, out of order", m.SeqNum, m.UID)
	case !found && len(v.tail) >= maxTail:
		return &LimitError{"rows out of order", maxTail}
	case !found:
		v.tail = slices.Insert(v.tail, i, tailEntry{uid: m.UID})
	}
	e := &v.tail[i]
	e.seq = max(e.seq, m.SeqNum)
	e.setFlags(v, m)
	return nil
}

func (e *tailEntry) setFlags(v *View, m *imap.Message) {
	sorted, _ := v.state.scratch.canonical(m.Flags)
	e.modSeq, e.flags = m.ModSeq, make([]imap.Flag, len(sorted))
	for i, f := range sorted {
		e.flags[i] = cloneFlag(f)
	}
}

// tailFlags takes new flags of a message that waits in the tail. Of any other pending message they
// are of no use without its UID, and will be fetched with it.
func (v *View) tailFlags(m *imap.Message) {
	for i := range v.tail {
		if v.tail[i].seq == m.SeqNum && m.Items.Has(imap.ItemFlags) {
			v.tail[i].setFlags(v, m)
		}
	}
}

// promote moves from the tail what follows the known messages without a gap. As many rows as there
// are pending messages have no gap, even where rows have no numbers.
func (v *View) promote(dst recorder) error {
	whole := len(v.tail) > 0 && uint32(len(v.tail)) == v.Pending()
	done := 0
	for _, e := range v.tail {
		if e.seq != v.nextSeq() && !(whole && e.seq == 0) {
			if whole {
				return desync("message %d has UID %d, but comes as number %d", e.seq, e.uid, v.nextSeq())
			}
			break
		}
		if err := v.learn(dst, e.uid, e.flags, e.modSeq); err != nil {
			return err
		}
		done++
	}
	if v.tail = v.tail[done:]; len(v.tail) == 0 {
		v.tail = nil
	}
	return nil
}
