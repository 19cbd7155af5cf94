package deliver

import (
	"time"

	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/internal/sink"
)

// maxAfter bounds what a receiver can ask for: the time until the next try of an event. maxRest bounds it for the sink as a whole.
const (
	maxAfter = 24 * time.Hour
	maxRest  = time.Hour
)

// settle takes in the result for the first event of k, and says whether that event is done: then the next may follow.
func (l *loop) settle(k *key, attempt int, r sink.Result, took time.Duration, now time.Time) (done bool) {
	o := Observation{Sink: l.name, Record: k.queue[0].Record, Attempt: attempt, Result: r, Took: took}
	switch r.Outcome {
	case sink.OK:
		l.alive()
		l.status.delivered(o.Record, now)
		l.doneFirst(k)
		done = true
	case sink.Never:
		l.alive()
		l.status.failed(o.Record.ID, r.Err)
		k.attempts++
		l.bury(k, r.Err, now)
		o.Buried, done = true, true
	case sink.Disable:
		l.status.failed(o.Record.ID, r.Err)
		l.disable(r.Err)
	default:
		if l.stopping {
			return false // it may be for that reason
		}
		l.status.failed(o.Record.ID, r.Err)
		done = l.failed(k, r, now)
		o.Buried = done
	}
	if l.o.Observe != nil {
		l.o.Observe(o)
	}
	return done
}

// alive notes that the receiver is there. If it was not before, what waits for another try need not wait.
func (l *loop) alive() {
	if l.rest.reset() {
		l.hurry()
	}
}

// failed decides when the first event of k is tried again, or buries it, which it says.
func (l *loop) failed(k *key, r sink.Result, now time.Time) (buried bool) {
	if k.since.IsZero() {
		k.since = now
	}
	premature := k.early && now.Before(k.due)
	k.early, k.last, k.err = false, now, errorText(r.Err)
	l.rest.failed(k.keyID, r, now)
	switch {
	case k.skipped:
		k.attempts++
		l.bury(k, skipped(k.err), now)
		return true
	case premature: // does not count
	case r.After > 0: // neither does this, within reason: the receiver is there, and has said when
		k.due = now.Add(min(r.After, maxAfter))
		if now.Sub(k.since) > total(l.o.Schedule) {
			l.bury(k, r.Err, now)
			return true
		}
	default:
		if k.attempts++; k.attempts >= len(l.o.Schedule) {
			l.bury(k, r.Err, now)
			return true
		}
		k.due = now.Add(jittered(l.o.Schedule[k.attempts]))
	}
	if !k.behind && !k.replay {
		l.leaveBehind(k)
	}
	l.changed(k)
	return false
}

// bury makes a dead letter of the first event of k, and has the next take its place.
func (l *loop) bury(k *key, why error, now time.Time) {
	r := k.queue[0].Record
	l.unsaved.bury = append(l.unsaved.bury, journal.Retry{
		Position: r.Position, Key: r.Source, Attempts: k.attempts, LastAt: now, Error: errorText(why),
	})
	l.status.buried()
	l.log.Error("an event could not be delivered and is a dead letter now", "id", r.ID, "account", r.Account, "mailbox", r.Mailbox, "attempts", k.attempts, "err", why)
	l.doneFirst(k)
}

// doneFirst takes the first event off k.
func (l *loop) doneFirst(k *key) {
	it := k.queue[0]
	k.queue[0] = item{}
	k.queue = k.queue[1:]
	l.loaded--
	l.bytes -= len(it.JSON)
	k.trouble = trouble{}
	switch {
	case it.entry != nil:
		it.entry.done = true
		l.unsaved.touch(time.Now())
	case k.replay:
		l.doneReplay(k)
	default:
		l.changed(k)
	}
}
