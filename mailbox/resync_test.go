package mailbox

import (
	"slices"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/imap"
)

// answers maps a command to the responses before its "OK"; "again " and the command to those when it
// comes a second time. A command that is not there is refused.
type answers map[string][]imap.Response

// resync plays a resynchronisation and returns the commands, too.
func resync(t *testing.T, old *State, opened Opened, script answers) (v *View, changes string, report Report, steps []string, err error) {
	t.Helper()
	r := Begin(old, opened)
	for len(steps) < 30 {
		step, more := r.Next()
		if !more {
			break
		}
		steps = append(steps, step.String())
		in, known := script[step.String()]
		if again, ok := script["again "+step.String()]; ok && slices.Contains(steps[:len(steps)-1], step.String()) {
			in = again
		}
		for _, resp := range in {
			r.Feed(resp)
		}
		end := ok()
		if !known {
			end.Kind = imap.NO
		}
		r.Feed(end)
	}
	v, list, report, err := r.Finish()
	return v, said(slices.Collect(list.All())), report, steps, err
}

// away is a State with UIDVALIDITY 1, UIDNEXT 31, HIGHESTMODSEQ 100 and messages 10, 20 and 30.
func away() *State { return viewOf(10, 20, 30).State() }

func withModSeq(m *imap.Message, modSeq imap.ModSeq) *imap.Message {
	m.ModSeq, m.Items = modSeq, m.Items|imap.ItemModSeq
	return m
}

func earlier(uids ...imap.UID) *imap.Vanished {
	return &imap.Vanished{Earlier: true, UIDs: imap.UIDs(uids...)}
}

func found(uids ...imap.UID) *imap.ESearch { return &imap.ESearch{UID: true, All: imap.UIDs(uids...)} }

func TestResync(t *testing.T) {
	const (
		search  = "UID SEARCH RETURN (ALL) ALL"
		changed = "UID FETCH 1:30 (UID FLAGS MODSEQ) (CHANGEDSINCE 100)"
		news    = "UID FETCH 31:* (UID FLAGS MODSEQ)"
		proof   = "UID FETCH 30:* (UID FLAGS MODSEQ)"
		all     = "UID FETCH 1:* (UID FLAGS MODSEQ)"
		plain   = "UID FETCH 1:* (UID FLAGS)"
		rest    = "UID FETCH 21:* (UID FLAGS)"

		seen       = "SEARCH RETURN (ALL) SEEN"
		unused     = "SEARCH RETURN (ALL) OR SEEN KEYWORD a"
		rest2      = "SEARCH RETURN (ALL) KEYWORD a"
		newsPlain  = "UID FETCH 31:* (UID FLAGS)"
		proofPlain = "UID FETCH 30:* (UID FLAGS)"
	)
	in := func(r ...imap.Response) []imap.Response { return r }
	qresync := Opened{QResync: true, CondStore: true, ESearch: true, Resumed: true, UIDValidity: 1}
	condstore := Opened{CondStore: true, ESearch: true, UIDValidity: 1}
	none := Opened{UIDValidity: 1}
	esearch := Opened{ESearch: true, UIDValidity: 1, Flags: []imap.Flag{imap.FlagSeen, "a"}}
	at := func(seqs ...imap.UID) *imap.ESearch { return &imap.ESearch{All: imap.UIDs(seqs...)} }
	flagged := func(flags ...imap.Flag) *State { // the first message has them, or has been read
		if len(flags) == 0 {
			flags = []imap.Flag{imap.FlagSeen}
		}
		s := away()
		s.do(Change{Kind: Flags, UID: 10, Flags: flags})
		return s
	}
	defer small()()
	open := func(o Opened, uidNext imap.UID, highest imap.ModSeq, exists uint32, r ...imap.Response) Opened {
		o.UIDNext, o.HighestModSeq, o.Exists, o.Responses = uidNext, highest, exists, r
		return o
	}
	for _, c := range []struct {
		name   string
		old    *State
		opened Opened
		script answers
		steps  []string
		want   string
		method Method
		known  string
	}{
		{
			name: "first time", opened: open(condstore, 31, 100, 2),
			script: answers{all: in(row(1, 10), row(2, 20, "x"))}, steps: []string{all},
			method: ByInitial, known: "10,20",
		},
		{name: "first time, nothing there", opened: open(none, 1, 0, 0), method: ByInitial},
		{
			name: "QRESYNC, nothing happened", old: away(), opened: open(qresync, 31, 100, 3),
			method: ByQResync, known: "10,20,30",
		},
		{
			name: "QRESYNC, flags and an expunge come with SELECT", old: away(),
			opened: open(qresync, 31, 120, 2, withModSeq(row(2, 30, "x"), 120), earlier(1, 20)),
			want:   "expunge 20, flags 30 +x (modseq 120)", method: ByQResync, known: "10,30",
		},
		{
			name: "QRESYNC, as many came as went", old: away(),
			opened: open(qresync, 41, 120, 3, earlier(20)),
			script: answers{news: in(withModSeq(row(3, 40), 119))}, steps: []string{news},
			want: "expunge 20, new 40 (modseq 119)", method: ByQResync, known: "10,30,40",
		},
		{
			name: "QRESYNC, new message within SELECT", old: away(),
			opened: open(qresync, 41, 120, 4, withModSeq(row(4, 40), 119)),
			script: answers{"UID FETCH 41:* (UID FLAGS MODSEQ)": in(row(4, 40))}, steps: []string{"UID FETCH 41:* (UID FLAGS MODSEQ)"},
			want: "new 40 (modseq 119)", method: ByQResync, known: "10,20,30,40",
		},
		{
			name: "QRESYNC, but not in SELECT", old: away(),
			opened: func() Opened { o := open(qresync, 31, 120, 2); o.Resumed = false; return o }(),
			script: answers{"UID FETCH 1:30 (UID FLAGS MODSEQ) (CHANGEDSINCE 100 VANISHED)": in(earlier(10), withModSeq(row(1, 20, "x"), 110))},
			steps:  []string{"UID FETCH 1:30 (UID FLAGS MODSEQ) (CHANGEDSINCE 100 VANISHED)"},
			want:   "expunge 10, flags 20 +x (modseq 110)", method: ByQResync, known: "20,30",
		},
		{
			name: "QRESYNC that forgot to say what is gone", old: away(), opened: open(qresync, 31, 120, 2),
			script: answers{search: in(found(10, 30)), changed: nil}, steps: []string{search, changed},
			want: "expunge 20", method: ByCondStore, known: "10,30",
		},
		{
			name: "QRESYNC that forgot, hidden by a new message", old: away(), opened: open(qresync, 41, 120, 3),
			script: answers{news: in(row(3, 40)), search: in(found(10, 30, 40)), changed: nil},
			steps:  []string{news, search, news, changed},
			want:   "expunge 20, new 40", method: ByCondStore, known: "10,30,40",
		},
		{
			name: "CONDSTORE, nothing happened", old: away(), opened: open(condstore, 31, 100, 3),
			method: ByCondStore, known: "10,20,30",
		},
		{
			name: "CONDSTORE, flags alone", old: away(), opened: open(condstore, 31, 101, 3),
			script: answers{changed: in(withModSeq(row(1, 10, "x"), 101))}, steps: []string{changed},
			want: "flags 10 +x (modseq 101)", method: ByCondStore, known: "10,20,30",
		},
		{
			name: "CONDSTORE, a new message alone", old: away(), opened: open(condstore, 41, 101, 4),
			script: answers{proof: in(row(3, 30), withModSeq(row(4, 40), 101)), changed: nil}, steps: []string{proof, changed},
			want: "new 40 (modseq 101)", method: ByCondStore, known: "10,20,30,40",
		},
		{
			// An expunge need not move HIGHESTMODSEQ: the count alone tells.
			name: "CONDSTORE, an expunge alone", old: away(), opened: open(condstore, 31, 100, 2),
			script: answers{search: in(found(10, 30)), changed: nil}, steps: []string{search, changed},
			want: "expunge 20", method: ByCondStore, known: "10,30",
		},
		{
			name: "CONDSTORE, as many came as went", old: away(), opened: open(condstore, 41, 101, 3),
			script: answers{proof: in(row(2, 30), row(3, 40)), search: in(found(10, 30, 40)), news: in(row(3, 40)), changed: nil},
			steps:  []string{proof, search, news, changed},
			want:   "expunge 20, new 40", method: ByCondStore, known: "10,30,40",
		},
		{
			name: "CONDSTORE, the last known one went and one came", old: away(), opened: open(condstore, 41, 101, 3),
			script: answers{proof: in(row(3, 40)), search: in(found(10, 20, 40)), news: in(row(3, 40)), changed: nil},
			steps:  []string{proof, search, news, changed},
			want:   "expunge 30, new 40", method: ByCondStore, known: "10,20,40",
		},
		{
			name: "CONDSTORE, came and went", old: away(), opened: open(condstore, 41, 100, 3),
			script: answers{proof: in(row(3, 30))}, steps: []string{proof},
			method: ByCondStore, known: "10,20,30",
		},
		{
			name: "CONDSTORE without UIDNEXT", old: away(), opened: open(condstore, 0, 100, 3),
			script: answers{proof: in(row(3, 30))}, steps: []string{proof},
			method: ByCondStore, known: "10,20,30",
		},
		{
			name: "CONDSTORE, an expunge by number before the map is proven", old: away(), opened: open(condstore, 41, 101, 4),
			script: answers{proof: in(imap.Expunge(1), row(2, 30), row(3, 40)), search: in(found(20, 30, 40)), news: in(row(3, 40)), changed: nil},
			steps:  []string{proof, search, news, changed},
			want:   "expunge 10, new 40", method: ByCondStore, known: "20,30,40",
		},
		{
			name: "CONDSTORE, a search that lacks what is not told yet", old: away(), opened: open(condstore, 31, 101, 2),
			script: answers{search: in(found(10), imap.Expunge(2)), "again " + search: in(found(10)), changed: nil}, steps: []string{search, search, changed},
			want: "expunge 20, expunge 30", method: ByCondStore, known: "10",
		},
		{
			name: "CONDSTORE, flags told by number before the search", old: away(), opened: open(condstore, 31, 100, 2),
			script: answers{search: in(row(2, 0, "x"), found(10, 30)), changed: in(withModSeq(row(2, 30, "x"), 101))}, steps: []string{search, changed},
			want: "expunge 20, flags 30 +x (modseq 101)", method: ByCondStore, known: "10,30",
		},
		{
			name: "CONDSTORE, SEARCH in lines of its own", old: away(), opened: open(condstore, 31, 100, 2),
			script: answers{search: in(&imap.Search{Nums: []uint32{30}}, &imap.Search{Nums: []uint32{10}}), changed: nil}, steps: []string{search, changed},
			want: "expunge 20", method: ByCondStore, known: "10,30",
		},
		{
			name: "CONDSTORE, all gone and no SEARCH line", old: away(), opened: open(condstore, 31, 100, 0),
			script: answers{search: nil, changed: nil}, steps: []string{search, changed},
			want: "expunge 10, expunge 20, expunge 30", method: ByCondStore,
		},
		{
			name: "CONDSTORE, a UID below the known ones", old: away(), opened: open(condstore, 31, 100, 2),
			script: answers{search: in(found(10, 15)), all: in(row(1, 10), row(2, 15))}, steps: []string{search, all},
			want: "expunge 20, expunge 30, new 15", method: ByUIDDiff, known: "10,15",
		},
		{
			name: "CONDSTORE refuses SEARCH", old: away(), opened: open(condstore, 31, 100, 2),
			script: answers{all: in(row(1, 10), row(2, 30))}, steps: []string{search, all},
			want: "expunge 20", method: ByUIDDiff, known: "10,30",
		},
		{
			name: "CONDSTORE refuses CHANGEDSINCE", old: away(), opened: open(condstore, 31, 101, 3),
			script: answers{all: in(row(1, 10), row(2, 20, "x"), row(3, 30))}, steps: []string{changed, all},
			want: "flags 20 +x (rev 1)", method: ByUIDDiff, known: "10,20,30",
		},
		{
			name: "HIGHESTMODSEQ went back", old: away(), opened: open(qresync, 31, 99, 3),
			script: answers{all: in(row(1, 10), row(2, 20), row(3, 30))}, steps: []string{all},
			method: ByUIDDiff, known: "10,20,30",
		},
		{
			name: "UIDNEXT went back", old: away(), opened: open(qresync, 30, 200, 2),
			script: answers{all: in(row(1, 10), row(2, 20))}, steps: []string{all},
			want: "expunge 30", method: ByUIDDiff, known: "10,20",
		},
		{
			name: "no mod-sequences any more", old: away(), opened: open(none, 31, 0, 3),
			script: answers{plain: in(row(1, 10, "x"), row(2, 20), row(3, 30))}, steps: []string{plain},
			want: "flags 10 +x (rev 1)", method: ByUIDDiff, known: "10,20,30",
		},
		{
			name: "search, nothing happened", old: away(), opened: open(esearch, 31, 0, 3),
			script: answers{unused: in(at())}, steps: []string{unused},
			method: BySearch, known: "10,20,30",
		},
		{
			name: "search, a flag nobody had", old: away(), opened: open(esearch, 31, 0, 3),
			script: answers{unused: in(at(2)), "UID FETCH 20 (UID FLAGS)": in(row(2, 20, "a"))},
			steps:  []string{unused, "UID FETCH 20 (UID FLAGS)"},
			want:   "flags 20 +a (rev 1)", method: BySearch, known: "10,20,30",
		},
		{
			name: "search, one got a flag and another lost it", old: flagged(), opened: open(esearch, 31, 0, 3),
			script: answers{seen: in(at(3)), rest2: in(at()), "UID FETCH 10,30 (UID FLAGS)": in(row(1, 10), row(3, 30, imap.FlagSeen))},
			steps:  []string{seen, rest2, "UID FETCH 10,30 (UID FLAGS)"},
			want:   `flags 10 -\Seen (rev 1), flags 30 +\Seen (rev 1)`, method: BySearch, known: "10,20,30",
		},
		{
			name: "search, numbers after an expunge and a new message", old: flagged(), opened: open(esearch, 41, 0, 3),
			script: answers{
				proofPlain: in(row(2, 30), row(3, 40, "a")), search: in(found(10, 30, 40)), newsPlain: in(row(3, 40, "a")),
				seen: in(at(1, 2)), "SEARCH RETURN (ALL) KEYWORD a": in(at(3)), "UID FETCH 30 (UID FLAGS)": in(row(2, 30, imap.FlagSeen)),
			},
			steps: []string{proofPlain, search, newsPlain, seen, "SEARCH RETURN (ALL) KEYWORD a", "UID FETCH 30 (UID FLAGS)"},
			want:  `expunge 20, flags 30 +\Seen (rev 1), new 40`, method: BySearch, known: "10,30,40",
		},
		{
			name: "search, an expunge that should not come makes numbers doubtful", old: flagged(), opened: open(esearch, 31, 0, 3),
			script: answers{seen: in(at(1), imap.Expunge(1)), "again " + seen: in(at()), rest2: in(at())},
			steps:  []string{seen, seen, rest2},
			want:   "expunge 10", method: BySearch, known: "20,30",
		},
		{
			name: "search, a keyword that is listed meanwhile", old: away(), opened: open(esearch, 31, 0, 3),
			script: answers{
				unused: in(at(), imap.MailboxFlags{imap.FlagSeen, "a", "b"}, row(1, 10, "b")), "SEARCH RETURN (ALL) KEYWORD b": in(at(1, 2)),
				"UID FETCH 20 (UID FLAGS)": in(row(2, 20, "b")),
			},
			steps: []string{unused, "SEARCH RETURN (ALL) KEYWORD b", "UID FETCH 20 (UID FLAGS)"},
			want:  "flags 10 +b (rev 1), flags 20 +b (rev 1)", method: BySearch, known: "10,20,30",
		},
		{
			name: "search, a flag that is not listed", old: away(), opened: open(esearch, 31, 0, 3),
			script: answers{unused: in(at(1)), "UID FETCH 10 (UID FLAGS)": in(row(1, 10, "b")), plain: in(row(1, 10, "b"), row(2, 20), row(3, 30, "b"))},
			steps:  []string{unused, "UID FETCH 10 (UID FLAGS)", plain},
			want:   "flags 10 +b (rev 1), flags 30 +b (rev 1)", method: ByUIDDiff, known: "10,20,30",
		},
		{
			name: "search, a flag that messages have is not listed any more", old: flagged("b"), opened: open(esearch, 31, 0, 3),
			script: answers{"SEARCH RETURN (ALL) KEYWORD b": in(at(1)), plain: in(row(1, 10, "b"), row(2, 20), row(3, 30))},
			steps:  []string{"SEARCH RETURN (ALL) KEYWORD b", plain},
			method: ByUIDDiff, known: "10,20,30",
		},
		{
			name: "search, is refused", old: away(), opened: open(esearch, 31, 0, 3),
			script: answers{plain: in(row(1, 10), row(2, 20), row(3, 30))}, steps: []string{unused, plain},
			method: ByUIDDiff, known: "10,20,30",
		},
		{
			name: "search, is not answered", old: away(), opened: open(esearch, 31, 0, 3),
			script: answers{unused: nil, plain: in(row(1, 10), row(2, 20), row(3, 30))}, steps: []string{unused, plain},
			method: ByUIDDiff, known: "10,20,30",
		},
		{
			name: "search, answered by SEARCH", old: away(), opened: open(esearch, 31, 0, 3),
			script: answers{unused: in(&imap.Search{Nums: []uint32{3}}), "UID FETCH 30 (UID FLAGS)": in(row(3, 30, "a"))},
			steps:  []string{unused, "UID FETCH 30 (UID FLAGS)"},
			want:   "flags 30 +a (rev 1)", method: BySearch, known: "10,20,30",
		},
		{
			name: "search, UIDNEXT went back", old: away(), opened: open(esearch, 30, 0, 2),
			script: answers{plain: in(row(1, 10), row(2, 20))}, steps: []string{plain},
			want: "expunge 30", method: ByUIDDiff, known: "10,20",
		},
		{
			name: "search, without UIDNEXT", old: away(), opened: open(esearch, 0, 0, 3),
			script: answers{plain: in(row(1, 10), row(2, 20), row(3, 30))}, steps: []string{plain},
			method: ByUIDDiff, known: "10,20,30",
		},
		{
			name: "search, a flag that has no search key", old: flagged(`\Junk`), opened: open(esearch, 31, 0, 3),
			script: answers{plain: in(row(1, 10, `\Junk`), row(2, 20), row(3, 30))}, steps: []string{plain},
			method: ByUIDDiff, known: "10,20,30",
		},
		{
			name: "UID diff, the mailbox moves meanwhile", old: away(), opened: open(none, 41, 0, 4),
			script: answers{
				plain:                        in(row(1, 10), imap.Exists(5), row(2, 20), imap.Expunge(3), row(3, 40), row(1, 0, "x"), imap.Expunge(2)),
				"UID FETCH 41:* (UID FLAGS)": in(row(3, 50)),
			},
			steps: []string{plain, "UID FETCH 41:* (UID FLAGS)"},
			want:  "expunge 20, expunge 30, flags 10 +x (rev 1), new 40, new 50", method: ByUIDDiff, known: "10,40,50",
		},
		{
			name: "UID diff, new and gone again", old: away(), opened: open(none, 41, 0, 4),
			script: answers{plain: in(row(1, 10), row(2, 20), row(3, 30), row(4, 40), imap.Expunge(4))}, steps: []string{plain},
			method: ByUIDDiff, known: "10,20,30",
		},
		{
			name: "UID diff, rows that contradict once", old: away(), opened: open(none, 31, 0, 3),
			script: answers{plain: in(row(1, 10), row(2, 20), row(3, 15)), "again " + plain: in(row(1, 10), row(2, 20), row(3, 30))}, steps: []string{plain, plain},
			method: ByUIDDiff, known: "10,20,30",
		},
		{
			name: "UID diff, UIDs that do not ascend, for ever", old: away(), opened: open(none, 31, 0, 3),
			script: answers{plain: in(row(1, 10), row(2, 20), row(3, 15))}, steps: []string{plain, plain, plain},
			want: "expunge 30, new 15", method: ByUIDDiff, known: "10,15,20",
		},
		{
			name: "UID diff, two messages with the same UID", old: away(), opened: open(none, 31, 0, 3),
			script: answers{plain: in(row(1, 10), row(2, 20), row(3, 20)), rest: in(row(3, 20))},
			steps:  []string{plain, plain, plain, rest, rest, rest},
			method: ByUIDDiff, known: "10,20,30", // the third message may well be UID 30
		},
		{
			name: "UID diff, a message that never comes", old: away(), opened: open(none, 31, 0, 3),
			script: answers{plain: in(row(1, 10), row(2, 20)), rest: in(row(2, 20))},
			steps:  []string{plain, rest, rest, rest},
			method: ByUIDDiff, known: "10,20,30",
		},
		{
			name: "UID diff, a message in the middle that never comes", old: away(), opened: open(none, 31, 0, 4),
			script: answers{
				plain: in(row(1, 10), row(3, 30, "x"), row(4, 40)), "UID FETCH 11:29,31:39,41:* (UID FLAGS)": in(row(4, 40)),
			},
			steps: []string{plain, "UID FETCH 11:29,31:39,41:* (UID FLAGS)", "UID FETCH 11:29,31:39,41:* (UID FLAGS)", "UID FETCH 11:29,31:39,41:* (UID FLAGS)"},
			want:  "flags 30 +x (rev 1), new 40", method: ByUIDDiff, known: "10,20,30,40",
		},
		{
			name: "UID diff, a message that never comes and one that is gone", old: away(), opened: open(none, 41, 0, 2),
			script: answers{plain: in(row(2, 40)), "UID FETCH 1:39,41:* (UID FLAGS)": in(row(2, 40))},
			steps:  []string{plain, "UID FETCH 1:39,41:* (UID FLAGS)", "UID FETCH 1:39,41:* (UID FLAGS)"},
			want:   "expunge 10, expunge 20, expunge 30, new 40", method: ByUIDDiff, known: "40", // nobody knows which one
		},
		{
			name: "UID diff, EXISTS shrinks without an expunge", old: away(), opened: open(none, 31, 0, 3),
			script: answers{plain: in(row(1, 10), imap.Exists(2)), "again " + plain: in(row(1, 10), row(2, 30))}, steps: []string{plain, plain},
			want: "expunge 20", method: ByUIDDiff, known: "10,30",
		},
		{
			name: "UID diff, EXISTS shrinks each time", old: away(), opened: open(none, 31, 0, 30),
			script: answers{plain: in(imap.Exists(3), imap.Exists(2))}, method: "error",
			steps: []string{plain, plain, plain},
		},
		{
			name: "UIDVALIDITY changes meanwhile", old: away(), opened: open(none, 31, 0, 3),
			script: answers{plain: in(code(imap.CodeUIDValidity, 2))}, steps: []string{plain}, method: "error",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, changes, report, steps, err := resync(t, c.old, c.opened, c.script)
			if c.method == "error" {
				if _, is := err.(*DesyncError); !is || !slices.Equal(steps, c.steps) {
					t.Errorf("%v: %v", steps, err)
				}
				return
			}
			if err != nil {
				t.Fatalf("%v, after %q", err, steps)
			}
			if changes != c.want || !slices.Equal(steps, c.steps) {
				t.Errorf("got  %s by %q\nwant %s by %q", changes, steps, c.want, c.steps)
			}
			if report.Method != c.method || v.state.UIDs().String() != c.known || v.Pending() != 0 || report.Steps != len(steps) {
				t.Errorf("%+v, known %v", report, v.state.UIDs())
			}
			if want := c.opened.HighestModSeq; v.state.highest != want {
				t.Errorf("HIGHESTMODSEQ %d, want %d", v.state.highest, want)
			}
		})
	}
}

func TestUIDValidityChangeIsReset(t *testing.T) {
	opened := Opened{UIDValidity: 2, UIDNext: 4, Exists: 1}
	v, changes, report, _, err := resync(t, away(), opened, answers{"UID FETCH 1:* (UID FLAGS)": {row(1, 3)}})
	if err != nil || changes != "" || !report.Reset || report.OldValidity != 1 || report.UIDValidity != 2 || report.Method != ByInitial {
		t.Errorf("%q, %+v, %v", changes, report, err)
	}
	if s := v.State(); s.UIDValidity() != 2 || s.UIDs().String() != "3" || s.UIDNext() != 4 {
		t.Errorf("%v", dump(s))
	}
}

// TestBusyMailboxDoesNotHoldUpTheEnd: messages arrive with each command. The last are left to the View,
// and UIDNEXT, which would claim that they are known, is not taken over.
func TestBusyMailboxDoesNotHoldUpTheEnd(t *testing.T) {
	for _, opened := range []Opened{
		{UIDValidity: 1, UIDNext: 2000, Exists: 4},
		{CondStore: true, UIDValidity: 1, UIDNext: 2000, HighestModSeq: 100, Exists: 4},
		{QResync: true, CondStore: true, Resumed: true, UIDValidity: 1, UIDNext: 2000, HighestModSeq: 100, Exists: 4},
	} {
		r := Begin(away(), opened)
		seq := imap.SeqNum(4)
		for range 100 {
			step, more := r.Next()
			if !more {
				break
			}
			if step.UIDs.Min() == 1 {
				r.Feed(row(1, 10))
				r.Feed(row(2, 20))
			}
			if step.UIDs.Min() <= 30 {
				r.Feed(row(3, 30))
			}
			r.Feed(row(seq, imap.UID(seq)*10))
			seq++
			r.Feed(imap.Exists(seq))
			r.Feed(ok())
		}
		v, changes, report, err := r.Finish()
		if err != nil || report.Steps != maxRounds || changes.Len() != maxRounds || v.Pending() != 1 {
			t.Fatalf("%v, %+v, %v", err, report, said(slices.Collect(changes.All())))
		}
		if got, want := v.State().UIDNext(), imap.UID(max(seq-1, 0))*10+1; got != want {
			t.Errorf("%s: UIDNEXT %d, want %d", report.Method, got, want)
		}
	}
}

func TestObserveCollectsSelect(t *testing.T) {
	o := Opened{QResync: true, CondStore: true, Resumed: true}
	closed := &imap.Status{Kind: imap.OK, Code: &imap.Code{Name: imap.CodeClosed}}
	for _, r := range []imap.Response{
		imap.Expunge(3), imap.Exists(7), closed, // the mailbox before
		imap.Exists(2), code(imap.CodeUIDValidity, 9), code(imap.CodeUIDNext, 31), code(imap.CodeHighestModSeq, 5),
		earlier(20), row(1, 10), imap.Recent(1), imap.Exists(3), ok(),
	} {
		o.Observe(r)
	}
	if o.Exists != 2 || o.UIDValidity != 9 || o.UIDNext != 31 || o.HighestModSeq != 5 || o.NoModSeq || len(o.Responses) != 3 || !o.QResync || !o.Resumed {
		t.Errorf("%+v", o)
	}
	o.Observe(code(imap.CodeNoModSeq, 0))
	if !o.NoModSeq || o.HighestModSeq != 0 || o.modSeqs() {
		t.Errorf("%+v", o)
	}
}

func TestSelectParams(t *testing.T) {
	if _, ok := SelectParams(nil); ok {
		t.Error("parameters without a State")
	}
	if _, ok := SelectParams(newState()); ok {
		t.Error("parameters without a mod-sequence")
	}
	q, ok := SelectParams(away())
	if !ok || q.UIDValidity != 1 || q.ModSeq != 100 || q.Known.String() != "10,20,30" || q.MatchSeq.String() != "2:3" || q.MatchUID.String() != "20,30" {
		t.Errorf("%+v", q)
	}
	s := fill(200_000, func(i int) bool { return i%3 == 0 }, func(int) []imap.Flag { return nil })
	s.uidValidity, s.highest = 1, 1
	q, _ = SelectParams(s)
	if len(q.Known.String()) > maxKnownText || !q.Known.Contains(s.UIDAt(200_000)) || len(s.UIDs().Subtract(q.Known)) != 0 {
		t.Errorf("%d bytes of UIDs", len(q.Known.String()))
	}
	if q.MatchSeq.Len() != q.MatchUID.Len() || q.MatchSeq.Len() < 10 || q.MatchSeq.Max() != 200_000 {
		t.Errorf("%v %v", q.MatchSeq, q.MatchUID)
	}
	uids := slices.Collect(q.MatchUID.All())
	for i, seq := range slices.Collect(q.MatchSeq.All()) {
		if s.UIDAt(seq) != uids[i] {
			t.Errorf("message %d is UID %d, not %d", seq, s.UIDAt(seq), uids[i])
		}
	}
	if total := len(q.Known.String()) + len(q.MatchSeq.String()) + len(q.MatchUID.String()); total > 1000 {
		t.Errorf("%d bytes", total)
	}
}

// TestClaimsMoveWithTheBatch: HIGHESTMODSEQ and UIDNEXT wait for all changes up to the command that
// ended with them, not for later ones.
func TestClaimsMoveWithTheBatch(t *testing.T) {
	old := away()
	opened := Opened{QResync: true, CondStore: true, Resumed: true, UIDValidity: 1, UIDNext: 41, HighestModSeq: 120, Exists: 3, Responses: []imap.Response{earlier(20)}}
	r := Begin(old, opened)
	step, _ := r.Next()
	if !strings.HasPrefix(step.String(), "UID FETCH 31:*") {
		t.Fatal(step)
	}
	r.Feed(row(3, 40))
	r.Feed(ok())
	v, changes, _, err := r.Finish()
	if got := said(slices.Collect(changes.All())); err != nil || got != "expunge 20, new 40" {
		t.Fatal(got, err)
	}
	l := NewLedger(v, changes)
	check := func(uids string, highest imap.ModSeq, uidNext imap.UID, waiting int) {
		t.Helper()
		s := l.State()
		if s.UIDs().String() != uids || s.HighestModSeq() != highest || s.UIDNext() != uidNext || l.Len() != waiting {
			t.Errorf("%v, %d, %d, %d waiting; want %s, %d, %d, %d", s.UIDs(), s.HighestModSeq(), s.UIDNext(), l.Len(), uids, highest, uidNext, waiting)
		}
	}
	check("10,20,30", 100, 31, 2)
	l.Ack()
	check("10,30", 100, 31, 1)
	for _, resp := range []imap.Response{row(1, 10, "x"), code(imap.CodeHighestModSeq, 130), ok(), row(1, 10)} {
		if err := l.Apply(resp); err != nil {
			t.Fatal(err)
		}
	}
	check("10,30", 100, 31, 3)
	l.Ack()
	check("10,30,40", 120, 41, 2)
	l.Ack()
	check("10,30,40", 130, 41, 1)
	l.Ack()
	check("10,30,40", 130, 41, 0)
	l.Ack()
	check("10,30,40", 130, 41, 0)
	if old.UIDs().String() != "10,20,30" || old.HighestModSeq() != 100 {
		t.Errorf("the stored State was changed: %v", dump(old))
	}
}
