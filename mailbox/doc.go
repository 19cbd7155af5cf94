// Package mailbox knows what is in a mailbox and works out what changed: it maps sequence numbers
// to UIDs, keeps the flags of each message, folds the untagged responses of a server into that, and
// plans the resynchronisation after a gap.
//
// It is pure: no I/O, no clock, no goroutine. Whoever drives the connection feeds it responses and
// runs the commands that it asks for.
//
//   - [State] is what is known: UIDs and flags, in some bits a message.
//   - [View] is the State of the selected mailbox plus what is announced but not known yet.
//   - [Resync] leads from an old State to a View by the cheapest way the server offers.
//   - [Change] is one net change. All ways give the same changes.
//   - [Ledger] holds back the State that may be stored until its changes are acknowledged.
//   - [Reunion] finds out which messages are new when UIDVALIDITY has changed.
//   - [State.MarshalBinary] is the checkpoint: the State as bytes.
//
// # One mailbox, from start to end
//
//	old := new(mailbox.State); old.UnmarshalBinary(stored)      // or nil the first time
//	params, ok := mailbox.SelectParams(old)                     // QRESYNC parameters, when ENABLEd
//	opened := mailbox.Opened{QResync: …, Resumed: ok, …}
//	SELECT: opened.Observe(r) for each untagged response
//	rs := mailbox.Begin(old, opened)
//	for {
//		step, more := rs.Next()
//		if !more { break }
//		run step; rs.Feed(r) for every response to it, also the tagged one
//	}
//	view, changes, report, err := rs.Finish()
//	ledger := mailbox.NewLedger(view, changes)
//	report.Reset: a Reunion, ledger.Renew
//	live: ledger.Apply(r) for every response, also tagged ones; when view.NeedFetch, fetch; when
//	ledger.Doubted, identify them
//	deliver ledger.Next(), then ledger.Ack() and store ledger.State() in one transaction; where that
//	cannot be one, ledger.Foretell before
//
// # Memory
//
// A State has some bits a message: a mailbox of a million with few holes takes 50 KB, one where every other
// message is gone 8 bytes a message; and about 3 KB for the fingerprints of the newest 256. A change that is
// found takes at most 80 bytes while a resynchronisation works and 32 while it waits in the Ledger; consecutive
// messages that are gone, or that are new with the same flags, are one. So the first synchronisation of
// a million messages stays below a megabyte, a million expunged at once take nothing to speak of, and the worst,
// a million messages that have each other flags after a UID diff, 80 MB.
//
// # Rules that are easily broken
//
// HIGHESTMODSEQ never moves because of a FETCH row: rows come in any order, and a lower one, or an
// expunge, may still be under way when the connection breaks (RFC 7162 section 6). A new message is
// found by its UID, never by its mod-sequence. EXISTS says how many messages there are, not that one
// is new: after VANISHED 5, "* 10 EXISTS" in a mailbox of 10 is a new message. "n:*" returns the
// last message even if its UID is below n (RFC 9051 section 6.4.8).
package mailbox
