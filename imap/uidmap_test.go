package imap

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCopyUIDIsReadInItsOrder(t *testing.T) {
	for _, tt := range []struct {
		args string
		want string // pairs, "" for none
	}{
		{"38505 304,319:320 3956:3958", "304>3956 319>3957 320>3958"},
		{"1 5,3,4 10:12", "3>11 4>12 5>10"},
		{"1 4:2 12:10", "2>10 3>11 4>12"}, // a range has no direction
		{"1 1:6 10,20,30:33", "1>10 2>20 3>30 4>31 5>32 6>33"},
		{"1  7   9", "7>9"},
		{"1 7,7 9,10", "7>9"},
		{"1 5:7,6 1:4", "5>1 6>2 7>3"},
		{"1 1:3 10:11", ""}, // not the same size
		{"1 1:2 10:12", ""},
		{"1 1:* 10:*", ""},
		{"1 * *", ""},
		{"1 0 1", ""},
		{"1", ""},
		{"1 ", ""},
		{"1 1 2 3", ""},
		{"1 1,,2 3:4", ""},
		{"1 a b", ""},
	} {
		m, ok := (&Code{Name: CodeCopyUID, Args: tt.args}).UIDMap()
		var pairs []string
		for s, d := range m.All() {
			pairs = append(pairs, strconv.Itoa(int(s))+">"+strconv.Itoa(int(d)))
		}
		if got := strings.Join(pairs, " "); got != tt.want || ok != (tt.want != "") {
			t.Errorf("COPYUID %s: %q, %v; want %q", tt.args, got, ok, tt.want)
		}
	}
	if _, ok := (&Code{Name: CodeAppendUID, Args: "1 1 2"}).UIDMap(); ok {
		t.Error("APPENDUID has a map")
	}
}

// What a server claims to have copied costs what it sends, not what it claims.
func TestHugeUIDMapIsSmall(t *testing.T) {
	m, err := ParseUIDMap("1:4294967294", "2:4294967295")
	if err != nil || len(m) != 1 || m.Len() != 4294967294 {
		t.Fatalf("%v, %v", m, err)
	}
	if d, ok := m.Dest(4000000000); d != 4000000001 || !ok {
		t.Errorf("%d, %v", d, ok)
	}
	if got := m.Dests().String(); got != "2:4294967295" {
		t.Errorf("dests %s", got)
	}
	if m, err := ParseUIDMap("1:4294967295", "1:4294967295"); err != nil || m.Len() != 4294967295 {
		t.Errorf("%v, %v", m, err)
	}
}

func TestUIDMapAgreesWithAMapOfPairs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		uids := rapid.Permutation(numbersTo(40)).Draw(t, "sources")[:rapid.IntRange(1, 40).Draw(t, "n")]
		dests := rapid.Permutation(numbersTo(40)).Draw(t, "dests")[:len(uids)]
		want := map[UID]UID{}
		cut := rapid.IntRange(0, len(uids)).Draw(t, "cut")
		var m UIDMap
		for _, half := range [][2]int{{0, cut}, {cut, len(uids)}} {
			if half[0] == half[1] {
				continue
			}
			from, to := inOrder(uids[half[0]:half[1]]), inOrder(dests[half[0]:half[1]])
			one, err := ParseUIDMap(from, to)
			if err != nil {
				t.Fatalf("%s %s: %v", from, to, err)
			}
			m = m.Join(one)
		}
		for i, u := range uids {
			want[u] = dests[i]
		}
		if got := maps.Collect(m.All()); !maps.Equal(got, want) {
			t.Fatalf("got %v\nwant %v", got, want)
		}
		for u := range UID(45) {
			if got, ok := m.Dest(u); got != want[u] || ok != (want[u] != 0) {
				t.Fatalf("Dest(%d) = %d, %v; want %d", u, got, ok, want[u])
			}
		}
		if s, d := m.Sources(), m.Dests(); !s.Equal(SetOf(uids...)) || !d.Equal(SetOf(dests...)) {
			t.Fatalf("sources %v, dests %v", s, d)
		}
		if m.Len() != uint64(len(uids)) {
			t.Fatalf("Len %d", m.Len())
		}
	})
}

func numbersTo(n UID) []UID {
	return slices.Collect(func(yield func(UID) bool) {
		for i := range n {
			if !yield(i + 1) {
				return
			}
		}
	})
}

// inOrder writes ascending runs as ranges, in the order given.
func inOrder(uids []UID) string {
	var parts []string
	for i := 0; i < len(uids); {
		j := i
		for j+1 < len(uids) && uids[j+1] == uids[j]+1 {
			j++
		}
		parts = append(parts, SetOfRange(uids[i], uids[j]).String())
		i = j + 1
	}
	return strings.Join(parts, ",")
}
