package imapclient

import (
	"context"
	"strings"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapsort"
)

// Threads is the result of [Conn.Thread]. Nodes have UIDs; Num 0 stands for a message that is not there, or
// that was not searched for, and joins its children.
type Threads struct {
	Roots []imap.ThreadNode
	// Local: the server does not offer the algorithm, and it was done on this side.
	Local bool
}

// Thread finds messages of the selected mailbox and puts them into threads, by UID THREAD (RFC 5256 section
// 3). The algorithm is "REFERENCES", by who answers whom and by subject, "ORDEREDSUBJECT", by subject alone, or
// "REFS", by who answers whom alone; or any other that the server offers: see [Conn.ThreadAlgorithms].
//
// Where the server does not offer it, Thread searches, fetches what it needs of each message in one FETCH, and
// does it here as package imapsort has it: the result says Local. Messages that are gone by then are left out.
// Of o, which can be nil, only ServerOnly, MaxLocal and Charset count. Keys and errors are those of
// [Conn.SearchWith].
//
// Threads can be as deep as there are messages: mind that before recursing into them.
func (c *Conn) Thread(ctx context.Context, algorithm string, key imap.SearchKey, o *SearchOptions) (*Threads, error) {
	if err := c.need(StateSelected); err != nil {
		return nil, err
	}
	if err := c.requireKey(&key); err != nil {
		return nil, err
	}
	if o == nil {
		o = &SearchOptions{}
	}
	algorithm = strings.ToUpper(algorithm)
	need := imap.Capability("THREAD=" + algorithm)
	if c.Capabilities().Has(need) {
		s := &searching{o: imap.SearchOptions{Thread: algorithm}, key: key}
		res, err := c.runSearch(ctx, s)
		if err == nil {
			err = notLimited(s.cmd)
		}
		if err != nil {
			return nil, err
		}
		if algorithm == "ORDEREDSUBJECT" {
			flattenChildren(res.threads)
		}
		return &Threads{Roots: res.threads}, nil
	}
	if o.ServerOnly || imapsort.CheckAlgorithm(algorithm) != nil {
		return nil, notSent(&UnsupportedError{need})
	}
	roots, err := c.threadHere(ctx, algorithm, key, o)
	if err != nil {
		return nil, err
	}
	return &Threads{Roots: roots, Local: true}, nil
}

// ThreadAlgorithms returns the algorithms of THREAD that the server offers.
func (c *Conn) ThreadAlgorithms() []string {
	var out []string
	for _, w := range c.Capabilities() {
		if algorithm, ok := strings.CutPrefix(string(w), "THREAD="); ok {
			out = append(out, algorithm)
		}
	}
	return out
}

// flattenChildren makes siblings of the descendants of a child, as RFC 5256 section 3 has it for
// ORDEREDSUBJECT.
func flattenChildren(roots []imap.ThreadNode) {
	for i := range roots {
		var flat []imap.ThreadNode
		for stack := [][]imap.ThreadNode{roots[i].Children}; len(stack) > 0; {
			list := &stack[len(stack)-1]
			if len(*list) == 0 {
				stack = stack[:len(stack)-1]
				continue
			}
			node := (*list)[0]
			*list = (*list)[1:]
			if node.Num != 0 {
				flat = append(flat, imap.ThreadNode{Num: node.Num})
			}
			stack = append(stack, node.Children)
		}
		roots[i].Children = flat
	}
}
