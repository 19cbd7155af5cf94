package imapsort_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapsort"
)

// modelReferences does the six steps of REFERENCES as RFC 5256 section 3 words them, with links that are made
// and broken, and without a thought for time. It judges the real one.
func modelReferences(messages []imapsort.Message) []imap.ThreadNode {
	messages = slices.Clone(messages)
	slices.SortFunc(messages, func(a, b imapsort.Message) int { return cmp.Compare(a.Num, b.Num) })
	table := map[string]*modelNode{}
	var all []*modelNode
	for i := range messages {
		n := &modelNode{m: &messages[i]}
		all = append(all, n)
		if id := messages[i].ID; id != "" && table[id] == nil {
			table[id] = n
		}
	}
	for _, n := range slices.Clone(all) { // step 1
		var last *modelNode
		for _, id := range n.m.References {
			ref := table[id]
			if ref == nil {
				ref = &modelNode{}
				table[id], all = ref, append(all, ref)
			}
			if last != nil && ref.parent == nil && !ref.above(last) {
				ref.moveTo(last)
			}
			last = ref
		}
		n.moveTo(nil)
		if last != nil && !n.above(last) {
			n.moveTo(last)
		}
	}
	root := &modelNode{}
	for _, n := range all { // step 2
		if n.parent == nil {
			n.moveTo(root)
		}
	}
	root.prune(true) // step 3
	root.children = slices.DeleteFunc(root.children, func(n *modelNode) bool { return n.m == nil && len(n.children) == 0 })
	for _, n := range root.children { // step 4
		n.sort()
	}
	root.sort()
	root.gather()  // step 5
	root.sortAll() // step 6
	return root.nodes()
}

type modelNode struct {
	m        *imapsort.Message // nil for a dummy
	parent   *modelNode
	children []*modelNode
}

func (n *modelNode) above(other *modelNode) bool {
	for ; other != nil; other = other.parent {
		if n == other {
			return true
		}
	}
	return false
}

func (n *modelNode) moveTo(parent *modelNode) {
	if n.parent != nil {
		n.parent.children = slices.DeleteFunc(n.parent.children, func(c *modelNode) bool { return c == n })
	}
	if n.parent = parent; parent != nil {
		parent.children = append(parent.children, n)
	}
}

func (n *modelNode) prune(isRoot bool) {
	for _, c := range slices.Clone(n.children) {
		c.prune(false)
		switch {
		case c.m != nil:
		case len(c.children) == 0:
			c.moveTo(nil)
		case !isRoot || len(c.children) == 1:
			for _, grandchild := range slices.Clone(c.children) {
				grandchild.moveTo(n)
			}
			c.moveTo(nil)
		}
	}
}

// first is the message that stands for n when n is sorted.
func (n *modelNode) first() *imapsort.Message {
	if n.m != nil {
		return n.m
	}
	return n.children[0].m
}

func (n *modelNode) sort() {
	slices.SortFunc(n.children, func(a, b *modelNode) int {
		x, y := a.first(), b.first()
		return cmp.Or(x.SentDate().Compare(y.SentDate()), cmp.Compare(x.Num, y.Num))
	})
}

func (n *modelNode) sortAll() {
	for _, c := range n.children {
		c.sortAll()
	}
	n.sort()
}

func (n *modelNode) gather() {
	table := map[string]*modelNode{}
	subject := func(n *modelNode) (string, bool) {
		base, reply := imapsort.BaseSubject(n.first().Subject)
		return imapsort.Casemap(base), reply
	}
	for _, c := range n.children {
		s, reply := subject(c)
		if s == "" {
			continue
		}
		old := table[s]
		if old == nil {
			table[s] = c
			continue
		}
		if _, oldReply := subject(old); old.m != nil && (c.m == nil || oldReply && !reply) {
			table[s] = c
		}
	}
	for _, c := range slices.Clone(n.children) {
		s, reply := subject(c)
		old := table[s]
		if s == "" || old == c || c.parent != n {
			continue
		}
		_, oldReply := subject(old)
		switch {
		case old.m == nil && c.m == nil:
			for _, grandchild := range slices.Clone(c.children) {
				grandchild.moveTo(old)
			}
			c.moveTo(nil)
		case old.m == nil, reply && !oldReply:
			c.moveTo(old)
		default:
			dummy := &modelNode{}
			dummy.moveTo(n)
			old.moveTo(dummy)
			c.moveTo(dummy)
			table[s] = dummy
		}
	}
}

func (n *modelNode) nodes() (out []imap.ThreadNode) {
	for _, c := range n.children {
		node := imap.ThreadNode{Children: c.nodes()}
		if c.m != nil {
			node.Num = c.m.Num
		}
		out = append(out, node)
	}
	return out
}

func TestReferencesIsWhatTheRFCSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 20).Draw(t, "n")
		places := rapid.Permutation(numbers(n)).Draw(t, "places")
		subject := rapid.SampledFrom([]string{"", "x", "Re: x", "X", "y", "[l] Re: y"})
		messages := make([]imapsort.Message, n)
		for i := range messages {
			references := rapid.SliceOfN(rapid.IntRange(-2, n), 0, 4).Draw(t, "references") // circles, too
			m := imapsort.Message{Num: places[i], Sent: day(rapid.IntRange(1, 6).Draw(t, "day")), Subject: subject.Draw(t, "subject"), ID: name(i)}
			for _, id := range references {
				m.References = append(m.References, name(id))
			}
			switch rapid.IntRange(0, 9).Draw(t, "oddity") {
			case 0:
				m.ID = "" // others refer to what is missing
			case 1:
				m.ID = name(0)
			case 2:
				m.Sent, m.Arrival = time.Time{}, day(3)
			}
			messages[i] = m
		}
		got, want := show(thread(t, messages, "REFERENCES")), show(modelReferences(messages))
		if got != want {
			t.Fatalf("got %s\nwant %s\nof %s", got, want, fmt.Sprint(messages))
		}
	})
}

func numbers(n int) []uint32 {
	out := make([]uint32, n)
	for i := range out {
		out[i] = uint32(i + 1)
	}
	return out
}
