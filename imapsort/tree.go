package imapsort

import "github.com/pushmail/pushmail/imap"

// childLists are lists of children, one after the other.
type childLists struct {
	nodes  []int32
	bounds []int32 // the children of node n are nodes[bounds[n]:bounds[n+1]]
}

func (c *childLists) of(node int32) []int32 { return c.nodes[c.bounds[node]:c.bounds[node+1]] }

// childrenIn lists the children of every node in the order in which they are in order.
func (f *forest) childrenIn(order []int32) *childLists {
	next := make([]int32, len(f.parent)+2) // next[n+1] is where the next child of n goes
	for _, m := range order {
		if p := f.parent[m]; p != none {
			next[p+2]++
		}
	}
	for i := 1; i < len(next); i++ {
		next[i] += next[i-1]
	}
	nodes := make([]int32, len(order))
	for _, m := range order {
		if p := f.parent[m]; p != none {
			nodes[next[p+1]] = m
			next[p+1]++
		}
	}
	return &childLists{nodes, next}
}

// thread is a tree of the result, with its latest message.
type thread struct {
	node   imap.ThreadNode
	latest *Message
}

// threads builds the trees. Siblings, at the top too, are in the order of their dates; a dummy has that of
// its first child (step 6 of REFERENCES).
func (f *forest) threads() []thread {
	order := f.byDate()
	children := f.childrenIn(order)
	tops := f.tops(order)
	out := make([]thread, len(tops))
	for i, t := range tops {
		f.build(&out[i], t.node, children)
	}
	return out
}

// build builds the tree below a node. It keeps a stack of its own: trees can be as deep as there are messages.
func (f *forest) build(t *thread, root int32, children *childLists) {
	type place struct {
		at   *imap.ThreadNode
		node int32
	}
	for stack := []place{{&t.node, root}}; len(stack) > 0; {
		p := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if f.isMessage(p.node) {
			m := f.messages[p.node]
			p.at.Num = m.Num
			if t.latest == nil || bySentDate(t.latest, m) < 0 {
				t.latest = m
			}
		}
		list := children.of(p.node)
		if len(list) == 0 {
			continue
		}
		p.at.Children = make([]imap.ThreadNode, len(list))
		for i, child := range list {
			stack = append(stack, place{&p.at.Children[i], child})
		}
	}
}
