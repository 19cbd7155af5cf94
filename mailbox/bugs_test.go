package mailbox

import (
	"slices"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/imap"
)

// A bug is a mistake that real clients make, planted into the client of the model. A nil bug is none: each
// hook then does what is right.
type bug struct {
	name string
	kind bugKind
}

type bugKind uint8

const (
	noBug         bugKind = iota
	noResync              // what happened while the connection was down is not looked for
	countsExists          // new messages are those by which EXISTS has grown
	keepsNumbers          // the numbers from before the outage are believed
	starRow               // the row that n:* returns below n is a new message
	anyRow                // every row that comes during a fetch is a new message
	lostWakeUp            // what was announced during a fetch was fetched by it
	startUpGap            // what is announced while the mailbox is being opened is not noticed
	noValidity            // UIDVALIDITY is not looked at
	noVanished            // VANISHED is not known
	savesEarly            // what is stored was not acknowledged
	rowModSeq             // HIGHESTMODSEQ moves with the rows of FETCH
	anyModSeq             // HIGHESTMODSEQ is believed without QRESYNC
	claimsEarly           // HIGHESTMODSEQ moves with the first acknowledgement
	resetIsStart          // a mailbox that was renumbered is as if seen for the first time
	resetIsNew            // everything in it is new
	printSet              // one fingerprint stands for any number of messages
	forgetsPrints         // nothing is remembered
	countsFlags           // as many messages with a flag are the same ones
	onlyGains             // a flag that messages have lost is not looked for
	skipsUnused           // a flag that no message had is not looked for
	skipsKeywords         // keywords are not looked for
	dropsDoubts           // flags in doubt are not taken in
	countsLeft            // as many messages as were known are those that were known
)

// planted returns the bug for a resynchronisation; those of a quiet mailbox are the judge, and have none.
func (w *world) planted(busy bool) *bug {
	if busy {
		return w.bug
	}
	return nil
}

func (b *bug) is(k bugKind) bool { return b != nil && b.kind == k }

func (b *bug) opened(old *State, o *Opened) {
	if b.is(noValidity) && old != nil {
		o.UIDValidity = old.uidValidity
	}
	if b.is(countsLeft) && old != nil && o.Exists == uint32(old.n) {
		o.UIDNext = old.uidNext
	}
	if b.is(skipsKeywords) {
		o.Flags = systemOnly(o.Flags)
	}
}

func systemOnly(flags []imap.Flag) []imap.Flag {
	return slices.DeleteFunc(slices.Clone(flags), func(f imap.Flag) bool { return f[0] != '\\' })
}

// answers changes what is heard in answer to a step.
func (b *bug) answers(r *Resync, step Step, resp imap.Response) imap.Response {
	if list, ok := resp.(imap.MailboxFlags); ok && b.is(skipsKeywords) {
		return imap.MailboxFlags(systemOnly(list))
	}
	if _, ok := resp.(*imap.Message); ok && b.is(dropsDoubts) && r.rung.method() == BySearch && !step.UIDs.Dynamic() {
		return &imap.Message{}
	}
	found, ok := numbersFound(resp, false)
	if step.Kind != SearchFlags || !ok {
		return resp
	}
	known := r.view.state.having(step.Flags)
	switch {
	case b.is(countsFlags) && found.Len() == known.Len(), b.is(skipsUnused) && known.Empty():
		found = known
	case b.is(onlyGains):
		found = found.Union(known)
	}
	return &imap.ESearch{All: found}
}

// hears reports whether a response is noticed.
func (b *bug) hears(r imap.Response, opening bool) bool {
	switch r.(type) {
	case imap.Exists:
		return !opening || !b.is(startUpGap)
	case *imap.Vanished:
		return !b.is(noVanished)
	}
	return true
}

func (b *bug) ledger(old *State, v *View, changes *Changes) *Ledger {
	switch {
	case b.is(noResync):
		changes = nil
	case b.is(countsExists) && old != nil && changes != nil && v.count <= uint32(old.n):
		var kept deltas
		for d := range changes.deltas.all() {
			if d.kind != New {
				kept.push(d)
			}
		}
		changes.deltas = kept
	case b.is(keepsNumbers) && old != nil && old.n > 0:
		v.state = old.Clone()
		v.count = max(v.count, uint32(old.n))
		changes = nil
	}
	return NewLedger(v, changes)
}

func (b *bug) before(w *world, r imap.Response) {
	m, ok := r.(*imap.Message)
	l := w.ledger
	if !ok || w.step.Kind != FetchFlags || !l.view.state.Has(m.UID) {
		return
	}
	if b.is(anyRow) && !w.step.UIDs.Contains(m.UID) || b.is(starRow) && m.UID == l.view.LastUID() && m.UID < w.step.UIDs.Min() {
		set, _ := l.view.state.intern(m.Flags)
		l.queue.push(delta{kind: New, uid: m.UID, n: 1, set: l.view.state.flags.sets[set]})
	}
}

func (b *bug) after(w *world, r imap.Response) {
	v := w.ledger.view
	switch r := r.(type) {
	case *imap.Message:
		if b.is(rowModSeq) {
			v.state.highest = max(v.state.highest, r.ModSeq)
		}
	case *imap.Tagged:
		if b.is(lostWakeUp) && w.step.Kind == FetchFlags {
			v.count = uint32(v.state.n)
		}
		if b.is(anyModSeq) && w.sess.caps.condstore && !w.srv.noModSeq {
			v.state.highest = w.srv.modSeq
		}
	}
}

func (b *bug) acked(w *world) {
	if b.is(claimsEarly) {
		w.ledger.acked.highest = w.ledger.view.state.highest
	}
}

// saves stores at a moment that is too early.
func (b *bug) saves(w *world) {
	if b.is(savesEarly) {
		w.stored, w.then = w.roundTrip(w.ledger.view.state), w.told.clone()
	}
}

func (b *bug) stores(w *world) *State {
	if b.is(savesEarly) {
		return w.ledger.view.state
	}
	return w.ledger.State()
}

func (b *bug) fresh(ru *Reunion) imap.UIDSet {
	switch {
	case b.is(resetIsStart):
		return nil
	case b.is(resetIsNew):
		return ru.now.UIDs()
	case b.is(printSet):
		var fresh imap.UIDSet
		for uid := range ru.Fresh().All() {
			if len(ru.prints[ru.rows[uid].Print]) == 0 {
				fresh.Add(uid)
			}
		}
		return fresh
	}
	return ru.Fresh()
}

// TestModelFindsPlantedBugs: a model that does not notice what users would is worth nothing.
func TestModelFindsPlantedBugs(t *testing.T) {
	defer small()()
	seed := testSeed(t)
	for _, b := range []bug{
		{"none", noBug},
		{"trap 1: mail that came during an outage is not looked for", noResync},
		{"trap 2: EXISTS is compared with the count, not with UIDs", countsExists},
		{"trap 3: numbers from before the outage are believed", keepsNumbers},
		{"trap 4: the row of n+1:* is taken for a new message", starRow},
		{"trap 5: a row of another message is taken for a new one", anyRow},
		{"trap 6: what was announced during a fetch is forgotten", lostWakeUp},
		{"trap 7: what is announced at the start is not noticed", startUpGap},
		{"trap 13: UIDVALIDITY is ignored", noValidity},
		{"trap 14: VANISHED is not known", noVanished},
		{"trap 15: stored before it is delivered", savesEarly},
		{"HIGHESTMODSEQ from rows of FETCH", rowModSeq},
		{"HIGHESTMODSEQ believed without QRESYNC", anyModSeq},
		{"HIGHESTMODSEQ claimed with the first acknowledgement", claimsEarly},
		{"a reset is a new start", resetIsStart},
		{"after a reset everything is new", resetIsNew},
		{"a fingerprint stands for any number of messages", printSet},
		{"fingerprints are not remembered", forgetsPrints},
		{"as many messages with a flag are taken for the same ones", countsFlags},
		{"a flag that was lost is not searched for", onlyGains},
		{"a flag that nobody had is not searched for", skipsUnused},
		{"keywords are not searched for", skipsKeywords},
		{"flags in doubt are not taken in", dropsDoubts},
		{"as many messages as were known are taken for those", countsLeft},
	} {
		t.Run(b.name, func(t *testing.T) {
			const most = 2_000_000
			steps := 0
			for i := uint64(0); steps < most; i++ {
				w := newWorld(seed, i)
				w.bug, w.few, w.srv.shuffles = &b, false, false
				if failed := w.play(5000); failed != "" {
					what, _, _ := strings.Cut(failed, "\n")
					t.Logf("found after %d steps: %.150s", steps+w.steps, what)
					if b.kind == noBug {
						t.Errorf("the model found a bug that is not there: %s", failed)
					}
					return
				}
				if steps += w.steps; b.kind == noBug && steps > 50_000 {
					return
				}
			}
			t.Errorf("not found in %d steps", steps)
		})
	}
}
