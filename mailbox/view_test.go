package mailbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/pushmail/pushmail/imap"
)

// viewOf is a mailbox whose messages have these UIDs and no flags, in a session with QRESYNC.
func viewOf(uids ...imap.UID) *View {
	s := newState()
	s.uidValidity, s.highest = 1, 100
	for _, uid := range uids {
		_ = s.append(uid, 0, 0)
	}
	return &View{state: s, count: uint32(len(uids)), vanishing: true}
}

// row is a FETCH row; UID 0 and nil flags are not sent.
func row(seq imap.SeqNum, uid imap.UID, flags ...imap.Flag) *imap.Message {
	m := &imap.Message{SeqNum: seq, UID: uid, Items: imap.ItemFlags, Flags: flags}
	if uid != 0 {
		m.Items |= imap.ItemUID
	}
	return m
}

func vanished(first, last imap.UID) *imap.Vanished {
	return &imap.Vanished{UIDs: imap.SetOfRange(first, last)}
}

func code(name imap.CodeName, num uint64) *imap.Status {
	return &imap.Status{Kind: imap.OK, Code: &imap.Code{Name: name, Num: num}}
}

func ok() *imap.Tagged { return &imap.Tagged{Tag: "a", Status: imap.Status{Kind: imap.OK}} }

func said(changes []Change) string {
	var out []string
	for _, c := range changes {
		out = append(out, c.String())
	}
	return strings.Join(out, ", ")
}

// apply feeds all, and returns all changes.
func apply(t *testing.T, v *View, responses ...imap.Response) string {
	t.Helper()
	var all []Change
	for _, r := range responses {
		changes, err := v.Apply(r)
		if err != nil {
			t.Fatalf("%s: %v", describe(r), err)
		}
		all = append(all, changes...)
	}
	return said(all)
}

func TestApply(t *testing.T) {
	ten := []imap.UID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	three := []imap.UID{10, 20, 30}
	for _, c := range []struct {
		name    string
		uids    []imap.UID
		in      []imap.Response
		want    string
		known   string
		pending uint32
		fetch   string
	}{
		{
			"ExistsAfterVanishedSameCount", ten, // MailKit #521: Dovecot says no count in between
			[]imap.Response{vanished(5, 5), imap.Exists(10)},
			"expunge 5", "1:4,6:10", 1, "11:*",
		},
		{
			"SameCountAgain", ten,
			[]imap.Response{imap.Exists(10), imap.Exists(10)},
			"", "1:10", 0, "",
		},
		{
			"StarFetchReturnsLastMessageOnly", ten,
			[]imap.Response{row(10, 10)},
			"", "1:10", 0, "",
		},
		{
			"StarFetchBesideNewMessage", ten,
			[]imap.Response{imap.Exists(11), row(10, 10), row(11, 12, `\Seen`)},
			"new 12", "1:10,12", 0, "",
		},
		{
			"ExpungeDuringFetch", three,
			[]imap.Response{imap.Exists(5), row(4, 40), imap.Expunge(1), row(4, 50)},
			"new 40, expunge 10, new 50", "20,30,40,50", 0, "",
		},
		{
			"OldFlagsDuringFetchAreNotNew", three,
			[]imap.Response{imap.Exists(4), row(2, 0, `\Seen`), row(4, 40)},
			`flags 20 +\Seen (rev 1), new 40`, "10,20,30,40", 0, "",
		},
		{
			"ExistsDuringFetchIsNotForgotten", three,
			[]imap.Response{imap.Exists(4), row(4, 40), imap.Exists(5), ok()},
			"new 40", "10,20,30,40", 1, "41:*",
		},
		{
			"ArrivedAndExpungedUnseen", three,
			[]imap.Response{imap.Exists(5), imap.Expunge(4), row(4, 50)},
			"new 50", "10,20,30,50", 0, "",
		},
		{
			"ArrivedAndVanishedUnseen", three,
			[]imap.Response{imap.Exists(5), vanished(40, 40), row(4, 50)},
			"new 50", "10,20,30,50", 0, "",
		},
		{
			"ExpungeCountsDownByItself", three,
			[]imap.Response{imap.Expunge(3), imap.Expunge(1), imap.Exists(2)},
			"expunge 30, expunge 10", "20", 1, "31:*",
		},
		{
			"VanishedOfEverything", three,
			[]imap.Response{imap.Exists(9), vanished(1, 1<<32-1)},
			"expunge 10, expunge 20, expunge 30", "", 0, "",
		},
		{
			"VanishedToStar", three,
			[]imap.Response{imap.Exists(9), vanished(20, 0)},
			"expunge 20, expunge 30", "10", 0, "",
		},
		{
			"VanishedNamesUnknownUIDs", three,
			[]imap.Response{vanished(11, 19), vanished(31, 99)},
			"", "10,20,30", 0, "",
		},
		{
			"VanishedEarlierShiftsNothing", three,
			[]imap.Response{&imap.Vanished{Earlier: true, UIDs: imap.SetOfRange[imap.UID](1, 9)}},
			"", "10,20,30", 0, "",
		},
		{
			"RowsOutOfOrder", three,
			[]imap.Response{imap.Exists(6), row(6, 60), row(5, 50, `\Seen`), row(4, 40)},
			"new 40, new 50, new 60", "10,20,30,40,50,60", 0, "",
		},
		{
			"OnlyMissingRowsAreAskedFor", three,
			[]imap.Response{imap.Exists(6), row(5, 50)},
			"", "10,20,30", 3, "31:49,51:*",
		},
		{
			"FlagsOfWaitingRow", three,
			[]imap.Response{imap.Exists(5), row(5, 50), row(5, 0, `\Seen`), row(4, 40)},
			"new 40, new 50", "10,20,30,40,50", 0, "",
		},
		{
			"ExpungeBeforeWaitingRow", three,
			[]imap.Response{imap.Exists(5), row(5, 50), imap.Expunge(4)},
			"new 50", "10,20,30,50", 0, "",
		},
		{
			"ExpungeOfWaitingRow", three,
			[]imap.Response{imap.Exists(5), row(5, 50), imap.Expunge(5), row(4, 40)},
			"new 40", "10,20,30,40", 0, "",
		},
		{
			"VanishedAroundWaitingRows", three,
			[]imap.Response{
				imap.Exists(8), row(6, 60), row(8, 80),
				&imap.Vanished{UIDs: imap.UIDs(20, 40, 70)}, row(3, 50),
			},
			"expunge 20, new 50, new 60, new 80", "10,30,50,60,80", 0, "",
		},
		{
			"RowsWithoutNumbers", three, // UIDFETCH, RFC 9586
			[]imap.Response{imap.Exists(5), row(0, 50), row(0, 20, "x"), row(0, 40)},
			"flags 20 +x (rev 1), new 40, new 50", "10,20,30,40,50", 0, "",
		},
		{
			"RowWithoutFlagsStaysPending", three,
			[]imap.Response{imap.Exists(4), &imap.Message{SeqNum: 4, UID: 40, Items: imap.ItemUID}},
			"", "10,20,30", 1, "31:*",
		},
		{
			"RowWithUnreadableFlags", three,
			[]imap.Response{imap.Exists(4), &imap.Message{SeqNum: 4, UID: 40, Items: imap.ItemUID, Errs: []error{errors.New("bad")}}},
			"new 40", "10,20,30,40", 0, "",
		},
		{
			"PendingRowWithoutUID", three,
			[]imap.Response{imap.Exists(4), row(4, 0, `\Recent`)},
			"", "10,20,30", 1, "31:*",
		},
		{
			"RecentIsNoChange", three,
			[]imap.Response{row(1, 10, `\Recent`), row(1, 10)},
			"", "10,20,30", 0, "",
		},
		{
			"SameFlagsAreNoChange", three,
			[]imap.Response{row(1, 10, `\Seen`, "Work"), row(1, 10, "WORK", `\seen`)},
			`flags 10 +\Seen +Work (rev 1)`, "10,20,30", 0, "",
		},
		{
			"RevCountsChangesWithoutModSeq", three,
			[]imap.Response{row(1, 10, "a"), row(1, 10), &imap.Message{SeqNum: 1, Items: imap.ItemFlags, Flags: []imap.Flag{"a"}, ModSeq: 7}, row(1, 10)},
			"flags 10 +a (rev 1), flags 10 -a (rev 2), flags 10 +a (modseq 7), flags 10 -a (rev 3)", "10,20,30", 0, "",
		},
		{
			"NothingElseMatters", three,
			[]imap.Response{
				imap.Recent(9),
				imap.MailboxFlags{"x"},
				&imap.Search{Nums: []uint32{1, 99}}, &imap.ESearch{UID: true, All: imap.UIDs(99)},
				&imap.MailboxStatus{Messages: 99, UIDValidity: 99}, &imap.Malformed{}, code(imap.CodeUIDNext, 99), code(imap.CodeUIDValidity, 1),
				&imap.Status{Kind: imap.OK, Text: "Still here"}, row(0, 0, "x"),
			},
			"", "10,20,30", 0, "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := viewOf(c.uids...)
			if got := apply(t, v, c.in...); got != c.want {
				t.Errorf("changes\ngot  %s\nwant %s", got, c.want)
			}
			if got := v.state.UIDs().String(); got != c.known || v.Pending() != c.pending {
				t.Errorf("known %s and %d, want %s and %d", got, v.Pending(), c.known, c.pending)
			}
			if set, need := v.NeedFetch(); set.String() != c.fetch || need != (c.fetch != "") {
				t.Errorf("fetch %v %v, want %s", set, need, c.fetch)
			}
		})
	}
}

func TestContradictionsAreNoticed(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []imap.Response
	}{
		{"fewer without an expunge", []imap.Response{imap.Exists(2)}},
		{"expunge beyond the end", []imap.Response{imap.Expunge(4)}},
		{"expunge of message 0", []imap.Response{imap.Expunge(0)}},
		{"row beyond the end", []imap.Response{row(4, 40)}},
		{"another UID", []imap.Response{row(2, 21)}},
		{"an old UID at the end", []imap.Response{imap.Exists(4), row(4, 25)}},
		{"a known UID at the end", []imap.Response{imap.Exists(4), row(4, 30)}},
		{"a new UID in the middle", []imap.Response{imap.Exists(4), row(3, 40)}},
		{"UIDs against the numbers", []imap.Response{imap.Exists(6), row(6, 50), row(5, 60)}},
		{"numbers against the UIDs", []imap.Response{imap.Exists(6), row(5, 60), row(6, 50)}},
		{"two numbers for a UID", []imap.Response{imap.Exists(7), row(6, 50), row(7, 50)}},
		{"a gap that is none", []imap.Response{imap.Exists(6), row(6, 60), row(0, 50), row(0, 70)}},
		{"more vanished than pending", []imap.Response{imap.Exists(4), vanished(31, 99)}},
		{"vanished earlier, but known", []imap.Response{&imap.Vanished{Earlier: true, UIDs: imap.UIDs(20)}}},
		{"UIDVALIDITY", []imap.Response{code(imap.CodeUIDValidity, 2)}},
	} {
		v := viewOf(10, 20, 30)
		var err error
		for i, r := range c.in {
			if _, err = v.Apply(r); err != nil && i < len(c.in)-1 {
				t.Errorf("%s: too early: %v", c.name, err)
			}
		}
		broken, is := err.(*DesyncError)
		if !is || (broken.Reset == 2) != (c.name == "UIDVALIDITY") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestTooManyMessages(t *testing.T) {
	v := viewOf(1)
	if _, err := v.Apply(imap.Exists(MaxMessages)); err != nil {
		t.Error(err)
	}
	_, err := v.Apply(imap.Exists(MaxMessages + 1))
	if _, ok := err.(*LimitError); !ok {
		t.Errorf("got %v", err)
	}
}

func TestHighestModSeqMovesAtTheEndOfACommand(t *testing.T) {
	v := viewOf(1, 2)
	step := func(want imap.ModSeq, in ...imap.Response) {
		t.Helper()
		apply(t, v, in...)
		if got := v.State().HighestModSeq(); got != want {
			t.Errorf("after %s: %d, want %d", describe(in[0]), got, want)
		}
	}
	late := row(1, 1, "a")
	late.ModSeq = 500
	step(100, late)
	step(100, ok())
	step(100, code(imap.CodeHighestModSeq, 200))
	step(200, ok())
	// RFC 7162 section 6: lower than rows that were seen, and binding.
	done := ok()
	done.Code = &imap.Code{Name: imap.CodeHighestModSeq, Num: 150}
	step(150, done)
	v.vanishing = false // only QRESYNC promises that nothing below it is missing
	step(150, code(imap.CodeHighestModSeq, 300), ok())
}

// TestNothingOfAResponseIsKept checks that no string of a row is kept: all strings of a response share
// one allocation, so a keyword of six bytes would hold many kilobytes.
func TestNothingOfAResponseIsKept(t *testing.T) {
	frame := strings.Repeat("* 1 FETCH (FLAGS (work)) ", 1000)
	lo := uintptr(unsafe.Pointer(unsafe.StringData(frame)))
	inside := func(f imap.Flag) bool {
		p := uintptr(unsafe.Pointer(unsafe.StringData(string(f))))
		return p >= lo && p < lo+uintptr(len(frame))
	}
	work := imap.Flag(frame[18:22])
	if work != "work" || !inside(work) {
		t.Fatalf("%q", work)
	}
	v := viewOf(1)
	changes, _ := v.Apply(row(1, 1, work))
	kept := slices.Concat(changes[0].Flags, changes[0].Added)
	apply(t, v, imap.Exists(4), row(3, 9, work)) // waits
	kept = append(kept, v.tail[0].flags...)
	apply(t, v, row(2, 8, work))
	flags, _ := v.Flags(9)
	for _, f := range append(kept, flags...) {
		if inside(f) {
			t.Errorf("%q lies in the response", f)
		}
	}
}

// Example shows the trap that made real clients deaf: the count is the same, yet a message is new.
func Example() {
	v := viewOf(1, 2, 3)
	for _, r := range []imap.Response{vanished(2, 2), imap.Exists(3), row(3, 7, `\Flagged`)} {
		changes, err := v.Apply(r)
		fmt.Println(changes, err)
	}
	// Output:
	// [expunge 2] <nil>
	// [] <nil>
	// [new 7] <nil>
}
