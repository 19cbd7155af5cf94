package mailbox

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/pushmail/pushmail/imap"
)

// plain is a State as anyone would write it first.
type plain []struct {
	uid   imap.UID
	flags string
	rev   uint32
}

func (p plain) compare(t *testing.T, s *State, rng *rand.Rand) {
	t.Helper()
	want := []string{}
	for _, m := range p {
		want = append(want, fmt.Sprintf("%d(%s)%d", m.uid, m.flags, m.rev))
	}
	if got := dump(s)[1:]; !slices.Equal(got, want) {
		t.Fatalf("got  %v\nwant %v", got, want)
	}
	if s.Len() != len(p) {
		t.Fatalf("Len is %d, want %d", s.Len(), len(p))
	}
	for _, c := range s.chunks {
		if c.n == 0 || c.n > chunkSize {
			t.Fatalf("a chunk of %d messages", c.n)
		}
		for i, r := range c.runs {
			if r.first > r.last || i > 0 && c.runs[i-1].last+1 >= r.first {
				t.Fatalf("runs %v", c.runs)
			}
		}
	}
	uid := imap.UID(rng.IntN(300))
	seq := imap.SeqNum(0)
	for i, m := range p {
		if got := s.UIDAt(imap.SeqNum(i + 1)); got != m.uid {
			t.Fatalf("UIDAt(%d) is %d, want %d", i+1, got, m.uid)
		}
		if m.uid == uid {
			seq = imap.SeqNum(i + 1)
		}
	}
	if got := s.SeqOf(uid); got != seq {
		t.Fatalf("SeqOf(%d) is %d, want %d", uid, got, seq)
	}
	if s.UIDAt(0) != 0 || s.UIDAt(imap.SeqNum(len(p)+1)) != 0 {
		t.Fatal("UIDAt finds messages that are not there")
	}
}

// TestStateAgainstPlainList changes a State in every way it can be changed, among clones of it, with
// chunks so small that they split and merge all the time.
func TestStateAgainstPlainList(t *testing.T) {
	defer func(n int) { chunkSize = n }(chunkSize)
	rng := rand.New(rand.NewPCG(testSeed(t), 1))
	for _, chunkSize = range []int{4, 16, 4096} {
		s, p := newState(), plain{}
		var kept *State
		var keptWant plain
		for range 600 {
			uid := imap.UID(1 + rng.IntN(290))
			i, found := slices.BinarySearchFunc(p, uid, func(m struct {
				uid   imap.UID
				flags string
				rev   uint32
			}, uid imap.UID,
			) int {
				return int(m.uid) - int(uid)
			})
			flags := []imap.Flag{imap.Flag(fmt.Sprintf("k%d", rng.IntN(1+rng.IntN(12))))}
			set, err := s.intern(flags)
			if err != nil {
				t.Fatal(err)
			}
			switch rng.IntN(7) {
			case 0, 1, 2:
				if !found {
					_ = s.insert(uid, set, 0)
					p = slices.Insert(p, i, plain{{uid, fold(flags), 0}}...)
				}
			case 3:
				if s.remove(uid) != found {
					t.Fatalf("remove %d", uid)
				}
				if found {
					p = slices.Delete(p, i, i+1)
				}
			case 4:
				if found {
					s.do(Change{Kind: Flags, UID: uid, Flags: flags, Rev: uint32(i)})
					if p[i].flags = fold(flags); i != 0 {
						p[i].rev = uint32(i)
					}
				}
			case 5:
				if rng.IntN(20) == 0 {
					span := imap.SetOfRange(uid, uid+imap.UID(rng.IntN(120)))
					if rng.IntN(10) == 0 {
						span = imap.SetOfRange(uid, 1<<32-1)
					}
					before := len(p)
					p = slices.DeleteFunc(p, func(m struct {
						uid   imap.UID
						flags string
						rev   uint32
					},
					) bool {
						return span.Contains(m.uid)
					})
					if got := s.removeSet(span); got != before-len(p) {
						t.Fatalf("removed %d, want %d", got, before-len(p))
					}
				}
			case 6:
				if kept != nil {
					keptWant.compare(t, kept, rng)
				}
				kept, keptWant = s.Clone(), slices.Clone(p)
			}
			p.compare(t, s, rng)
		}
	}
}

func TestColumnAgainstSlice(t *testing.T) {
	rng := rand.New(rand.NewPCG(testSeed(t), 2))
	for round := range 40 {
		var c column
		var want []uint32
		values := 1 + rng.IntN(1<<(round%10))
		for range 800 {
			v := uint32(rng.IntN(values)) * 1e6
			switch i := rng.IntN(len(want) + 1); {
			case rng.IntN(3) == 0 || len(want) == 0:
				c.add(v, len(want))
				want = append(want, v)
			case rng.IntN(3) == 0:
				c.insert(i, v, len(want))
				want = slices.Insert(want, i, v)
			case i == len(want):
			case rng.IntN(2) == 0:
				c.set(i, v, len(want))
				want[i] = v
			default:
				c.remove(i, len(want))
				want = slices.Delete(want, i, i+1)
			}
			for i, v := range want {
				if c.at(i) != v {
					t.Fatalf("round %d: position %d of %d has %d, want %d", round, i, len(want), c.at(i), v)
				}
			}
		}
	}
}

// keep holds what a measurement has made until it is over.
var keep any

func heapOf(make func() any) uint64 {
	measure := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	// Others allocate, too: the runtime, what earlier tests left to end. They only ever add, so the least of some tries is ours.
	least := uint64(math.MaxUint64)
	for range 5 {
		keep = nil
		before := measure()
		keep = make()
		after := measure()
		least = min(least, max(after, before)-before)
	}
	return least
}

// fill is a mailbox of n messages with holes and flags as the caller likes.
func fill(n int, hole func(i int) bool, flags func(i int) []imap.Flag) *State {
	s := newState()
	uid := imap.UID(1)
	for i := range n {
		if hole(i) {
			uid++
		}
		set, _ := s.intern(flags(i))
		_ = s.append(uid, set, 0)
		uid++
	}
	return s
}

func TestMemory(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var sets [][]imap.Flag
	for i := range 40 {
		sets = append(sets, []imap.Flag{imap.FlagSeen, imap.Flag(fmt.Sprintf("label%d", i))})
	}
	seen, none := []imap.Flag{imap.FlagSeen}, []imap.Flag(nil)
	rare := func(every int) func(int) bool { return func(i int) bool { return i%every == 0 } }
	for _, c := range []struct {
		name  string
		limit uint64
		make  func() any
	}{
		{"100k, equal flags", 8 << 10, func() any {
			return fill(100_000, rare(1000), func(int) []imap.Flag { return seen })
		}},
		{"100k, one in twenty unread, anywhere", 32 << 10, func() any {
			return fill(100_000, rare(1000), func(int) []imap.Flag {
				if rng.IntN(20) == 0 {
					return none
				}
				return seen
			})
		}},
		{"100k with QRESYNC, 30 % unread, anywhere", 32 << 10, func() any {
			return fill(100_000, rare(1000), func(int) []imap.Flag { return [][]imap.Flag{none, seen}[min(rng.IntN(10)/3, 1)] })
		}},
		{"100k without CONDSTORE, the same, flags of one in ten changed up to three times", 256 << 10, func() any {
			s := fill(100_000, rare(1000), func(int) []imap.Flag { return [][]imap.Flag{none, seen}[min(rng.IntN(10)/3, 1)] })
			for uid := range s.UIDs().All() {
				if uid%10 == 0 {
					s.setRev(uid, 1+rng.Uint32N(3))
				}
			}
			return s
		}},
		{"100k, 40 sets at random", 256 << 10, func() any {
			return fill(100_000, rare(1000), func(int) []imap.Flag { return sets[rng.IntN(40)] })
		}},
		{"1M, few holes", 64 << 10, func() any {
			return fill(1_000_000, rare(10_000), func(int) []imap.Flag { return seen })
		}},
		{"100k, every other message gone", 840 << 10, func() any {
			return fill(100_000, rare(1), func(int) []imap.Flag { return seen })
		}},
		{"a clone of 100k", 4 << 10, func() any { return keepState.Clone() }},
		{"a Ledger of 1M, all expunged at once and not acknowledged", 128 << 10, func() any {
			s := fill(1_000_000, rare(10_000), func(int) []imap.Flag { return seen })
			l := NewLedger(&View{state: s, count: 1_000_000}, nil)
			if err := l.Apply(vanished(1, s.last)); err != nil || l.Len() != 1_000_000 {
				t.Fatal(err, l.Len())
			}
			return l
		}},
		{"a Ledger of 200k, every other expunged", 10 << 20, func() any {
			s := fill(200_000, rare(1), func(int) []imap.Flag { return seen })
			l := NewLedger(&View{state: s, count: 200_000}, nil)
			if err := l.Apply(vanished(1, s.last)); err != nil || l.Len() != 200_000 {
				t.Fatal(err, l.Len())
			}
			return l
		}},
		{"a Ledger of 1M new messages", 80 << 10, func() any {
			s := fill(1_000_000, rare(10_000), func(int) []imap.Flag { return seen })
			l := NewLedger(&View{state: s, count: 1_000_000}, nil)
			l.Renew(imap.SetOfRange(1, s.last))
			return l
		}},
		{"a uid-diff of 200k with other flags each", 20 << 20, func() any {
			old := fill(200_000, rare(10_000), func(int) []imap.Flag { return seen })
			r := Begin(old, Opened{Exists: 200_000})
			r.Next()
			seq := imap.SeqNum(0)
			for uid := range old.All() {
				seq++
				r.Feed(row(seq, uid, sets[int(seq*7)%40]...))
			}
			r.Feed(ok())
			v, changes, report, err := r.Finish()
			if err != nil || report.Flagged != 200_000 {
				t.Fatal(err, report)
			}
			return []any{v, changes, r}
		}},
		{"256 fingerprints", 3700, func() any {
			s := newState()
			s.appendRun(1, 400, 0)
			l := NewLedger(&View{state: s, count: 400}, nil)
			for uid := range imap.UID(400) {
				l.Remember(uid, identityOf(told{fmt.Sprint(uid), 1}))
			}
			return l.acked.prints
		}},
		{"fingerprints of 100 empty mailboxes", 2048, func() any {
			var all [100]*prints // 800 bytes
			for i := range all {
				l := NewLedger(&View{state: newState()}, nil)
				l.Remember(1, identityOf(told{"x", 1}))
				all[i] = l.acked.prints
			}
			return &all
		}},
		{"a Ledger of 100k at rest, after changes", 24 << 10, func() any {
			v := &View{state: keepState, count: uint32(keepState.n)}
			l := NewLedger(v, nil)
			for i := range 200 {
				if err := l.Apply(&imap.Message{SeqNum: imap.SeqNum(1 + i*400), Items: imap.ItemFlags, Flags: sets[(i*7+3)%40]}); err != nil {
					t.Fatal(err)
				}
			}
			for l.Len() > 0 {
				l.Ack()
			}
			return l
		}},
	} {
		if keepState == nil {
			keepState = fill(100_000, rare(1000), func(int) []imap.Flag { return sets[rng.IntN(40)] })
		}
		got := heapOf(c.make)
		t.Logf("%-45s %7d bytes, limit %d", c.name, got, c.limit)
		if got > c.limit {
			t.Errorf("%s: %d bytes, limit %d", c.name, got, c.limit)
		}
	}
	keep, keepState = nil, nil
}

var keepState *State

func TestFlagsCompareWithoutCaseOrderAndRecent(t *testing.T) {
	s := newState()
	id := func(flags ...imap.Flag) uint32 {
		n, err := s.intern(flags)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if a, b := id(`\Seen`, "Work"), id("WORK", `\RECENT`, `\seen`, "work"); a != b {
		t.Errorf("sets %d and %d", a, b)
	}
	if a, b := id(), id(`\Recent`); a != 0 || b != 0 {
		t.Errorf("empty sets %d and %d", a, b)
	}
	if id("ab") == id("a", "b") {
		t.Error(`"ab" is "a" and "b"`)
	}
	added, removed := diffFlags([]imap.Flag{"A", "b"}, []imap.Flag{"a", "C"})
	if !slices.Equal(added, []imap.Flag{"C"}) || !slices.Equal(removed, []imap.Flag{"b"}) {
		t.Errorf("added %v, removed %v", added, removed)
	}
}

// A flag that came as a string may have anything in it, and is not two flags for that.
func TestFlagsThatReadLikeTwo(t *testing.T) {
	s := newState()
	for i, flags := range [][]imap.Flag{{"a", "b"}, {"a\x00b"}, {"a\x01b"}, {"a b"}, {"a\x00", "b"}} {
		set, err := s.intern(flags)
		if err != nil || s.append(imap.UID(i+1), set, 0) != nil {
			t.Fatal(err)
		}
		if got, _ := s.Flags(imap.UID(i + 1)); !slices.Equal(got, flags) {
			t.Errorf("%q became %q", flags, got)
		}
	}
}

func TestFlagSetsThatNoMessageHasAreForgotten(t *testing.T) {
	s := newState()
	_ = s.append(1, 0, 0)
	v := &View{state: s, count: 1}
	for i := range 10_000 {
		if _, err := v.Apply(&imap.Message{SeqNum: 1, Items: imap.ItemFlags, Flags: []imap.Flag{imap.Flag(fmt.Sprint("k", i))}}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.flags.sets); n > 200 {
		t.Errorf("%d sets for one message", n)
	}
	if flags, _ := s.Flags(1); !slices.Equal(flags, []imap.Flag{"k9999"}) {
		t.Errorf("flags %v", flags)
	}
}

func TestDistinctFlagSetsAreBounded(t *testing.T) {
	v := &View{state: newState(), count: maxFlagSets + 10}
	var err error
	n := 0
	for ; err == nil && n < maxFlagSets+10; n++ {
		_, err = v.Apply(&imap.Message{SeqNum: imap.SeqNum(n + 1), UID: imap.UID(n + 1), Items: imap.ItemFlags | imap.ItemUID, Flags: []imap.Flag{imap.Flag(fmt.Sprint("k", n))}})
	}
	if _, ok := err.(*LimitError); !ok || n != maxFlagSets { // the empty set is one of them
		t.Errorf("after %d: %v", n, err)
	}
}
