package mailbox

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// Method is how a resynchronisation found out what changed.
type Method string

// The rungs of the ladder, cheapest first. A rung that turns out not to hold is left for the next.
const (
	// ByQResync: the server said what changed and what is gone (RFC 7162 section 3.2).
	ByQResync Method = "qresync"
	// ByCondStore: the server said what changed; what is gone was told by counting or, if that left a
	// doubt, by a UID SEARCH (RFC 7162 section 3.1).
	ByCondStore Method = "condstore"
	// BySearch: the server said which messages have which flag, and only the flags of those were fetched that
	// seemed to differ; what is gone was found as by ByCondStore (RFC 4731).
	BySearch Method = "search"
	// ByUIDDiff: the UIDs and flags of all messages were fetched and compared.
	ByUIDDiff Method = "uid-diff"
	// ByInitial: all were fetched and there was nothing to compare them with.
	ByInitial Method = "initial"
)

// StepKind is the kind of a [Step].
type StepKind uint8

// The kinds of steps.
const (
	// FetchFlags is UID FETCH UIDs (UID FLAGS [MODSEQ]) [(CHANGEDSINCE ChangedSince [VANISHED])].
	FetchFlags StepKind = iota + 1
	// SearchAll is UID SEARCH [RETURN (ALL)] ALL.
	SearchAll
	// SearchFlags is SEARCH RETURN (ALL), not UID SEARCH, for messages that have one of Flags at least.
	SearchFlags
	// FetchIdentity is UID FETCH UIDs with what Basis.Fetch returns, and ENVELOPE if so said.
	FetchIdentity
)

// Step is a command to be run for a [Resync].
type Step struct {
	Kind         StepKind
	UIDs         imap.UIDSet
	ModSeq       bool        // ask for MODSEQ, too
	ChangedSince imap.ModSeq // 0: without
	Vanished     bool
	ReturnAll    bool // SEARCH RETURN (ALL)
	Flags        []imap.Flag
	Basis        Basis
	Envelope     bool
}

// String returns the command, for logs and tests.
func (s Step) String() string {
	switch {
	case s.Kind == SearchAll && s.ReturnAll:
		return "UID SEARCH RETURN (ALL) ALL"
	case s.Kind == SearchAll:
		return "UID SEARCH ALL"
	case s.Kind == SearchFlags:
		return "SEARCH RETURN (ALL) " + keyText(s.Flags)
	case s.Kind == FetchIdentity:
		return fmt.Sprintf("UID FETCH %v (what identifies them)", s.UIDs)
	}
	text := fmt.Sprintf("UID FETCH %v (UID FLAGS", s.UIDs)
	if s.ModSeq {
		text += " MODSEQ"
	}
	text += ")"
	switch {
	case s.Vanished:
		text += fmt.Sprintf(" (CHANGEDSINCE %d VANISHED)", s.ChangedSince)
	case s.ChangedSince != 0:
		text += fmt.Sprintf(" (CHANGEDSINCE %d)", s.ChangedSince)
	}
	return text
}

// SearchKey returns what a search is to find.
func (s Step) SearchKey() imap.SearchKey {
	var keys []imap.SearchKey
	for _, f := range s.Flags {
		keys = append(keys, imap.WithFlag(f))
	}
	switch {
	case s.Kind != SearchFlags:
		return imap.All()
	case len(keys) == 1:
		return keys[0]
	}
	return imap.Or(keys...)
}

// keyText is the text of a SearchKey for flags.
func keyText(flags []imap.Flag) string {
	text := "KEYWORD " + string(flags[0])
	if name, system := strings.CutPrefix(string(flags[0]), `\`); system {
		text = strings.ToUpper(name)
	}
	if len(flags) > 1 {
		text = "OR " + text + " " + keyText(flags[1:])
	}
	return text
}

// Report says how a resynchronisation went.
type Report struct {
	Method Method // the rung that held
	// Reset: UIDVALIDITY is not what it was, all UIDs mean something else now, and the mailbox was read
	// as if for the first time, so there are no changes. OldValidity is what it was.
	Reset                    bool
	OldValidity, UIDValidity uint32
	// Left says, for each rung that was not used or did not hold, why.
	Left []string
	// Steps is how many commands it took beside SELECT.
	Steps int
	// Known is the number of messages now known; the others count the changes.
	Known, Expunged, Flagged, New int
	// Replaced is the number of messages whose UIDs the server has given to others. They count as expunged, the
	// others as new.
	Replaced int
	// Missing is the number of messages that the server counts but does not return, or that it gives the
	// UIDs of others. They are not known; one that shows up later is new then.
	Missing int
}

// maxAttempts bounds how often all is fetched anew because the server contradicts itself.
const maxAttempts = 3

// maxRounds bounds how often a rung asks for the messages that arrive while it works.
const maxRounds = 8

// Resync works out what changed between an old [State] and the mailbox as it is now selected, by the
// cheapest commands that the server offers. It does no I/O: run each Step of [Resync.Next], feed every
// response that arrives meanwhile to [Resync.Feed], the tagged one last, and end with [Resync.Finish].
//
// Whatever else a server sends between two responses (new messages, expunges, flags of other messages)
// is taken in, too, so the View is right when it ends. It is not safe for concurrent use.
type Resync struct {
	old    *State // nil: nothing to compare with
	opened Opened
	rung   rung
	view   *View
	report Report
	err    error

	step    Step                     // the one that is running
	stepOf  rung                     // which asked for it; nil when none is running
	news    int                      // responses of messages that came or went
	orphan  bool                     // a row without UID came while nobody knew whose it was
	touched map[imap.UID]imap.ModSeq // whose flags are not the old ones, or that are new
	revised map[imap.UID]struct{}    // whose revision was counted up on the way
	check   check
}

// rung is one way to resynchronise.
type rung interface {
	method() Method
	// next returns the next command, false when the View is complete. It may leave the rung.
	next(r *Resync) (Step, bool)
	// feed takes in one untagged response.
	feed(r *Resync, resp imap.Response)
	// end is told that the step it asked for has ended; failed means NO or BAD.
	end(r *Resync, failed bool)
}

// Begin plans the way from old, which is nil if there is none, to the mailbox as it was opened. It does
// not change old, whose memory it shares.
func Begin(old *State, opened Opened) *Resync {
	r := &Resync{opened: opened, touched: map[imap.UID]imap.ModSeq{}, revised: map[imap.UID]struct{}{}}
	r.report.UIDValidity = opened.UIDValidity
	if old != nil && old.own != nil {
		r.old = old.Clone()
	}
	if r.old != nil && r.old.uidValidity != opened.UIDValidity {
		r.report.Reset, r.report.OldValidity = true, r.old.uidValidity
		r.old = nil
	}
	if opened.Exists > MaxMessages {
		r.err = &LimitError{"messages", MaxMessages}
		return r
	}
	r.choose()
	return r
}

// choose starts on the highest rung that can be trusted.
func (r *Resync) choose() {
	o := &r.opened
	restored := r.restored()
	switch why := cmp.Or(restored, r.noModSeqs()); {
	case r.old == nil:
		r.start(&diffRung{initial: true}, o.Exists)
	case why != "":
		left := ByCondStore
		if o.QResync {
			left = ByQResync
		}
		r.leave(left, why)
		r.compareAll(restored)
	case o.QResync:
		r.start(&qresyncRung{}, o.Exists)
	default:
		r.start(&condstoreRung{mapping: newMapping(r)}, o.Exists)
	}
	// RFC 7162 section 3.2.6: VANISHED (EARLIER) comes before the rows, whose numbers depend on it.
	for _, resp := range o.Responses {
		if isEarlier(resp) {
			r.Feed(resp)
		}
	}
	if q, ok := r.rung.(*qresyncRung); ok {
		q.opened(r)
	}
	for _, resp := range o.Responses {
		if !isEarlier(resp) {
			r.Feed(resp)
		}
	}
	r.opened.Responses = nil
}

func isEarlier(resp imap.Response) bool {
	v, ok := resp.(*imap.Vanished)
	return ok && v.Earlier
}

// restored says how the mailbox went backwards under the same UIDVALIDITY, "" if it did not: it was restored from
// a backup, and counts again from there.
func (r *Resync) restored() string {
	o := &r.opened
	switch {
	case r.old == nil:
		return ""
	case o.modSeqs() && o.HighestModSeq < r.old.highest:
		return fmt.Sprintf("HIGHESTMODSEQ went back from %d to %d", r.old.highest, o.HighestModSeq)
	case o.UIDNext != 0 && o.UIDNext < r.old.uidNext:
		return fmt.Sprintf("UIDNEXT went back from %d to %d", r.old.uidNext, o.UIDNext)
	}
	return ""
}

// noModSeqs says why there is no mod-sequence to start from, "" if there is.
func (r *Resync) noModSeqs() string {
	switch {
	case r.old == nil:
		return ""
	case !r.opened.modSeqs():
		return "the mailbox has no mod-sequences"
	case r.old.highest == 0:
		return "no mod-sequence was stored"
	}
	return ""
}

// compareAll starts on a rung that does without mod-sequences.
func (r *Resync) compareAll(restored string) {
	if why := cmp.Or(restored, r.searchFlaw()); why != "" {
		r.leave(BySearch, why)
		r.start(&diffRung{}, r.opened.Exists)
		return
	}
	r.start(&searchRung{mapping: newMapping(r)}, r.opened.Exists)
}

func (r *Resync) leave(rung Method, why string) {
	r.report.Left = append(r.report.Left, fmt.Sprintf("%s: %s", rung, why))
}

// start begins a rung in a mailbox of count messages. All but the diff begin with what was known.
func (r *Resync) start(to rung, count uint32) {
	state := newState()
	if _, diff := to.(*diffRung); !diff {
		state = r.old.Clone()
	}
	state.uidValidity, state.highest = r.opened.UIDValidity, 0
	if r.opened.modSeqs() {
		state.highest = r.opened.HighestModSeq
	}
	r.rung = to
	r.view = &View{state: state, count: count, vanishing: r.opened.QResync && !r.opened.NoModSeq}
	clear(r.touched)
	clear(r.revised)
	r.check = check{}
}

// descend leaves the rung for one that trusts less.
func (r *Resync) descend(why string) {
	count := r.view.count
	switch rung := r.rung.(type) {
	case *qresyncRung:
		r.leave(ByQResync, why)
		r.start(&condstoreRung{mapping: mapping{search: true, doubt: true}}, count)
	case *condstoreRung:
		if !rung.search {
			r.start(&condstoreRung{mapping: mapping{search: true, doubt: true}}, count)
			return
		}
		r.leave(ByCondStore, why)
		r.start(&diffRung{}, count)
	case *searchRung:
		if !rung.search {
			r.start(&searchRung{mapping: mapping{search: true, doubt: true}}, count)
			return
		}
		r.leave(BySearch, why)
		r.start(&diffRung{}, count)
	case *diffRung:
		if rung.attempt >= maxAttempts {
			r.fail(desync("%s", why))
			return
		}
		r.start(&diffRung{initial: rung.initial, attempt: rung.attempt + 1}, count)
		r.view.unnumbered = rung.attempt > 0 // the numbers are nonsense, and not relied upon
	}
}

func (r *Resync) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// Next returns the next command to run, false if there is none: then call [Resync.Finish]. It must be
// called after the tagged response of the step before was fed.
func (r *Resync) Next() (Step, bool) {
	for r.err == nil {
		was := r.rung
		step, more := r.rung.next(r)
		if r.rung != was {
			continue // it was left
		}
		if r.err == nil && !more {
			step, more = r.check.next(r)
		}
		if r.err == nil && more {
			r.step, r.stepOf = step, r.rung
			r.report.Steps++
			return step, true
		}
		break
	}
	return Step{}, false
}

// Feed takes in one response, whether the step asked for it or not. A tagged one ends the step; NO or
// BAD is not an error here but makes the resynchronisation go another way.
func (r *Resync) Feed(resp imap.Response) {
	if r.err != nil {
		return
	}
	switch resp.(type) {
	case imap.Exists, imap.Expunge, *imap.Vanished:
		r.news++
	}
	tagged, ended := resp.(*imap.Tagged)
	if row, ok := resp.(*imap.Message); ok {
		r.check.look(r, row)
	}
	if ended {
		r.apply(resp)
	} else {
		r.rung.feed(r, resp)
	}
	if ended {
		asked := r.stepOf
		if r.checking() {
			asked = nil // not the rung did
		}
		r.stepOf = nil
		if r.err == nil && asked == r.rung { // a rung that was left meanwhile asks anew
			r.rung.end(r, tagged.Kind != imap.OK)
		}
	}
}

// apply gives a response to the View and leaves the rung when it contradicts.
func (r *Resync) apply(resp imap.Response) {
	err := r.view.apply(r, resp)
	if err == nil {
		return
	}
	broken, ok := err.(*DesyncError)
	if !ok || broken.Reset != 0 {
		r.fail(err)
		return
	}
	switch resp := resp.(type) {
	case imap.Exists: // fewer than before: the count at least is known now
		r.view.count = uint32(resp)
	case *imap.Message:
	default:
		r.fail(err) // nobody knows how many messages there are
		return
	}
	r.descend(broken.Reason)
}

// record remembers which messages may differ from the old state.
func (r *Resync) record(_ *View, d delta, _ *flagSet) {
	if d.rev != 0 {
		r.revised[d.uid] = struct{}{}
	}
	switch {
	case r.old == nil:
		return
	case d.kind == Expunge:
		r.untouch(d.uid, d.uid+imap.UID(d.n-1))
		return
	}
	flags, ok := r.old.Flags(d.uid)
	switch {
	case !ok && d.modSeq == 0: // a new one; there is nothing to remember of it
	case !ok || !equalFlags(flags, d.set.flags):
		r.touched[d.uid] = d.modSeq
	default:
		delete(r.touched, d.uid)
	}
}

// untouch forgets the messages from first to last, in time for the smaller of the two numbers.
func (r *Resync) untouch(first, last imap.UID) {
	if int64(last-first) > int64(len(r.touched)) {
		maps.DeleteFunc(r.touched, func(uid imap.UID, _ imap.ModSeq) bool { return first <= uid && uid <= last })
		return
	}
	for uid := first; ; uid++ {
		if delete(r.touched, uid); uid == last {
			return
		}
	}
}

func equalFlags(a, b []imap.Flag) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if compareFlag(a[i], b[i]) != 0 {
			return false
		}
	}
	return true
}

// Finish returns the View, ready for live responses, and what changed since the old State; nil changes
// the first time and after a reset. Messages that arrived during the last step may still be pending in the View.
//
// The error is a [*DesyncError] when the server contradicts itself, so that only another SELECT can
// help, or that its UIDVALIDITY changed meanwhile; or a [*LimitError].
func (r *Resync) Finish() (*View, *Changes, Report, error) {
	r.report.Method = ByInitial
	if r.rung != nil {
		r.report.Method = r.rung.method()
	}
	if r.err == nil && r.stepOf != nil {
		r.err = desync("the resynchronisation was not carried through")
	}
	if r.err != nil {
		return nil, nil, r.report, r.err
	}
	v := r.view
	v.Commit()
	if v.Pending() == 0 { // else UIDNEXT promises too much
		v.state.uidNext = max(v.state.uidNext, r.opened.UIDNext)
	}
	r.report.Known, r.report.Missing = v.state.n, int(v.missing)
	if r.old == nil {
		for uid := range r.revised {
			v.state.setRev(uid, 0)
		}
		return v, nil, r.report, nil
	}
	changes := r.changes(v.state)
	v.state.prints = r.old.prints
	v.state.told = max(v.state.told, r.old.told)
	return v, changes, r.report, nil
}

// changes returns the difference between the old state and s.
func (r *Resync) changes(s *State) *Changes {
	out := &Changes{before: r.old}
	is, was := s.UIDs(), r.old.UIDs()
	replaced := r.check.replaced().Intersect(is)
	r.report.Replaced = int(replaced.Len())
	was = was.Subtract(replaced)
	out.deltas.pushRuns(Expunge, r.old.UIDs().Subtract(is.Subtract(replaced)))
	r.report.Expunged = out.Len()
	r.revise(s)
	for _, uid := range slices.Sorted(maps.Keys(r.touched)) {
		if r.old.Has(uid) && s.Has(uid) && !replaced.Contains(uid) { // it may have vanished while rows had no place yet
			out.deltas.push(r.flagChange(s, uid, r.touched[uid]))
			r.report.Flagged++
		}
	}
	for uid := range replaced.All() {
		s.setRev(uid, 0)
	}
	fresh := is.Subtract(was)
	for uid := range fresh.All() {
		k, i, _ := s.byUID(uid)
		out.deltas.push(delta{kind: New, uid: uid, n: 1, modSeq: r.touched[uid], set: s.flags.sets[s.chunks[k].flags.at(i)]})
		r.report.New++
	}
	r.keepHighWater(s, len(fresh) > 0 && fresh.Min() <= r.old.last)
	return out
}

// keepHighWater keeps in mind the highest UID that was ever seen, also where a diff started from
// nothing: it tells a mailbox that was restored from a backup. One that was, so that it uses UIDs again,
// starts again.
func (r *Resync) keepHighWater(s *State, reused bool) {
	if reused || r.old.last == 0 || r.opened.UIDNext != 0 && r.opened.UIDNext <= r.old.last {
		return
	}
	s.saw(r.old.last)
}

// revise sets the revisions to the old ones: what happened on the way is not reported, so it must not
// count. The net changes count, as they are found.
func (r *Resync) revise(s *State) {
	if _, diff := r.rung.(*diffRung); diff {
		s.copyRevs(r.old)
	}
	for uid := range r.revised {
		s.setRev(uid, r.old.Rev(uid))
	}
}

func (r *Resync) flagChange(s *State, uid imap.UID, modSeq imap.ModSeq) delta {
	k, i, _ := s.byUID(uid)
	d := delta{kind: Flags, uid: uid, n: 1, modSeq: modSeq, set: s.flags.sets[s.chunks[k].flags.at(i)]}
	if modSeq == 0 {
		d.rev = r.old.Rev(uid) + 1
		s.setRev(uid, d.rev)
	}
	return d
}

// loose takes in what happens while it is not known which messages have which numbers.
func (r *Resync) loose(resp imap.Response) {
	v := r.view
	switch resp := resp.(type) {
	case imap.Exists:
		if v.count = uint32(resp); v.count > MaxMessages {
			r.fail(&LimitError{"messages", MaxMessages})
		}
	case imap.Expunge:
		if resp == 0 || uint32(resp) > v.count {
			r.fail(errSeq("expunge", imap.SeqNum(resp), v.count))
			return
		}
		v.count--
	case *imap.Vanished:
		r.looseVanished(resp)
	case *imap.Message:
		if resp.UID == 0 {
			r.orphan = r.orphan || resp.Items.Has(imap.ItemFlags)
			return
		}
		if err := v.setFlags(r, resp.UID, resp); err != nil {
			r.fail(err)
		}
	default:
		r.apply(resp)
	}
}

// looseVanished trusts RFC 7162 section 3.2.10.2, that each UID takes one off the count.
func (r *Resync) looseVanished(resp *imap.Vanished) {
	if resp.Earlier {
		return
	}
	if n := resp.UIDs.Len(); n > uint64(r.view.count) {
		r.fail(desync("%d messages vanished where there were %d", n, r.view.count))
		return
	}
	r.view.state.removeSet(resp.UIDs)
	r.view.count -= uint32(resp.UIDs.Len())
}

// fetchNew asks for messages that are announced but not known, or that may have come and replaced others.
type fetchNew struct {
	rounds  int
	pending uint32
	last    imap.UID
}

func (f *fetchNew) next(r *Resync) (Step, bool) {
	v := r.view
	set, need := v.NeedFetch()
	switch {
	case f.rounds >= maxRounds: // the caller goes on with View.NeedFetch
		return Step{}, false
	case need:
	case f.rounds > 0 || v.count == 0 || r.opened.UIDNext != 0 && r.opened.UIDNext == r.old.UIDNext():
		// RFC 9051 section 2.3.1.1: UIDNEXT changes whenever messages are added.
		return Step{}, false
	default:
		set = imap.SetOfRange(v.state.frontier(), 0)
	}
	f.rounds++
	f.pending, f.last = v.Pending(), v.state.last
	return Step{Kind: FetchFlags, UIDs: set, ModSeq: r.opened.modSeqs()}, true
}

// end reports whether the server gave what it had announced, or at least some.
func (f *fetchNew) end(r *Resync) bool {
	return f.pending == 0 || r.view.Pending() < f.pending || r.view.state.last > f.last
}
