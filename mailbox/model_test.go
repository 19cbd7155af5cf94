package mailbox

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "seed of the random histories; 0 takes the clock")
	logFlag   = flag.Int("history", 60, "how much of a history that failed is shown")
	stepsFlag = flag.Int("steps", 120000, "steps of the random histories")
)

func testSeed(t *testing.T) uint64 {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("repeat with -seed=%d", seed)
	return seed
}

// consumer is who receives the changes: it believes nothing that does not follow from what it has.
type consumer struct {
	flags map[imap.UID]string
	revs  map[imap.UID]uint32
	// had counts, by what identifies them, the messages that were there at first or that were told as new.
	had map[string]int
	// ids are those of the events of new messages: UIDVALIDITY and UID.
	ids map[[2]uint32]bool
}

func (c *consumer) clone() consumer {
	return consumer{maps.Clone(c.flags), maps.Clone(c.revs), maps.Clone(c.had), maps.Clone(c.ids)}
}

func fold(flags []imap.Flag) string {
	var f []string
	for _, name := range flags {
		f = append(f, strings.ToLower(string(name)))
	}
	slices.Sort(f)
	return strings.Join(f, " ")
}

func (c *consumer) take(ch Change) error {
	was, ok := c.flags[ch.UID]
	if ok == (ch.Kind == New) {
		return fmt.Errorf("%v: known before: %v", ch, ok)
	}
	if ch.Rev != 0 {
		if ch.Rev != c.revs[ch.UID]+1 {
			return fmt.Errorf("%v: after revision %d", ch, c.revs[ch.UID])
		}
		c.revs[ch.UID] = ch.Rev
	}
	switch ch.Kind {
	case New:
		c.flags[ch.UID] = fold(ch.Flags)
	case Expunge:
		if fold(ch.Flags) != was {
			return fmt.Errorf("%v: last flags %q, not %q", ch, was, ch.Flags)
		}
		delete(c.flags, ch.UID)
	case Flags:
		set := map[string]bool{}
		for _, f := range strings.Fields(was) {
			set[f] = true
		}
		for _, f := range ch.Added {
			if set[fold([]imap.Flag{f})] {
				return fmt.Errorf("%v: added to %q", ch, was)
			}
			set[fold([]imap.Flag{f})] = true
		}
		for _, f := range ch.Removed {
			if !set[fold([]imap.Flag{f})] {
				return fmt.Errorf("%v: removed from %q", ch, was)
			}
			delete(set, fold([]imap.Flag{f}))
		}
		if now := strings.Join(slices.Sorted(maps.Keys(set)), " "); now != fold(ch.Flags) || now == was {
			return fmt.Errorf("%v: %q became %q", ch, was, now)
		}
		c.flags[ch.UID] = fold(ch.Flags)
	}
	return nil
}

func (c *consumer) adopt(s *State) {
	c.flags, c.revs = map[imap.UID]string{}, map[imap.UID]uint32{}
	if c.had == nil {
		c.had, c.ids = map[string]int{}, map[[2]uint32]bool{}
	}
	for uid, flags := range s.All() {
		c.flags[uid], c.revs[uid] = fold(flags), s.Rev(uid)
	}
}

func (c *consumer) equal(s *State) error {
	other := consumer{}
	other.adopt(s)
	if !maps.Equal(c.flags, other.flags) {
		return fmt.Errorf("the State has %v, its changes made %v", other.flags, c.flags)
	}
	return nil
}

// world runs one client against one server.
type world struct {
	rng    *rand.Rand
	srv    *simServer
	sess   *simSession
	stored *State   // what survives a crash
	then   consumer // as it was when that was stored
	told   consumer
	ledger *Ledger
	steps  int
	cut    int // responses until the connection breaks; negative: it holds
	log    []string

	bug *bug // planted; nil for none
	// means is what each id of an event has meant, for ever.
	means map[[2]uint32]string
	// few: fewer messages are remembered than the mailbox has, so that some may be told twice.
	few  bool
	step Step // the command that runs

	connects, desyncs, resets int
	methods                   map[Method]int
}

// failure is what a world that fails panics with.
type failure struct{ text string }

func (w *world) fatal(format string, args ...any) {
	if len(w.log) > *logFlag {
		w.log = w.log[len(w.log)-*logFlag:]
	}
	panic(failure{fmt.Sprintf(format, args...) + "\nhistory:\n" + strings.Join(w.log, "\n")})
}

func (w *world) logf(format string, args ...any) {
	if w.log = append(w.log, fmt.Sprintf(format, args...)); len(w.log) > 2**logFlag {
		w.log = w.log[*logFlag:]
	}
}

func (w *world) dead() bool { return w.cut == 0 }

// through passes responses on until the connection breaks.
func (w *world) through(to func(imap.Response)) func(imap.Response) {
	return func(r imap.Response) {
		w.steps++
		if w.dead() {
			return
		}
		if w.cut > 0 {
			w.cut--
		}
		w.logf("S: %s", describe(r))
		to(r)
	}
}

func describe(r imap.Response) string {
	switch r := r.(type) {
	case *imap.Message:
		return fmt.Sprintf("%d FETCH UID %d FLAGS %v MODSEQ %d", r.SeqNum, r.UID, r.Flags, r.ModSeq)
	case *imap.Vanished:
		return fmt.Sprintf("VANISHED earlier=%v %v", r.Earlier, r.UIDs)
	case *imap.Status:
		return fmt.Sprintf("OK [%v %d]", r.Code.Name, r.Code.Num)
	case *imap.Tagged:
		if r.Code != nil {
			return fmt.Sprintf("tagged [%v %d]", r.Code.Name, r.Code.Num)
		}
		return "tagged"
	case *imap.ESearch:
		return fmt.Sprintf("ESEARCH %v", r.All)
	}
	return fmt.Sprintf("%T %v", r, r)
}

func (w *world) randomCaps() simCaps {
	c := simCaps{esearch: w.rng.IntN(2) == 0, resume: w.rng.IntN(3) > 0}
	switch w.rng.IntN(3) {
	case 0:
		c.condstore = true
	case 1:
		c.condstore, c.qresync = true, w.srv.qresync || w.srv.noModSeq
	}
	return c
}

// open selects the mailbox and resynchronises from old, on the rung that caps allow.
func (w *world) open(old *State, caps simCaps, busy bool) (*View, *Changes, Report, error) {
	bug := w.planted(busy)
	c := &simSession{srv: w.srv, caps: caps, busy: busy}
	w.sess = c
	opened := Opened{QResync: caps.qresync, CondStore: caps.condstore, ESearch: caps.esearch, Basis: w.srv.basis}
	var param *imap.QResync
	if q, ok := SelectParams(old); ok && caps.qresync && caps.resume {
		param, opened.Resumed = &q, true
	}
	c.emit = w.through(opened.Observe)
	c.selectBox(param)
	if w.dead() {
		return nil, nil, Report{}, nil
	}
	bug.opened(old, &opened)
	r := Begin(old, opened)
	var step Step
	c.emit = w.through(func(resp imap.Response) {
		if bug.hears(resp, true) {
			r.Feed(bug.answers(r, step, resp))
		}
	})
	for {
		var more bool
		step, more = r.Next()
		if !more || w.dead() {
			break
		}
		w.logf("C: %v", step)
		c.run(step)
	}
	if w.dead() {
		return nil, nil, Report{}, nil
	}
	v, changes, report, err := r.Finish()
	return v, changes, report, err
}

// agree opens the quiet mailbox on every rung: all must see the same changes, and again those that are
// left once some are acknowledged.
func (w *world) agree() {
	w.cut = -1
	rungs := []simCaps{{}, {esearch: true}, {condstore: true}, {condstore: true, esearch: true}}
	if w.srv.qresync {
		rungs = append(rungs, simCaps{condstore: true, qresync: true}, simCaps{condstore: true, qresync: true, resume: true})
	}
	var first []Change
	for i, caps := range rungs {
		_, found, report, err := w.open(w.stored, caps, false)
		if err != nil {
			w.fatal("%+v: %v", caps, err)
		}
		changes := slices.Collect(found.All())
		if i == 0 {
			first = changes
		}
		if !sameChanges(first, changes, caps.condstore && !w.srv.noModSeq) {
			w.fatal("%+v (%+v): changes %v, want %v", caps, report, changes, first)
		}
		if report.Reset || len(changes) == 0 {
			continue
		}
		w.prefixes(caps, changes)
	}
}

// prefixes acknowledges more and more of the changes and opens from there.
func (w *world) prefixes(caps simCaps, changes []Change) {
	v, found, _, _ := w.open(w.stored, caps, false)
	l := NewLedger(v, found)
	for k := range changes {
		if w.rng.IntN(len(changes)) < 3 {
			_, found, report, err := w.open(w.roundTrip(l.State()), caps, false)
			again := slices.Collect(found.All())
			if err != nil || !sameChanges(changes[k:], again, false) {
				w.fatal("%+v, %d acknowledged of %v: again %v, %v (%+v)", caps, k, changes, again, err, report)
			}
		}
		l.Ack()
	}
	if _, again, _, _ := w.open(w.roundTrip(l.State()), caps, false); again.Len() != 0 {
		w.fatal("%+v: all acknowledged of %v, yet again %v", caps, changes, slices.Collect(again.All()))
	}
}

// sameChanges compares changes. Without mod-sequences on one side, those and the revisions in their
// place can't be the same.
func sameChanges(a, b []Change, withoutModSeq bool) bool {
	return slices.EqualFunc(a, b, func(x, y Change) bool {
		if fold(x.Flags) != fold(y.Flags) || fold(x.Added) != fold(y.Added) || fold(x.Removed) != fold(y.Removed) {
			return false
		}
		if !withoutModSeq && (x.ModSeq != y.ModSeq || x.Rev != y.Rev) {
			return false
		}
		return x.Kind == y.Kind && x.UID == y.UID
	})
}

func (w *world) roundTrip(s *State) *State {
	data, err := s.MarshalBinary()
	back := new(State)
	if err == nil {
		err = back.UnmarshalBinary(data)
	}
	if err != nil {
		w.fatal("checkpoint: %v", err)
	}
	if !sameState(s, back) {
		w.fatal("checkpoint: %v became %v", dump(s), dump(back))
	}
	return back
}

func sameState(a, b *State) bool { return reflect.DeepEqual(dump(a), dump(b)) }

func dump(s *State) []string {
	out := []string{fmt.Sprint(s.uidValidity, s.uidNext, s.last, s.told, s.highest, s.n)}
	for uid, flags := range s.All() {
		out = append(out, fmt.Sprintf("%d(%v)%d", uid, fold(flags), s.Rev(uid)))
	}
	if s.prints != nil {
		out = append(out, fmt.Sprint("prints ", s.prints.basis, s.prints.newest, s.prints.list, s.prints.again, s.prints.ahead))
	}
	return out
}

// check compares the View with what the session has told.
func (w *world) check(v *View) {
	if int(v.Exists()) != len(w.sess.view) {
		w.fatal("%d exist, want %d", v.Exists(), len(w.sess.view))
	}
	if v.unnumbered {
		return // an honest server can be so slow to tell what is gone that messages seem to be missing
	}
	for i := range v.state.n {
		seen, uid := w.sess.view[i], v.UIDAt(imap.SeqNum(i+1))
		flags, _ := v.Flags(uid)
		if m := w.srv.find(uid); m == nil || seen.stale || fold(flags) == strings.ToLower(m.flags) {
			flags = w.sess.flagsOf(seen.flags) // gone before they were fetched: nobody can know them; or ahead of what was told, now or when it was searched
		}
		if uid != seen.uid || fold(flags) != strings.ToLower(seen.flags) || v.SeqOf(uid) != imap.SeqNum(i+1) {
			w.fatal("message %d is UID %d with %v, want %+v", i+1, uid, flags, seen)
		}
	}
	if v.state.highest > w.srv.modSeq || !w.sess.modSeqs() && v.state.highest != 0 {
		w.fatal("HIGHESTMODSEQ is %d, of the server %d", v.state.highest, w.srv.modSeq)
	}
}

func (w *world) connect() bool {
	w.connects++
	w.agree()
	w.cut = -1
	if w.rng.IntN(3) == 0 {
		w.cut = 1 + w.rng.IntN(40)
	}
	caps := w.randomCaps()
	w.logf("-- connect %+v %+v", caps, *w.srv)
	v, changes, report, err := w.open(w.stored, caps, true)
	if w.dead() {
		return false
	}
	if _, lost := errors.AsType[*DesyncError](err); lost {
		w.desyncs++
		w.logf("-- desync: %v", err)
		return false
	}
	if err != nil {
		w.fatal("%+v: %v", report, err)
	}
	w.logf("-- %+v", report)
	w.methods[report.Method]++
	w.ledger = w.bug.ledger(w.stored, v, changes)
	w.check(v)
	w.sess.emit = w.through(w.apply)
	return w.begin(report)
}

// begin makes the baseline, or tells what is new since the numbering has changed, and has the newest
// messages be remembered.
func (w *world) begin(report Report) bool {
	l := w.ledger
	switch {
	case w.stored == nil:
		w.told.adopt(l.acked)
		for uid := range l.acked.All() {
			if m := w.srv.find(uid); m != nil {
				w.told.had[m.id]++
			}
		}
	case report.Reset:
		if !w.reunite() {
			return false
		}
		w.told.adopt(l.acked)
	}
	if set := l.State().Forgotten(w.srv.basis); len(set) > 0 && !w.bug.is(forgetsPrints) {
		w.sess.emit = w.through(func(r imap.Response) {
			w.apply(r)
			if m, ok := r.(*imap.Message); ok && set.Contains(m.UID) {
				if id, ok := Identify(w.srv.basis, m); ok {
					l.Remember(m.UID, id)
				}
			}
		})
		w.sess.identify(set)
		w.sess.emit = w.through(w.apply)
	}
	return !w.dead()
}

func (w *world) apply(r imap.Response) {
	if !w.bug.hears(r, false) {
		return
	}
	w.bug.before(w, r)
	if w.rng.IntN(2) == 0 {
		w.ledger.Fold()
	}
	if err := w.ledger.Apply(r); err != nil {
		if !w.ledger.view.unnumbered {
			w.fatal("%s: %v", describe(r), err)
		}
		w.desyncs++
		w.cut = 0
		return
	}
	w.bug.after(w, r)
	w.check(w.ledger.View())
	w.rests()
}

// rests wants the two States of the Ledger to be the same while nothing waits: Fold keeps one of them.
func (w *world) rests() {
	if w.ledger.Len() > 0 {
		return
	}
	seen := w.ledger.view.State()
	seen.prints = w.ledger.acked.prints
	got, _ := w.ledger.acked.MarshalBinary()
	if want, _ := seen.MarshalBinary(); !bytes.Equal(got, want) {
		w.fatal("acknowledged is %+v, seen was %+v", w.ledger.acked, seen)
	}
}

// reunite finds out what is new after a change of UIDVALIDITY.
func (w *world) reunite() bool {
	w.resets++
	ru := NewReunion(w.stored, w.ledger.View(), w.srv.basis)
	if at := ru.Since(); !at.IsZero() {
		ru.Look(w.sess.since(at))
	}
	w.sess.emit = w.through(func(r imap.Response) {
		w.apply(r)
		if m, ok := r.(*imap.Message); ok {
			ru.Feed(m)
		}
	})
	for {
		set, more := ru.Next()
		if !more || w.dead() {
			break
		}
		w.logf("C: identify %v", set)
		w.sess.identify(set)
	}
	w.sess.emit = w.through(w.apply)
	if w.dead() {
		return false
	}
	fresh := w.bug.fresh(ru)
	w.excuse(fresh)
	w.logf("-- of %s new is %v, known was %s", w.srv.listed(), fresh, w.srv.remembered(w.stored))
	w.ledger.Renew(fresh)
	ru.Remember(w.ledger, time.Unix(w.srv.clock, 0))
	return true
}

// excuse counts messages as told of which nobody can know that they are new: they have old dates, and
// nothing that was known is left, or the order is another one now.
func (w *world) excuse(fresh imap.UIDSet) {
	known := slices.ContainsFunc(w.srv.msgs, func(m simMsg) bool { return w.told.had[m.id] > 0 })
	counts := map[string]int{}
	if w.stored.prints == nil {
		return
	}
	fresh = fresh.Clone()
	for uid := range w.ledger.News() { // that came meanwhile
		fresh.Add(uid)
	}
	for _, m := range w.srv.msgs {
		counts[m.id]++
		there := w.ledger.view.state.Has(m.uid) && !fresh.Contains(m.uid)
		if there && m.date <= w.stored.prints.newest && w.told.had[m.id] < counts[m.id] && (w.srv.shuffles || !known || w.few) {
			w.told.had[m.id]++
		}
	}
}

func (w *world) ack() {
	l := w.ledger
	change, ok := l.Next()
	if !ok {
		return
	}
	w.logf("ack %v", change)
	m := w.srv.find(change.UID)
	l.Ack()
	if change.Kind == New && m != nil && !w.bug.is(forgetsPrints) {
		if id, ok := Identify(w.srv.basis, w.srv.identity(0, m)); ok {
			l.Remember(change.UID, id)
		}
	}
	w.bug.acked(w)
	if change.Kind == New {
		w.tellNew(change, m)
	}
	if err := w.told.take(change); err != nil {
		w.fatal("%v", err)
	}
	if err := w.told.equal(l.acked); err != nil {
		w.fatal("after %v: %v", change, err)
	}
	w.rests()
}

// tellNew checks that no id is used twice, and that no message is told twice.
func (w *world) tellNew(change Change, m *simMsg) {
	id := [2]uint32{w.ledger.acked.uidValidity, uint32(change.UID)}
	if w.told.ids[id] {
		w.fatal("%v: told before", change)
	}
	w.told.ids[id] = true
	if m == nil {
		return // gone by now
	}
	if was, ok := w.means[id]; ok && was != m.id {
		w.fatal("%v: the id of message %s is now that of %s", change, was, m.id)
	}
	w.means[id] = m.id
	w.logf("-- told of message %s", m.id)
	if w.told.had[m.id]++; !w.few && !w.srv.shuffles && w.told.had[m.id] > w.srv.ever[m.id] {
		w.fatal("%v: message %s was told under another UID before", change, m.id)
	}
}

func (w *world) live() {
	for range w.rng.IntN(60) {
		w.steps++
		switch w.rng.IntN(5) {
		case 0, 1:
			w.srv.act()
		case 2:
			w.sess.tell(1 + w.rng.IntN(2)) // in IDLE
		case 3:
			if set, need := w.ledger.View().NeedFetch(); need && w.rng.IntN(2) == 0 {
				w.logf("C: FETCH %v", set)
				w.step = Step{Kind: FetchFlags, UIDs: set, ModSeq: w.sess.modSeqs()}
				w.sess.run(w.step)
				w.step = Step{}
			} else {
				w.sess.end(nil) // NOOP
			}
		case 4:
			w.ack()
		}
		if w.dead() {
			return
		}
	}
	if w.rng.IntN(2) == 0 {
		w.settle()
	}
}

// settle lets everything be told and acknowledged: client and server must then agree.
func (w *world) settle() {
	w.cut, w.sess.busy = -1, false
	w.sess.tellAll()
	if set, need := w.ledger.View().NeedFetch(); need {
		w.step = Step{Kind: FetchFlags, UIDs: set, ModSeq: w.sess.modSeqs()}
		w.sess.run(w.step)
		w.step = Step{}
	}
	for range w.sess.view {
		w.sess.tellFlags()
	}
	w.sess.end(nil)
	if w.dead() {
		return
	}
	for w.ledger.Len() > 0 {
		w.ack()
	}
	want, count := map[imap.UID]string{}, map[string]int{}
	for _, m := range w.srv.msgs {
		want[m.uid] = strings.ToLower(m.flags)
		count[m.id]++
	}
	if !maps.Equal(w.told.flags, want) {
		w.fatal("the consumer has %v, the server %v", w.told.flags, want)
	}
	for _, m := range w.srv.msgs {
		if w.told.had[m.id] < count[m.id] {
			w.fatal("message %s, now UID %d, was never told", m.id, m.uid)
		}
	}
	now := w.ledger.view.state.Clone()
	if now.prints = w.ledger.acked.prints; !sameState(w.ledger.acked, now) {
		w.fatal("all acknowledged, yet %v and %v", dump(w.ledger.acked), dump(now))
	}
}

func (w *world) run(steps int) {
	for w.steps < steps {
		if w.connect() {
			w.bug.saves(w)
			if w.rng.IntN(10) == 0 {
				w.save()
			}
			w.live()
			if w.rng.IntN(8) == 0 && w.stored != nil { // a crash: what was not stored is as if it had not been
				w.logf("-- crash")
				w.told = w.then.clone()
			} else {
				w.save()
			}
		} else {
			w.told = w.then.clone()
		}
		for range w.rng.IntN(8) * w.rng.IntN(3) {
			w.srv.act()
		}
		if w.rng.IntN(12) == 0 {
			w.srv.reset()
			for range w.rng.IntN(10) {
				w.srv.act()
			}
		}
	}
}

func (w *world) save() {
	w.stored = w.roundTrip(w.bug.stores(w))
	w.then = w.told.clone()
}

// small makes chunks and batches so small that their borders matter, and has few messages be remembered if
// few is true. It returns what undoes that.
func small() (undo func()) {
	chunk, first, next, wait, row := chunkSize, firstBatch, nextBatch, patience, rowBytes
	chunkSize, firstBatch, nextBatch, patience, rowBytes = 8, 3, 8, 24, 1<<20
	return func() { chunkSize, firstBatch, nextBatch, patience, rowBytes = chunk, first, next, wait, row }
}

// play runs one world and returns how it failed, "" if it did not.
func (w *world) play(steps int) (failed string) {
	defer func(n int) { maxRemembered = n }(maxRemembered)
	if w.few {
		maxRemembered = 4
	}
	defer func() {
		switch p := recover().(type) {
		case nil:
		case failure:
			failed = p.text
		default:
			if w.bug == nil {
				panic(p)
			}
			failed = fmt.Sprint(p)
		}
	}()
	w.run(steps)
	return ""
}

func newWorld(seed, i uint64) *world {
	rng := rand.New(rand.NewPCG(seed, i))
	srv := newSimServer(rng)
	srv.shuffles = i%4 == 2
	return &world{rng: rng, srv: srv, methods: map[Method]int{}, means: map[[2]uint32]string{}, few: i%4 == 3}
}

// TestModel replays random histories on random rungs with random breaks, crashes, acknowledgements and
// changes of UIDVALIDITY.
func TestModel(t *testing.T) {
	defer small()()
	seed := testSeed(t)
	const worlds = 40
	total, connects, desyncs, resets, methods := 0, 0, 0, 0, map[Method]int{}
	start := time.Now()
	for i := range uint64(worlds) {
		w := newWorld(seed, i)
		w.methods = methods
		if failed := w.play(*stepsFlag / worlds); failed != "" {
			t.Fatalf("world %d: %s", i, failed)
		}
		total, connects, desyncs, resets = total+w.steps, connects+w.connects, desyncs+w.desyncs, resets+w.resets
	}
	t.Logf("%d steps, %d connects, %d given up, %d resets, %v, %.0f/s", total, connects, desyncs, resets, methods, float64(total)/time.Since(start).Seconds())
	if desyncs*20 > connects {
		t.Errorf("%d of %d resynchronisations gave up", desyncs, connects)
	}
	for _, m := range []Method{ByQResync, ByCondStore, BySearch, ByUIDDiff, ByInitial} {
		if methods[m] == 0 && *stepsFlag > 10000 {
			t.Errorf("no resynchronisation %s", m)
		}
	}
}
