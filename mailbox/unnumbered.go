package mailbox

import (
	"github.com/pushmail/pushmail/imap"
)

// giveUp ends the wait for messages; see [Ledger.GiveUp].
func (v *View) giveUp(dst recorder) uint32 {
	if len(v.tail) == 0 && !v.unnumbered {
		return 0
	}
	before := v.missing
	highest := imap.SeqNum(v.count)
	if !v.unnumbered {
		highest = v.tail[len(v.tail)-1].seq
	}
	for _, e := range v.tail {
		_ = v.learn(dst, e.uid, e.flags, e.modSeq) // an error says that there are too many, and comes again
	}
	v.tail, v.unnumbered = nil, true
	if known := uint32(v.state.n) + v.missing; known < uint32(highest) {
		v.missing += uint32(highest) - known
	}
	return v.missing - before
}

// presume takes messages that were known and are not returned for those that the server counts and does not return,
// if they can be all of them: that a message is gone must not be told unless it is.
func (r *Resync) presume() {
	v := r.view
	if r.old == nil || v.count <= uint32(v.state.n) {
		return
	}
	lost := r.old.UIDs().Subtract(v.state.UIDs())
	if lost.Empty() || lost.Len() > uint64(v.count)-uint64(v.state.n) {
		return
	}
	v.unnumbered = v.unnumbered || lost.Min() < v.state.last
	for uid := range lost.All() {
		flags, _ := r.old.Flags(uid)
		if set, err := v.state.intern(flags); err == nil {
			_ = v.state.insert(uid, set, 0)
		}
	}
	v.missing = min(v.missing, v.count-uint32(v.state.n))
}

// applyUnnumbered is apply where only UIDs tell messages apart. done is false for what is the same with and without numbers.
func (v *View) applyUnnumbered(dst recorder, r imap.Response) (done bool, err error) {
	switch r := r.(type) {
	case imap.Expunge:
		return true, desync("message %d is gone, but the server does not return all messages, so nobody knows which one that is", r)
	case *imap.Vanished:
		if r.Earlier {
			return false, nil
		}
		return true, v.vanishUnnumbered(dst, r.UIDs)
	case *imap.Message:
		return true, v.messageUnnumbered(dst, r)
	}
	return false, nil
}

func (v *View) messageUnnumbered(dst recorder, m *imap.Message) error {
	switch {
	case m.UID == 0 && m.Items.Has(imap.ItemFlags):
		return desync("flags of message %d, but the server does not return all messages, so nobody knows which one that is", m.SeqNum)
	case m.UID == 0:
		return nil
	case v.state.Has(m.UID):
		return v.setFlags(dst, m.UID, m)
	case !m.Items.Has(imap.ItemFlags) && len(m.Errs) == 0:
		return nil
	case v.Pending() == 0 && v.missing == 0: // the EXISTS will come
		return nil
	}
	if v.Pending() == 0 {
		v.missing-- // there it is
	}
	set, err := v.state.intern(m.Flags)
	if err == nil {
		err = v.state.insert(m.UID, set, 0)
	}
	if err != nil {
		return err
	}
	dst.record(v, delta{kind: New, uid: m.UID, n: 1, modSeq: m.ModSeq, set: v.state.flags.sets[set]}, nil)
	return nil
}

// vanishUnnumbered trusts RFC 7162 section 3.2.10.2, that each UID takes one off the count: what is not
// known was pending or missing.
func (v *View) vanishUnnumbered(dst recorder, set imap.UIDSet) error {
	known := v.state.intersect(set)
	unknown := set.Subtract(known).Len()
	for _, r := range known {
		dst.record(v, delta{kind: Expunge, uid: r.First, n: uint32(r.Last-r.First) + 1}, nil)
	}
	v.count -= uint32(v.state.removeSet(known))
	gone := uint32(min(unknown, uint64(v.Pending())))
	v.count -= gone
	gone = uint32(min(unknown-uint64(gone), uint64(v.missing)))
	v.count -= gone
	v.missing -= gone
	return nil
}
