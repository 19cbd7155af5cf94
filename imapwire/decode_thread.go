package imapwire

import "github.com/pushmail/pushmail/imap"

// thread reads "* THREAD" after its name (RFC 5256 section 5).
func (d *Decoder) thread() imap.Response {
	r := &imap.Thread{}
	total := 0
	for !d.failed && d.pos < len(d.s) {
		switch {
		case isSpace(d.peek()):
			d.pos++
		case d.peek() == '(':
			r.Roots = append(r.Roots, d.threadNode(&total))
		default:
			d.fail("expected a thread")
		}
	}
	return r
}

// threadNode reads "(1 2 (3)(4 5))": 2 is the child of 1, and 3 and 4 are those of 2.
func (d *Decoder) threadNode(total *int) imap.ThreadNode {
	var nums []uint32
	var children []imap.ThreadNode
	if d.depth++; d.depth > d.lim.Depth {
		d.fail("threads are nested too deeply")
	}
	d.accept('(')
	for first := true; d.moreThread(first, children != nil); first = false {
		if *total++; *total > d.lim.Ranges {
			d.fail("too many messages")
		}
		if d.peek() == '(' {
			children = append(children, d.threadNode(total))
			continue
		}
		start := d.pos
		n := d.number32()
		if (n == 0 || children != nil) && !d.failed {
			d.failAtPos(start, "expected a message number or a thread")
		}
		nums = append(nums, n)
	}
	d.depth--
	return chain(nums, children)
}

// moreThread is more for the members of a thread: no space stands before an inner thread that follows
// another.
func (d *Decoder) moreThread(first, inner bool) bool {
	if inner && d.peek() == '(' {
		return true
	}
	return d.more(first)
}

// chain makes each number the child of the one before, and children those of the last.
func chain(nums []uint32, children []imap.ThreadNode) imap.ThreadNode {
	if len(nums) == 0 {
		return imap.ThreadNode{Children: children} // the parent is missing
	}
	node := imap.ThreadNode{Num: nums[len(nums)-1], Children: children}
	for i := len(nums) - 2; i >= 0; i-- {
		node = imap.ThreadNode{Num: nums[i], Children: []imap.ThreadNode{node}}
	}
	return node
}
