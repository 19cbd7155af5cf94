package mailbox

import "slices"

// column holds one small number for each message of a chunk, in as few bits as the number of
// distinct values asks for: none if all are equal, one bit for two, up to 16. The numbers stand in
// palette, words has an index into it for each position. The zero value is a column of zeros of any
// length; whoever owns it knows the length.
type column struct {
	palette []uint32
	words   []uint64
	width   uint8 // bits an index: 0, 1, 2, 4, 8 or 16
}

func (c *column) clone() column {
	return column{slices.Clone(c.palette), slices.Clone(c.words), c.width}
}

// zero reports whether every value is known to be 0 without looking at them.
func (c *column) zero() bool {
	return c.width == 0 && (len(c.palette) == 0 || c.palette[0] == 0)
}

func (c *column) at(i int) uint32 {
	if c.width == 0 {
		if len(c.palette) == 0 {
			return 0
		}
		return c.palette[0]
	}
	return c.palette[c.index(i)]
}

// index returns the palette index at position i. width must not be 0.
func (c *column) index(i int) uint64 {
	bit := uint(i) * uint(c.width)
	return c.words[bit/64] >> (bit % 64) & (1<<c.width - 1)
}

func (c *column) put(i int, index uint64) {
	if c.width == 0 {
		return
	}
	bit := uint(i) * uint(c.width)
	mask := uint64(1)<<c.width - 1
	w := &c.words[bit/64]
	*w = *w&^(mask<<(bit%64)) | index<<(bit%64)
}

// set stores v at position i of n.
func (c *column) set(i int, v uint32, n int) {
	if c.at(i) == v {
		return
	}
	c.put(i, c.lookup(v, n))
}

// insert stores v before position i of n.
func (c *column) insert(i int, v uint32, n int) {
	index := c.lookup(v, n)
	if c.width == 0 {
		return
	}
	w := uint(c.width)
	c.reserve(n + 1)
	k, off := uint(i)*w/64, uint(i)*w%64
	word := c.words[k]
	low := word & (1<<off - 1)
	carry := word >> (64 - w)
	c.words[k] = low | (word>>off)<<off<<w | index<<off
	for j := k + 1; j < uint(len(c.words)); j++ {
		next := c.words[j] >> (64 - w)
		c.words[j] = c.words[j]<<w | carry
		carry = next
	}
}

// remove takes position i out of n.
func (c *column) remove(i, n int) {
	if c.width == 0 {
		return
	}
	w := uint(c.width)
	k, off := uint(i)*w/64, uint(i)*w%64
	word := c.words[k]
	c.words[k] = word&(1<<off-1) | word>>(off+w)<<off
	for j := k + 1; j < uint(len(c.words)); j++ {
		c.words[j-1] |= c.words[j] << (64 - w)
		c.words[j] >>= w
	}
	c.words = c.words[:wordsFor(n-1, c.width)]
}

// add appends v to n values.
func (c *column) add(v uint32, n int) {
	index := c.lookup(v, n)
	if c.width == 0 {
		return
	}
	c.reserve(n + 1)
	c.put(n, index)
}

func wordsFor(n int, width uint8) int { return (n*int(width) + 63) / 64 }

func (c *column) reserve(n int) {
	need := wordsFor(n, c.width)
	if need > cap(c.words) {
		words := make([]uint64, len(c.words), need+need/4+1)
		copy(words, c.words)
		c.words = words
	}
	for len(c.words) < need {
		c.words = append(c.words, 0)
	}
}

// lookup returns the palette index of v, and makes one, and room for it, if there is none.
func (c *column) lookup(v uint32, n int) uint64 {
	if len(c.palette) == 0 {
		if n == 0 {
			c.palette = []uint32{v}
			return 0
		}
		c.palette = []uint32{0}
	}
	if i := slices.Index(c.palette, v); i >= 0 {
		return uint64(i)
	}
	if len(c.palette) == 1<<c.width {
		c.repack(n)
	}
	c.palette = append(c.palette, v)
	return uint64(len(c.palette) - 1)
}

// repack drops values that no position has any more, and leaves room for one more.
func (c *column) repack(n int) {
	old := *c
	used := make([]bool, len(old.palette))
	for i := range n {
		if old.width == 0 {
			used[0] = true
			break
		}
		used[old.index(i)] = true
	}
	c.palette = nil
	moved := make([]uint64, len(old.palette))
	for i, v := range old.palette {
		if used[i] {
			moved[i] = uint64(len(c.palette))
			c.palette = append(c.palette, v)
		}
	}
	c.width = widthFor(len(c.palette) + 1)
	c.words = make([]uint64, wordsFor(n, c.width))
	if old.width == 0 {
		return // every index is 0
	}
	for i := range n {
		c.put(i, moved[old.index(i)])
	}
}

func widthFor(values int) uint8 {
	for _, w := range [...]uint8{0, 1, 2, 4, 8} {
		if values <= 1<<w {
			return w
		}
	}
	return 16
}
