package imapwire

import "github.com/pushmail/pushmail/imap"

// thread reads "* THREAD" after its name (RFC 5256 section 4).
func (d *Decoder) thread() imap.Response {
	t := threadReader{d: d}
	for !d.failed && d.pos < len(d.s) {
		switch c := d.peek(); {
		case isSpace(c):
			d.pos++
		case c == '(':
			t.open()
		case c == ')':
			t.close()
		default:
			t.number()
		}
	}
	if len(t.stack) > 0 {
		d.fail("expected the end of a thread")
	}
	return &imap.Thread{Roots: t.roots}
}

// threadReader reads "(1 2 (3)(4 5))": 2 is the child of 1, and 3 and 4 are those of 2. "There is no limit
// to the nesting of threads", and long discussions make use of it, so it keeps a stack of its own.
type threadReader struct {
	d     *Decoder
	roots []imap.ThreadNode
	stack []openThread
	total int
}

// openThread is a list that has not been closed.
type openThread struct {
	nums     []uint32
	children []imap.ThreadNode
}

func (t *threadReader) open() {
	t.count()
	t.d.pos++
	t.stack = append(t.stack, openThread{})
}

// count bounds what is read.
func (t *threadReader) count() {
	if t.total++; t.total > t.d.lim.Ranges {
		t.d.fail("too many messages")
	}
}

func (t *threadReader) number() {
	t.count()
	start := t.d.pos
	n := t.d.number32()
	if t.d.failed {
		return
	}
	if len(t.stack) == 0 || n == 0 || len(t.top().children) > 0 {
		t.d.failAtPos(start, "expected a message number or a thread")
		return
	}
	t.top().nums = append(t.top().nums, n)
}

func (t *threadReader) top() *openThread { return &t.stack[len(t.stack)-1] }

func (t *threadReader) close() {
	k := len(t.stack) - 1
	if k < 0 || len(t.stack[k].nums)+len(t.stack[k].children) == 0 {
		t.d.fail("expected a message number or a thread")
		return
	}
	t.d.pos++
	node := chain(t.stack[k].nums, t.stack[k].children)
	t.stack = t.stack[:k]
	if k == 0 {
		t.roots = append(t.roots, node)
	} else {
		t.top().children = append(t.top().children, node)
	}
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
