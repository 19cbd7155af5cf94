package sqlite

import (
	"context"
	"time"
)

// probeAfter is how long after a write that failed the journal tries by itself whether it can be written again, unless somebody has
// by then: it may be that all who write wait for that.
const probeAfter = 5 * time.Second

// OnRecovery has f called each time that the journal can be written again after it could not. It is called by the one goroutine that
// writes, so it must neither block nor write. There is one f at a time.
func (j *Journal) OnRecovery(f func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.recovered = f
}

// failed notes that a transaction has.
func (w *writer) failed(err error) {
	w.j.tally.failed(err)
	if w.probe == nil {
		w.probe = time.AfterFunc(w.probeAfter, w.tryAgain)
	} else {
		w.probe.Reset(w.probeAfter)
	}
}

// tryAgain writes what changes nothing, but is written: a field of the header of the database that nobody uses.
func (w *writer) tryAgain() {
	_ = w.j.do(context.Background(), func(t *tx) error { return t.exec("PRAGMA user_version = 0") }) // what it comes to is noted
}

// committed notes that a transaction of so many writes is on the disk.
func (w *writer) committed(tx *tx, writes int) {
	w.j.tally.committed(tx, writes)
	if w.probe == nil {
		return
	}
	w.probe.Stop()
	w.probe = nil
	w.j.mu.Lock()
	f := w.j.recovered
	w.j.mu.Unlock()
	if f != nil {
		f()
	}
}
