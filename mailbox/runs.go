package mailbox

import (
	"cmp"
	"slices"

	"github.com/pushmail/pushmail/imap"
)

// chunkSize bounds the messages of one chunk: small enough that to change one costs a microsecond
// or so, large enough that a million messages are a few hundred chunks.
var chunkSize = 4096 // tests make it small

// run is the UIDs first to last, all of them there.
type run struct{ first, last imap.UID }

func (r run) len() int { return int(r.last-r.first) + 1 }

// owner identifies the one State that may write to a chunk. A clone shares chunks with its original;
// both get a new owner, so whoever writes first copies.
type owner struct{ _ byte }

// chunk is up to chunkSize messages with ascending UIDs.
type chunk struct {
	own   *owner
	n     int
	runs  []run // disjoint, not adjacent, ascending
	flags column
	revs  column
}

func (c *chunk) first() imap.UID { return c.runs[0].first }
func (c *chunk) last() imap.UID  { return c.runs[len(c.runs)-1].last }

func (c *chunk) clone(own *owner) *chunk {
	return &chunk{own: own, n: c.n, runs: slices.Clone(c.runs), flags: c.flags.clone(), revs: c.revs.clone()}
}

// clip gives back the room that c has grown into, if it belongs to own.
func (c *chunk) clip(own *owner) {
	if c.own == own {
		c.runs = slices.Clone(c.runs)
		c.flags, c.revs = c.flags.clone(), c.revs.clone()
	}
}

// at returns the UID at position i.
func (c *chunk) at(i int) imap.UID {
	for _, r := range c.runs {
		if i < r.len() {
			return r.first + imap.UID(i)
		}
		i -= r.len()
	}
	panic("mailbox: position outside of its chunk")
}

// find returns the position of uid, or where it would stand.
func (c *chunk) find(uid imap.UID) (int, bool) {
	i := 0
	for _, r := range c.runs {
		if uid <= r.last {
			if uid < r.first {
				return i, false
			}
			return i + int(uid-r.first), true
		}
		i += r.len()
	}
	return i, false
}

// add appends a message whose UID is above all others.
func (c *chunk) add(uid imap.UID, set, rev uint32) {
	if k := len(c.runs); k > 0 && c.runs[k-1].last+1 == uid {
		c.runs[k-1].last = uid
	} else {
		c.runs = append(c.runs, run{uid, uid})
	}
	c.flags.add(set, c.n)
	c.revs.add(rev, c.n)
	c.n++
}

// addRun is add for n consecutive UIDs. It is quick where all flags of the chunk are equal.
func (c *chunk) addRun(first imap.UID, n int, set uint32) {
	c.add(first, set, 0)
	first, n = first+1, n-1
	if c.flags.width != 0 || c.revs.width != 0 {
		for range n {
			c.add(first, set, 0)
			first++
		}
		return
	}
	c.runs[len(c.runs)-1].last += imap.UID(n)
	c.n += n
}

// insert puts a message at position i, where find says it belongs.
func (c *chunk) insert(i int, uid imap.UID, set, rev uint32) {
	k, _ := slices.BinarySearchFunc(c.runs, uid, func(r run, uid imap.UID) int { return cmp.Compare(r.last, uid) })
	joinsLeft := k > 0 && c.runs[k-1].last+1 == uid
	joinsRight := k < len(c.runs) && uid+1 == c.runs[k].first
	switch {
	case joinsLeft && joinsRight:
		c.runs[k-1].last = c.runs[k].last
		c.runs = slices.Delete(c.runs, k, k+1)
	case joinsLeft:
		c.runs[k-1].last = uid
	case joinsRight:
		c.runs[k].first = uid
	default:
		c.runs = slices.Insert(c.runs, k, run{uid, uid})
	}
	c.flags.insert(i, set, c.n)
	c.revs.insert(i, rev, c.n)
	c.n++
}

// remove takes the message at position i out.
func (c *chunk) remove(i int) {
	uid := c.at(i)
	k, _ := slices.BinarySearchFunc(c.runs, uid, func(r run, uid imap.UID) int { return cmp.Compare(r.last, uid) })
	switch r := c.runs[k]; {
	case r.first == r.last:
		c.runs = slices.Delete(c.runs, k, k+1)
	case uid == r.first:
		c.runs[k].first++
	case uid == r.last:
		c.runs[k].last--
	default:
		c.runs[k].last = uid - 1
		c.runs = slices.Insert(c.runs, k+1, run{uid + 1, r.last})
	}
	c.flags.remove(i, c.n)
	c.revs.remove(i, c.n)
	c.n--
}

// copyTo appends the messages at positions from to to (excluded) to d.
func (c *chunk) copyTo(d *chunk, from, to int) {
	start := 0
	for _, r := range c.runs {
		end := start + r.len()
		for i := max(start, from); i < min(end, to); i++ {
			d.add(r.first+imap.UID(i-start), c.flags.at(i), c.revs.at(i))
		}
		start = end
	}
}

// without returns c without the UIDs in set, and how many that were; nil if none is left.
func (c *chunk) without(set imap.UIDSet, own *owner) (*chunk, int) {
	d := &chunk{own: own}
	i := 0
	for _, r := range c.runs {
		for uid := r.first; ; uid++ {
			if !set.Contains(uid) {
				d.add(uid, c.flags.at(i), c.revs.at(i))
			}
			i++
			if uid == r.last {
				break
			}
		}
	}
	if d.n == 0 {
		return nil, c.n
	}
	return d, c.n - d.n
}
