package watch

import (
	"cmp"
	"time"

	"github.com/pushmail/pushmail/mailbox"
)

// box is what is known of one mailbox, over all the connections to it. One goroutine at a time uses it.
type box struct {
	o    *settings // shared by all mailboxes of the account
	name string
	out  consumer
	seen summaries

	// ledger has the acknowledged state and what is not acknowledged yet; nil before the first open.
	// It is what a checkpoint is made of, and outlives connections.
	ledger  *mailbox.Ledger
	stored  *mailbox.State // the checkpoint as loaded; nil without one
	savedAt moment
	// uidValidity is that of the ledger.
	uidValidity uint32
	// unsaved counts acknowledged events since the checkpoint was saved.
	unsaved   int32
	saveFails int32
	loaded    bool

	// unsaidReset: the ledger is that of a renumbered mailbox, and the consumer has not acknowledged
	// that it was. Until then stored is what was known, and the old checkpoint stays.
	unsaidReset bool
	// unidentified counts how often the server has not said which messages are in a renumbered mailbox.
	unidentified int8
	// fingerprinted: it was asked what identifies the messages that are not remembered.
	fingerprinted bool

	// suspects are messages that may end the connection when they are asked for.
	suspects suspects

	health
	deafUntil moment // the push is not relied upon until then
	disputed  string // the difference for which the mailbox was opened anew, while STATUS still shows it
	deafs     int32  // how often the push failed
	away      bool   // the consumer has kept an event for so long that the connection is in doubt
	announced bool   // the consumer was told that it is open
}

// consumer is who gets the events. There is one pointer to it in each box, and no closure: see [solo].
type consumer interface {
	// put gives an event to the consumer; nil means that it is acknowledged.
	put(ev Event) error
}

func newBox(o *settings, name string, out consumer) box {
	return box{o: o, name: name, out: out, seen: summaries{most: o.Remember, memory: o.memory}}
}

// key names the checkpoint in the Store.
func (b *box) key() Key { return Key{Account: b.o.Account, Mailbox: b.name} }

// known is the state that was acknowledged last, nil if there is none.
func (b *box) known() *mailbox.State {
	if b.ledger != nil && !b.unsaidReset {
		return b.ledger.State()
	}
	return b.stored
}

// emit gives an event to the consumer. A nil error means that it is acknowledged.
func (b *box) emit(ev Event) error {
	began := time.Now()
	err := b.out.put(ev)
	b.away = b.away || time.Since(began) >= longAway
	return err
}

// sayLink gives an event of the connection to the consumer.
func (b *box) sayLink(info *LinkInfo) error { return b.emit(b.linkEvent(info)) }

// emitChange gives the oldest change that is not acknowledged to the consumer and acknowledges it.
func (b *box) emitChange(ch mailbox.Change, sum *Summary) error {
	ev := b.changeEvent(ch, sum)
	if err := b.emit(ev); err != nil {
		return err
	}
	b.o.Own.told(&ev)
	b.ledger.Ack()
	b.unsaved++
	return nil
}

// deafFor is how long the push is not relied upon after it failed to tell of a change.
const deafFor = time.Hour

// truthEvery is the time between two truth checks, 0 for none: short where the push has failed.
func (b *box) truthEvery() time.Duration {
	every := max(b.o.VerifyInterval, 0)
	if b.deafUntil.ahead() {
		return min(cmp.Or(every, maxPace), b.o.pollInterval())
	}
	return every
}
