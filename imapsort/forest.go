package imapsort

import (
	"cmp"
	"slices"
)

// none is the parent of what has none.
const none int32 = -1

// forest says who is whose parent. Nodes are numbers: first the messages in the order of the mailbox, then
// messages that are not there ("dummies"), of which only a reference is known.
type forest struct {
	messages []*Message
	parent   []int32
	trees    linkCut // the same, to find roots
	ids      map[string]int32
}

// link is step 1 of the REFERENCES algorithm (RFC 5256 section 3): parents by references. Messages are taken
// in the order of the mailbox, in whatever order they come.
func link(messages []Message) *forest {
	n := len(messages)
	f := &forest{messages: make([]*Message, n), parent: make([]int32, 0, n), trees: make(linkCut, 0, n), ids: make(map[string]int32, n)}
	for i := range messages {
		f.messages[i] = &messages[i]
	}
	slices.SortStableFunc(f.messages, func(a, b *Message) int { return cmp.Compare(a.Num, b.Num) })
	for i, m := range f.messages {
		f.add()
		// Of several messages with one ID it is that of the first; the others have an ID that nobody knows.
		if _, taken := f.ids[m.ID]; m.ID != "" && !taken {
			f.ids[m.ID] = int32(i)
		}
	}
	for i, m := range f.messages {
		f.linkReferences(int32(i), m.References)
	}
	return f
}

// add adds a node without a parent.
func (f *forest) add() int32 {
	f.parent = append(f.parent, none)
	f.trees.add()
	return int32(len(f.parent) - 1)
}

// linkReferences links the ancestors of a message one to the other, as far as they have no parent (step 1.A),
// and the last one to it, which can have another parent by then (step 1.B).
func (f *forest) linkReferences(message int32, references []string) {
	last := none
	for _, id := range references {
		node, known := f.ids[id]
		if !known {
			node = f.add()
			f.ids[id] = node
		}
		if last != none && f.parent[node] == none {
			f.linkOne(last, node)
		}
		last = node
	}
	if f.parent[message] != none {
		f.trees.cut(message)
		f.parent[message] = none
	}
	if last != none {
		f.linkOne(last, message)
	}
}

func (f *forest) isMessage(node int32) bool { return int(node) < len(f.messages) }

// linkOne makes parent the parent of child, which has none, unless that makes a loop.
func (f *forest) linkOne(parent, child int32) {
	if f.trees.root(parent) != child {
		f.parent[child] = parent
		f.trees.link(parent, child)
	}
}

// prune is steps 2 and 3: it takes away dummies within a tree, so that each message is below the next
// ancestor that is there, else below the dummy at the top of its tree. A dummy at the top stays only if it
// joins two messages at least.
func (f *forest) prune() {
	for node := len(f.messages); node < len(f.parent); node++ {
		f.skipDummies(int32(node))
	}
	f.skipMerged()
	children := make([]int32, len(f.parent))
	for m := range f.messages {
		if p := f.parent[m]; p != none {
			children[p]++
		}
	}
	for m := range f.messages {
		if p := f.parent[m]; p != none && !f.isMessage(p) && children[p] == 1 {
			f.parent[m] = none
		}
	}
}

// skipDummies makes the parent of a dummy, and of those above it, a message or the top of the tree.
func (f *forest) skipDummies(dummy int32) {
	top := dummy
	for f.parent[top] != none && !f.isMessage(top) {
		top = f.parent[top]
	}
	for node := dummy; node != top; {
		node, f.parent[node] = f.parent[node], top
	}
}

// skipMerged moves the children of each dummy that has a parent to that.
func (f *forest) skipMerged() {
	for m := range f.messages {
		if p := f.parent[m]; p != none && !f.isMessage(p) && f.parent[p] != none {
			f.parent[m] = f.parent[p]
		}
	}
}

// byDate returns the messages by sent date.
func (f *forest) byDate() []int32 {
	order := make([]int32, len(f.messages))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return bySentDate(f.messages[a], f.messages[b]) })
	return order
}

// top is the top of a tree, and the message that stands for it: itself, or the first child of a dummy.
type top struct{ node, first int32 }

// tops returns the tops in the order in which the messages that stand for them are in order.
func (f *forest) tops(order []int32) []top {
	var out []top
	seen := make([]bool, len(f.parent))
	for _, m := range order {
		node := m
		if p := f.parent[m]; p != none {
			node = p
		}
		if node != m && f.isMessage(node) || seen[node] {
			continue
		}
		seen[node] = true
		out = append(out, top{node, m})
	}
	return out
}
