package imap_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/pushmail/pushmail/imap"
)

// listOf builds a list from numbers.
func listOf(uids ...imap.UID) (l imap.UIDList) {
	for _, n := range uids {
		l.Add(n)
	}
	return l
}

func TestUIDListDoesWhatASliceDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		uids := rapid.SliceOfNDistinct(rapid.Map(rapid.Uint32Range(1, 40), func(n uint32) imap.UID { return imap.UID(n) }), 0, 30, rapid.ID).Draw(t, "uids")
		l := listOf(uids...)
		same := func(what string, got imap.UIDList, want []imap.UID) {
			t.Helper()
			if !slices.Equal(slices.Collect(got.All()), want) || got.Len() != uint64(len(want)) {
				t.Fatalf("%s: got %v, want %v", what, got, want)
			}
		}
		same("all", l, uids)
		from := rapid.IntRange(0, len(uids)).Draw(t, "from")
		to := rapid.IntRange(from, len(uids)).Draw(t, "to")
		same("slice", l.Slice(uint64(from), uint64(to)), uids[from:to])
		same("slice beyond", l.Slice(uint64(from), 99), uids[from:])
		same("insert", l.Insert(uint64(from), listOf(50, 7, 51, 52)), slices.Concat(uids[:from], []imap.UID{50, 7, 51, 52}, uids[from:]))

		var set imap.UIDSet
		for _, n := range rapid.SliceOfN(rapid.Uint32Range(1, 40), 0, 12).Draw(t, "set") {
			set.Add(imap.UID(n))
		}
		same("without", l.Without(set), slices.DeleteFunc(slices.Clone(uids), set.Contains))
		if got := l.Set(); !got.Equal(imap.UIDs(uids...)) {
			t.Fatalf("set: got %v of %v", got, uids)
		}
		same("unchanged", l, uids)
	})
}

func TestUIDListOfBillionsIsNotExpanded(t *testing.T) {
	var l imap.UIDList
	l.AddRange(4_000_000_000, 4_294_967_295)
	l.AddRange(1, 3_000_000_000)
	if got := l.Len(); got != 3_294_967_296 {
		t.Errorf("length %d", got)
	}
	if got := l.Slice(294_967_290, 294_967_300).String(); got != "4294967290:4294967295,1:4" {
		t.Errorf("slice %s", got)
	}
	if got := l.Without(imap.SetOfRange[imap.UID](2, 0)).String(); got != "1" {
		t.Errorf("without 2:*: %s", got)
	}
	if l.First() != 4_000_000_000 || l.Last() != 3_000_000_000 || imap.UIDList(nil).First() != 0 || imap.UIDList(nil).Last() != 0 {
		t.Errorf("first %d, last %d", l.First(), l.Last())
	}
}
