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
	// jump leads towards the root of a node's tree, and is made shorter with each use.
	jump []int32
	ids  map[string]int32
}

// link is step 1 of the REFERENCES algorithm (RFC 5256 section 3): parents by references. Messages are taken
// in the order of the mailbox, in whatever order they come.
//
// A parent that one message hears of another which is still to be taken is left out: that one will say
// itself who its parent is, and what it says counts (step 1.B). So no link is ever broken, and whether a
// link would make a loop is seen by comparing roots, not by walking up, which takes too long in threads
// that are as deep as there are messages.
func link(messages []Message) *forest {
	n := len(messages)
	f := &forest{messages: make([]*Message, n), parent: make([]int32, 0, n), jump: make([]int32, 0, n), ids: make(map[string]int32, n)}
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
	node := int32(len(f.parent))
	f.parent = append(f.parent, none)
	f.jump = append(f.jump, node)
	return node
}

// linkReferences links the ancestors of a message one to the other, and the last one to it.
func (f *forest) linkReferences(message int32, references []string) {
	last := none
	for _, id := range references {
		node, known := f.ids[id]
		if !known {
			node = f.add()
			f.ids[id] = node
		}
		if toCome := node >= message && f.isMessage(node); last != none && !toCome {
			f.linkOne(last, node)
		}
		last = node
	}
	if last != none {
		f.linkOne(last, message)
	}
}

func (f *forest) isMessage(node int32) bool { return int(node) < len(f.messages) }

// linkOne makes parent the parent of child, unless child has one or it would make a loop.
func (f *forest) linkOne(parent, child int32) {
	if f.parent[child] == none && f.root(parent) != child {
		f.parent[child] = parent
		f.jump[child] = parent
	}
}

// root returns the root of a node's tree.
func (f *forest) root(node int32) int32 {
	for f.jump[node] != node {
		f.jump[node] = f.jump[f.jump[node]]
		node = f.jump[node]
	}
	return node
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
