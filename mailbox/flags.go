package mailbox

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// Bounds of what a server can make us keep. Real mailboxes have some tens of sets.
const (
	maxFlagSets  = 1 << 16
	maxFlagBytes = 16 << 20
)

// flagSet is one distinct combination of flags: sorted, each once, without \Recent.
type flagSet struct {
	key   string // folded, so that sets are equal when keys are
	flags []imap.Flag
}

// flagTable interns flag sets. Set 0 is the empty one. Clones of a State share the table; like a
// chunk it is copied by the first State that writes.
type flagTable struct {
	own   *owner
	sets  []*flagSet // nil for a number that is free
	index map[string]uint32
	free  []uint32
	sweep int // look for unused sets when there are that many
	bytes int
}

// noFlags is set 0 of every table.
var noFlags = &flagSet{}

// emptyFlags is where every State begins.
var emptyFlags = &flagTable{own: new(owner), sets: []*flagSet{noFlags}, index: map[string]uint32{"": 0}, sweep: 64}

func (t *flagTable) clone(own *owner) *flagTable {
	return &flagTable{own, slices.Clone(t.sets), maps.Clone(t.index), slices.Clone(t.free), t.sweep, t.bytes}
}

// foldByte lowers ASCII letters: flags are ASCII, and compare without case.
func foldByte(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

func compareFlag(a, b imap.Flag) int {
	for i := range min(len(a), len(b)) {
		if x, y := foldByte(a[i]), foldByte(b[i]); x != y {
			return cmp.Compare(x, y)
		}
	}
	return cmp.Compare(len(a), len(b))
}

// flagScratch is room to bring the flags of a row into their canonical form without allocating.
type flagScratch struct {
	flags []imap.Flag
	key   []byte
}

// canonical sorts flags, drops doubles and \Recent, which belongs to a session and not to the
// message (RFC 3501 section 2.3.2), and builds the key. The results live until the next call.
func (s *flagScratch) canonical(flags []imap.Flag) ([]imap.Flag, []byte) {
	s.flags, s.key = s.flags[:0], s.key[:0]
	for _, f := range flags {
		if f == "" || compareFlag(f, imap.FlagRecent) == 0 {
			continue
		}
		if i, found := slices.BinarySearchFunc(s.flags, f, compareFlag); !found {
			s.flags = slices.Insert(s.flags, i, f)
		}
	}
	for _, f := range s.flags {
		s.key = binary.AppendUvarint(s.key, uint64(len(f))) // no byte is in none: flags may come as strings
		for j := range len(f) {
			s.key = append(s.key, foldByte(f[j]))
		}
	}
	return s.flags, s.key
}

// intern returns the number of the set of flags.
func (s *State) intern(flags []imap.Flag) (uint32, error) {
	sorted, key := s.scratch.canonical(flags)
	if id, ok := s.flags.index[string(key)]; ok {
		return id, nil
	}
	return s.addFlagSet(sorted, key)
}

func (s *State) addFlagSet(sorted []imap.Flag, key []byte) (uint32, error) {
	t := s.ownFlags()
	if len(t.index) >= t.sweep {
		s.sweepFlags()
	}
	if len(t.index) >= maxFlagSets {
		return 0, &LimitError{"distinct combinations of flags", maxFlagSets}
	}
	if t.bytes+len(key) > maxFlagBytes {
		return 0, &LimitError{"bytes of flag names", maxFlagBytes}
	}
	set := &flagSet{key: string(key), flags: make([]imap.Flag, len(sorted))}
	for i, f := range sorted {
		set.flags[i] = cloneFlag(f)
	}
	id := uint32(len(t.sets))
	if k := len(t.free); k > 0 {
		id, t.free = t.free[k-1], t.free[:k-1]
		t.sets[id] = set
	} else {
		t.sets = append(t.sets, set)
	}
	t.index[set.key] = id
	t.bytes += len(key)
	return id, nil
}

// cloneFlag returns f without the response it came in: strings of one response share memory.
func cloneFlag(f imap.Flag) imap.Flag {
	if c := imap.CanonicalFlag(string(f)); c != f {
		return c
	}
	return imap.Flag(strings.Clone(string(f)))
}

// sweepFlags frees sets that no message has, and waits twice as long until the next time.
func (s *State) sweepFlags() {
	t, used := s.ownFlags(), s.usedSets()
	for id, set := range t.sets {
		if !used[id] && set != nil {
			delete(t.index, set.key)
			t.bytes -= len(set.key)
			t.sets[id] = nil
			t.free = append(t.free, uint32(id))
		}
	}
	t.sweep = 2*len(t.index) + 64
}

// usedSets says of each set whether a message has it, or had until a moment ago: palettes are cleaned when
// they are full.
func (s *State) usedSets() []bool {
	used := make([]bool, len(s.flags.sets))
	used[0] = true
	for _, c := range s.chunks {
		for _, id := range c.flags.palette {
			used[id] = true
		}
	}
	return used
}

func (s *State) ownFlags() *flagTable {
	if s.flags.own != s.own {
		s.flags = s.flags.clone(s.own)
	}
	return s.flags
}

// diffFlags returns what is in b but not in a, and in a but not in b. Both are sorted.
func diffFlags(a, b []imap.Flag) (added, removed []imap.Flag) {
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case j == len(b) || i < len(a) && compareFlag(a[i], b[j]) < 0:
			removed = append(removed, a[i])
			i++
		case i == len(a) || compareFlag(a[i], b[j]) > 0:
			added = append(added, b[j])
			j++
		default:
			i++
			j++
		}
	}
	return added, removed
}
