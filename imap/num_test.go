package imap

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pushmail/pushmail/internal/linear"
)

// star is "*" in a model: above every number.
const star = uint64(1 << 32)

// model is a set as a map, of numbers around the ends of the range that a Set can hold.
type model map[uint64]bool

// universe are the numbers that models are about; what lies between the two blocks is in a set or not
// as a whole, and one number stands for it.
var universe = func() (nums []uint64) {
	for n := range uint64(24) {
		nums = append(nums, n+1, math.MaxUint32-n)
	}
	nums = append(nums, 1<<20)
	slices.Sort(nums)
	return nums
}()

// endpoints draws the ends of ranges: "*" too.
var endpoints = rapid.Map(rapid.SampledFrom(append([]uint64{0}, slices.DeleteFunc(slices.Clone(universe), func(n uint64) bool { return n == 1<<20 })...)),
	func(n uint64) UID { return UID(n) })

func modelOf(ranges []Range[UID]) model {
	m := model{}
	for _, r := range ranges {
		a, b := top(r.First), top(r.Last)
		lo, hi := min(a, b), max(a, b)
		for _, n := range append(universe, star) {
			if lo <= n && n <= hi {
				m[n] = true
			}
		}
	}
	return m
}

// modelOfSet reads a Set through its methods.
func modelOfSet(s UIDSet) model {
	m := model{}
	for _, n := range universe {
		if s.Contains(UID(n)) {
			m[n] = true
		}
	}
	if s.Dynamic() {
		m[star] = true
	}
	return m
}

var anyRanges = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Range[UID] {
	return Range[UID]{endpoints.Draw(t, "first"), endpoints.Draw(t, "last")}
}), 0, 8)

// checkSet fails unless s is in order, and is what m says.
func checkSet(t *rapid.T, what string, s UIDSet, m model) {
	t.Helper()
	for i, r := range s {
		if top(r.First) > top(r.Last) || i > 0 && (s[i-1].Last == 0 || top(s[i-1].Last)+1 >= top(r.First)) {
			t.Fatalf("%s: %v is not in order", what, []Range[UID](s))
		}
	}
	if got := modelOfSet(s); !maps.Equal(got, m) {
		t.Fatalf("%s: %q holds %v, want %v", what, s, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(m)))
	}
}

func union(a, b model) model {
	m := maps.Clone(a)
	maps.Copy(m, b)
	return m
}

func filter(a model, keep func(uint64) bool) model {
	m := maps.Clone(a)
	maps.DeleteFunc(m, func(n uint64, _ bool) bool { return !keep(n) })
	return m
}

func TestSetIsAMapOfNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ra, rb := anyRanges.Draw(t, "a"), anyRanges.Draw(t, "b")
		a, b := Normalize(slices.Clone(Set[UID](ra))), Normalize(slices.Clone(Set[UID](rb)))
		ma, mb := modelOf(ra), modelOf(rb)
		checkSet(t, "Normalize", a, ma)
		checkSet(t, "Union", a.Union(b), union(ma, mb))
		checkSet(t, "Subtract", a.Subtract(b), filter(ma, func(n uint64) bool { return !mb[n] }))
		checkSet(t, "Intersect", a.Intersect(b), filter(ma, func(n uint64) bool { return mb[n] }))
		c := a.Clone()
		for _, r := range rb {
			c.AddRange(r.First, r.Last)
		}
		checkSet(t, "AddRange", c, union(ma, mb))
		checkSet(t, "the set that was cloned", a, ma)
		if got, want := a.Equal(b), maps.Equal(ma, mb) && slices.Equal(a, b); got != want {
			t.Fatalf("%q equals %q: %v", a, b, got)
		}
		text := a.String()
		if got, err := ParseSet[UID](text); err != nil || !got.Equal(a) {
			t.Fatalf("ParseSet(%q) = %q, %v", text, got, err)
		}
	})
}

func TestSetOneNumberAtATime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s UIDSet
		m := model{}
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			n := endpoints.Filter(func(n UID) bool { return n != 0 }).Draw(t, "n")
			if rapid.Bool().Draw(t, "add") {
				s.Add(n)
				m[uint64(n)] = true
			} else {
				s.Remove(n)
				delete(m, uint64(n))
			}
			checkSet(t, "step", s, m)
			if s.Len() != uint64(len(m)) {
				t.Fatalf("%q has %d numbers, want %d", s, s.Len(), len(m))
			}
			want := slices.Sorted(maps.Keys(m))
			var got []uint64
			for n := range s.All() {
				got = append(got, uint64(n))
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%q yields %v, want %v", s, got, want)
			}
			if len(want) > 0 && (uint64(s.Min()) != want[0] || uint64(s.Max()) != want[len(want)-1]) || len(want) == 0 && s.Min()+s.Max() != 0 {
				t.Fatalf("%q is from %d to %d", s, s.Min(), s.Max())
			}
		}
	})
}

func TestSetChunksAreTheSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Normalize(Set[UID](anyRanges.Draw(t, "s")))
		maxLen := rapid.IntRange(-1, 60).Draw(t, "max")
		var parts []string
		for c := range s.Chunks(maxLen) {
			if text := c.String(); len(text) > maxLen && len(c) > 1 || text == "" {
				t.Fatalf("%q is a chunk of at most %d bytes", text, maxLen)
			}
			parts = append(parts, c.String())
		}
		if got := strings.Join(parts, ","); got != s.String() {
			t.Fatalf("chunks of %q are %q", s, parts)
		}
	})
}

func TestSetText(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "",
		"1":                     "1",
		"3,1,2":                 "1:3",
		"7:4":                   "4:7",
		"*":                     "*",
		"*:*":                   "*",
		"*:4":                   "4:*",
		"9,4:*":                 "4:*",
		"4:*,1:2":               "1:2,4:*",
		"4294967295":            "4294967295",
		"4294967294:4294967295": "4294967294:4294967295",
		"4294967295,*":          "4294967295:*",
		"1:4294967295,*":        "1:*",
		"01,1":                  "1",
	} {
		if got, err := ParseSet[UID](text); err != nil || got.String() != want {
			t.Errorf("ParseSet(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"0", "1,", ",1", "1:", ":1", "1:2:3", "1:0", "4294967296", "-1", "+1", " 1", "1 ", "a", "**", "1;2", "1.5"} {
		if got, err := ParseSet[UID](text); err == nil {
			t.Errorf("ParseSet(%q) = %q", text, got)
		}
	}
	var s SeqSet
	if err := s.UnmarshalText([]byte("2,1")); err != nil || s.String() != "1:2" {
		t.Errorf("UnmarshalText: %q, %v", s, err)
	}
}

func TestSetOfStar(t *testing.T) {
	s := SetOf[UID](0)
	if !s.Dynamic() || s.Len() != 1 || s.Contains(1) || s.Contains(0) || s.Max() != 0 {
		t.Errorf("%q: dynamic %v, len %d", s, s.Dynamic(), s.Len())
	}
	open := SetOfRange[UID](5, 0)
	if !open.Contains(math.MaxUint32) || open.Contains(4) || open.Len() != math.MaxUint32-5+1 {
		t.Errorf("%q: %d numbers", open, open.Len())
	}
	for n := range open.All() {
		t.Fatalf("%q yields %d", open, n)
	}
	if (SeqSet{}).ByUID() || !open.ByUID() {
		t.Error("ByUID is wrong")
	}
}

func TestSetStaysFastOnHostileInput(t *testing.T) {
	const most = 300_000
	descending := func(n int) UIDSet {
		var text strings.Builder
		for i := n; i > 0; i-- {
			if i < n {
				text.WriteByte(',')
			}
			text.Write(Range[UID]{UID(i * 3), UID(i*3 + 1)}.append(nil))
		}
		s, err := ParseSet[UID](text.String())
		if err != nil || len(s) != n {
			t.Errorf("%d ranges, %v", len(s), err)
		}
		return s
	}
	linear.Check(t, "parsing descending ranges", most, func(n int) { descending(n) })
	linear.Check(t, "parsing a number again and again", most, func(n int) {
		if s, err := ParseSet[UID](strings.Repeat("5,1:4294967295,", n) + "7"); err != nil || len(s) != 1 {
			t.Errorf("%d ranges, %v", len(s), err)
		}
	})
	linear.Check(t, "algebra", most, func(n int) {
		s, odd := descending(n), make(UIDSet, 0, n)
		for i := range UID(n) {
			odd.Add(i*6 + 1)
		}
		if got := s.Union(odd).Subtract(odd).Union(s.Intersect(odd)); got.Empty() {
			t.Error("nothing is left")
		}
		for i := range UID(n) {
			s.Contains(i)
		}
	})
	all := SetOfRange[UID](1, math.MaxUint32) // what goes through its numbers one by one takes minutes
	if got := all.Subtract(UIDs(7)); got.Len() != math.MaxUint32-1 || len(got) != 2 {
		t.Errorf("%q", got)
	}
}

func TestSetYieldsTheLastNumber(t *testing.T) {
	var got []UID
	for n := range SetOfRange[UID](math.MaxUint32-1, math.MaxUint32).All() {
		got = append(got, n)
		if len(got) > 2 {
			break
		}
	}
	if want := []UID{math.MaxUint32 - 1, math.MaxUint32}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
