package imapwire

import (
	"strconv"

	"github.com/pushmail/pushmail/imap"
)

func (w *responseWriter) vanished(v *imap.Vanished) {
	w.begin("VANISHED")
	if v.Earlier {
		w.raw(" (EARLIER)")
	}
	if v.UIDs.Dynamic() {
		w.fail(`has "*" among UIDs that are gone`)
	}
	w.sp().set(v.UIDs)
}

func (w *responseWriter) search(s *imap.Search) {
	name := "SEARCH"
	if s.Sort {
		name = "SORT"
	}
	w.begin(name)
	for _, n := range s.Nums {
		w.sp().number(uint64(n))
	}
	if s.ModSeq != 0 {
		w.raw(" (MODSEQ ").modSeq(s.ModSeq).raw(")")
	}
}

func (w *responseWriter) esearch(s *imap.ESearch) {
	w.begin("ESEARCH")
	w.correlator(s)
	if s.UID {
		w.raw(" UID")
	}
	if s.Partial != nil {
		w.raw(" PARTIAL (").position(s.Partial.First).raw(":").position(s.Partial.Last).sp()
		if s.Partial.Nums.Empty() {
			w.raw("NIL)")
		} else {
			w.orderedSet(s.Partial.Nums, s.Partial.Order).raw(")")
		}
	}
	w.esearchNumbers(s)
	if s.Relevancy != nil {
		w.raw(" RELEVANCY (")
		for i, score := range s.Relevancy {
			if i > 0 {
				w.sp()
			}
			w.number(uint64(score))
		}
		w.raw(")")
	}
	for _, u := range s.Updates {
		name := " ADDTO ("
		if u.Remove {
			name = " REMOVEFROM ("
		}
		w.raw(name).number(uint64(u.Position)).sp().orderedSet(u.Nums, u.Order).raw(")")
	}
	for _, u := range s.Unknown {
		w.sp().atom(u.Name).sp().rawValue(u.Value)
	}
}

// orderedSet writes a set in its order, if it has one.
func (w *responseWriter) orderedSet(set imap.UIDSet, order imap.UIDList) *responseWriter {
	if order != nil {
		set = imap.UIDSet(order)
	}
	if set.Dynamic() {
		w.fail(`has "*" in a result`)
	}
	return w.set(set)
}

// correlator writes which command the response answers, and for which mailbox.
func (w *responseWriter) correlator(s *imap.ESearch) {
	if s.Tag == "" && s.Mailbox == "" && s.UIDValidity == 0 {
		return
	}
	w.raw(" (")
	first := len(w.dst)
	if s.Tag != "" {
		w.raw("TAG ").string(s.Tag)
	}
	if s.Mailbox != "" {
		w.next(first).raw("MAILBOX ").mailbox(s.Mailbox)
	}
	if s.UIDValidity != 0 {
		w.next(first).raw("UIDVALIDITY ").number(uint64(s.UIDValidity))
	}
	w.raw(")")
}

func (w *responseWriter) esearchNumbers(s *imap.ESearch) {
	if s.Min != 0 {
		w.raw(" MIN ").number(uint64(s.Min))
	}
	if s.Max != 0 {
		w.raw(" MAX ").number(uint64(s.Max))
	}
	if !s.All.Empty() {
		w.raw(" ALL ").orderedSet(s.All, s.Order)
	}
	if s.HasCount {
		w.raw(" COUNT ").number(uint64(s.Count))
	}
	if s.ModSeq != 0 {
		w.raw(" MODSEQ ").modSeq(s.ModSeq)
	}
}

// position writes a position in a result.
func (w *responseWriter) position(n int64) *responseWriter {
	if n <= -1<<32 || n >= 1<<32 {
		w.fail("has a position of more than 32 bits")
	}
	w.dst = strconv.AppendInt(w.dst, n, 10)
	return w
}

func (w *responseWriter) thread(t *imap.Thread) {
	w.begin("THREAD")
	for i := range t.Roots {
		if i == 0 {
			w.sp()
		}
		w.threadNode(&t.Roots[i])
	}
}

// threadNode writes "(1 2 (3)(4 5))": an only child follows its parent without parentheses.
func (w *responseWriter) threadNode(n *imap.ThreadNode) {
	if w.depth++; w.depth > DefaultLimits.Depth {
		w.fail("has threads that are nested too deep")
		return
	}
	w.raw("(")
	if n.Num == 0 && len(n.Children) == 0 {
		w.fail("has a thread without messages")
	}
	first := len(w.dst)
	for n.Num != 0 {
		w.next(first).number(uint64(n.Num))
		if len(n.Children) != 1 || n.Children[0].Num == 0 {
			break
		}
		n = &n.Children[0]
	}
	if len(n.Children) > 0 {
		w.next(first)
	}
	for i := range n.Children {
		w.threadNode(&n.Children[i])
	}
	w.raw(")")
	w.depth--
}
