package mailbox

import (
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
	stepsFlag = flag.Int("steps", 200000, "steps of the random histories")
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
	t      *testing.T
	rng    *rand.Rand
	srv    *simServer
	sess   *simSession
	stored *State // what survives a disconnect
	told   consumer
	ledger *Ledger
	steps  int
	cut    int // responses until the connection breaks; negative: it holds
	log    []string

	connects, desyncs int
	methods           map[Method]int
}

func (w *world) fatal(format string, args ...any) {
	w.t.Helper()
	if len(w.log) > 60 {
		w.log = w.log[len(w.log)-60:]
	}
	w.t.Fatalf("%s\nhistory:\n%s", fmt.Sprintf(format, args...), strings.Join(w.log, "\n"))
}

func (w *world) logf(format string, args ...any) {
	if w.log = append(w.log, fmt.Sprintf(format, args...)); len(w.log) > 1000 {
		w.log = w.log[900:]
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
func (w *world) open(old *State, caps simCaps, busy bool) (*View, []Change, Report, error) {
	c := &simSession{srv: w.srv, caps: caps, busy: busy}
	w.sess = c
	opened := Opened{QResync: caps.qresync, CondStore: caps.condstore, ESearch: caps.esearch}
	var param *imap.QResync
	if q, ok := SelectParams(old); ok && caps.qresync && caps.resume {
		param, opened.Resumed = &q, true
	}
	c.emit = w.through(opened.Observe)
	c.selectBox(param)
	if w.dead() {
		return nil, nil, Report{}, nil
	}
	r := Begin(old, opened)
	c.emit = w.through(r.Feed)
	for {
		step, more := r.Next()
		if !more || w.dead() {
			break
		}
		w.logf("C: %v", step)
		c.run(step)
	}
	if w.dead() {
		return nil, nil, Report{}, nil
	}
	return r.Finish()
}

// agree opens the quiet mailbox on every rung: all must see the same changes, and again those that are
// left once some are acknowledged.
func (w *world) agree() {
	w.cut = -1
	rungs := []simCaps{{}, {condstore: true}, {condstore: true, esearch: true}}
	if w.srv.qresync {
		rungs = append(rungs, simCaps{condstore: true, qresync: true}, simCaps{condstore: true, qresync: true, resume: true})
	}
	var first []Change
	for i, caps := range rungs {
		_, changes, report, err := w.open(w.stored, caps, false)
		if err != nil {
			w.fatal("%+v: %v", caps, err)
		}
		if i == 0 {
			first = changes
		}
		if !sameChanges(first, changes, i > 0 && !w.srv.noModSeq) {
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
	v, _, _, _ := w.open(w.stored, caps, false)
	l := NewLedger(w.stored, v, changes)
	for k := range changes {
		if w.rng.IntN(len(changes)) < 3 {
			_, again, report, err := w.open(w.roundTrip(l.State()), caps, false)
			if err != nil || !sameChanges(changes[k:], again, false) {
				w.fatal("%+v, %d acknowledged of %v: again %v, %v (%+v)", caps, k, changes, again, err, report)
			}
		}
		l.Ack()
	}
	if _, again, _, _ := w.open(w.roundTrip(l.State()), caps, false); len(again) != 0 {
		w.fatal("%+v: all acknowledged of %v, yet again %v", caps, changes, again)
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
	out := []string{fmt.Sprint(s.uidValidity, s.uidNext, s.last, s.highest, s.n)}
	for uid, flags := range s.All() {
		out = append(out, fmt.Sprintf("%d(%v)%d", uid, fold(flags), s.Rev(uid)))
	}
	return out
}

// check compares the View with what the session has told.
func (w *world) check(v *View) {
	if int(v.Exists()) != len(w.sess.view) {
		w.fatal("%d exist, want %d", v.Exists(), len(w.sess.view))
	}
	for i := range v.state.n {
		seen, uid := w.sess.view[i], v.UIDAt(imap.SeqNum(i+1))
		flags, _ := v.Flags(uid)
		if w.srv.find(uid) == nil {
			flags = w.sess.flagsOf(seen.flags) // gone before they were fetched: nobody can know them
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
	if w.stored == nil || report.Reset {
		w.told.adopt(v.state)
	}
	w.ledger = NewLedger(w.stored, v, changes)
	w.check(v)
	w.sess.emit = w.through(func(r imap.Response) {
		if _, err := w.ledger.Apply(r); err != nil {
			w.fatal("%s: %v", describe(r), err)
		}
		w.check(w.ledger.View())
	})
	return true
}

func (w *world) ack() {
	change, ok := w.ledger.Next()
	if !ok {
		return
	}
	w.logf("ack %v", change)
	w.ledger.Ack()
	if err := w.told.take(change); err != nil {
		w.fatal("%v", err)
	}
	if err := w.told.equal(w.ledger.acked); err != nil {
		w.fatal("after %v: %v", change, err)
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
				w.sess.run(Step{Kind: FetchFlags, UIDs: set, ModSeq: w.sess.modSeqs()})
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
		w.sess.run(Step{Kind: FetchFlags, UIDs: set, ModSeq: w.sess.modSeqs()})
	}
	for range w.sess.view {
		w.sess.tellFlags()
	}
	w.sess.end(nil)
	for w.ledger.Len() > 0 {
		w.ack()
	}
	want := map[imap.UID]string{}
	for _, m := range w.srv.msgs {
		want[m.uid] = strings.ToLower(m.flags)
	}
	if !maps.Equal(w.told.flags, want) {
		w.fatal("the consumer has %v, the server %v", w.told.flags, want)
	}
	if !sameState(w.ledger.acked, w.ledger.view.state) {
		w.fatal("all acknowledged, yet %v and %v", dump(w.ledger.acked), dump(w.ledger.view.state))
	}
}

func (w *world) run(steps int) {
	for w.steps < steps {
		if w.connect() {
			w.live()
			w.stored = w.roundTrip(w.ledger.State())
		}
		for range w.rng.IntN(8) * w.rng.IntN(3) {
			w.srv.act()
		}
		if w.rng.IntN(40) == 0 {
			w.srv.reset()
		}
	}
}

// TestModel replays random histories on random rungs with random breaks and acknowledgements.
func TestModel(t *testing.T) {
	defer func(n int) { chunkSize = n }(chunkSize)
	chunkSize = 8
	seed := testSeed(t)
	const worlds = 40
	total, connects, desyncs, methods := 0, 0, 0, map[Method]int{}
	start := time.Now()
	for i := range uint64(worlds) {
		rng := rand.New(rand.NewPCG(seed, i))
		w := &world{t: t, rng: rng, srv: newSimServer(rng), methods: methods, told: consumer{}}
		w.run(*stepsFlag / worlds)
		total, connects, desyncs = total+w.steps, connects+w.connects, desyncs+w.desyncs
	}
	t.Logf("%d responses, %d connects, %d given up, %v, %.0f/s", total, connects, desyncs, methods, float64(total)/time.Since(start).Seconds())
	if desyncs*20 > connects {
		t.Errorf("%d of %d resynchronisations gave up", desyncs, connects)
	}
	for _, m := range []Method{ByQResync, ByCondStore, ByUIDDiff, ByInitial} {
		if methods[m] == 0 && *stepsFlag > 10000 {
			t.Errorf("no resynchronisation %s", m)
		}
	}
}
