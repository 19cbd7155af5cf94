package imapsort

import (
	"cmp"
	"slices"

	"github.com/pushmail/pushmail/imap"
)

// references is the REFERENCES algorithm (RFC 5256 section 3).
func references(messages []Message, fold Fold) []imap.ThreadNode {
	f := link(messages)
	f.prune()
	f.gatherSubjects(fold)
	return nodesOf(f.threads())
}

// refs is REFERENCES without regard to subjects. Threads are in the order of the latest message in each, and
// those of one time in that of their tops.
func refs(messages []Message) []imap.ThreadNode {
	f := link(messages)
	f.prune()
	threads := f.threads()
	slices.SortStableFunc(threads, func(a, b thread) int {
		return cmp.Or(a.latest.SentDate().Compare(b.latest.SentDate()), cmp.Compare(a.node.Num, b.node.Num))
	})
	return nodesOf(threads)
}

func nodesOf(threads []thread) []imap.ThreadNode {
	nodes := make([]imap.ThreadNode, len(threads))
	for i := range threads {
		nodes[i] = threads[i].node
	}
	return nodes
}

// titled is the top of a tree with its thread subject (step 5.B.i).
type titled struct {
	node    int32
	subject string // as it compares; "" is none
	reply   bool
}

// gatherSubjects is steps 4 and 5: trees with the same subject become one.
func (f *forest) gatherSubjects(fold Fold) {
	var all []titled
	for _, t := range f.tops(f.byDate()) {
		base, reply := BaseSubject(f.messages[t.first].Subject)
		if base != "" {
			all = append(all, titled{t.node, fold(base), reply})
		}
	}
	table := f.subjectTable(all)
	for _, t := range all {
		if table[t.subject].node != t.node {
			table[t.subject] = f.merge(table[t.subject], t)
		}
	}
	f.skipMerged()
}

// subjectTable is step 5.B: for each subject the tree that the others join. A dummy is better than a
// message, and a message better than a reply.
func (f *forest) subjectTable(all []titled) map[string]titled {
	table := make(map[string]titled, len(all))
	for _, t := range all {
		old, ok := table[t.subject]
		if !ok || f.isMessage(old.node) && (!f.isMessage(t.node) || old.reply && !t.reply) {
			table[t.subject] = t
		}
	}
	return table
}

// merge is step 5.C.iv: t joins the tree that is in the table. It returns what is in the table then.
func (f *forest) merge(old, t titled) titled {
	if f.isMessage(old.node) && (old.reply || !t.reply) {
		dummy := f.add()
		f.parent[old.node], f.parent[t.node] = dummy, dummy
		return titled{dummy, old.subject, false}
	}
	// Two dummies: the children become siblings, which skipMerged does. A dummy and a message, or a message
	// and a reply: the latter becomes a child.
	f.parent[t.node] = old.node
	return old
}
