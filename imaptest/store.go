package imaptest

import (
	"strings"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

func (s *Session) cmdStore(args *arguments) imap.Status    { return s.store(args, "STORE", false) }
func (s *Session) cmdUIDStore(args *arguments) imap.Status { return s.store(args, "UID STORE", true) }

// storeRequest is what a STORE does.
type storeRequest struct {
	op             flagOp
	silent         bool
	flags          []imap.Flag
	conditional    bool // UNCHANGEDSINCE was given
	unchangedSince imap.ModSeq
}

// storeResult is what became of it.
type storeResult struct {
	rows     []*imap.Message
	modified imap.UIDSet // numbers or UIDs that failed UNCHANGEDSINCE
	missing  bool        // some messages are expunged already
	keywords []imap.Flag // see [view.newKeywordsLocked]
}

func (s *Session) store(args *arguments, command string, uid bool) imap.Status {
	set := args.uidSet()
	r := s.storeRequest(args)
	if e := args.end(); e != nil {
		return *e
	}
	positions, valid := s.positions(set, uid)
	switch {
	case !valid:
		return bad("No such message number")
	case s.view.readOnly:
		return no(imap.CodeNoPerm, "Mailbox is read-only")
	}
	if r.conditional {
		s.enableCondStore()
	}
	result := s.applyStore(positions, r, uid)
	s.sendKeywords(result.keywords)
	for _, row := range result.rows {
		s.sendRow(row)
	}
	switch {
	case !result.modified.Empty():
		return okCode(&imap.Code{Name: imap.CodeModified, Source: result.modified}, "Conditional "+command+" failed")
	case result.missing:
		return no(imap.CodeExpungeIssued, "Some of the messages no longer exist")
	}
	return ok(command + " completed")
}

func (s *Session) storeRequest(args *arguments) *storeRequest {
	r := &storeRequest{}
	if args.peekList() {
		mods := &arguments{left: args.list()}
		if word := mods.atom(); !strings.EqualFold(word, "UNCHANGEDSINCE") || !s.can(imap.CapCondStore) {
			args.fail("Unknown modifier " + imap.Printable(word))
		}
		r.conditional, r.unchangedSince = true, mods.modSeq(0)
		if e := mods.end(); e != nil {
			args.fail(e.Text)
		}
	}
	item, silent := strings.CutSuffix(strings.ToUpper(args.atom()), ".SILENT")
	r.silent = silent
	switch item {
	case "FLAGS":
		r.op = replaceFlags
	case "+FLAGS":
		r.op = addFlags
	case "-FLAGS":
		r.op = removeFlags
	default:
		args.fail("Unknown item " + imap.Printable(item))
	}
	var flags []imapwire.Arg
	if args.peekList() {
		flags = args.list()
	} else {
		for first := true; first || args.more(); first = false {
			flags = append(flags, args.next())
		}
	}
	var err error
	if r.flags, err = parseFlags(flags); err != nil && args.err == nil {
		args.err = err
	}
	return r
}

// applyStore changes all messages at one moment, with one mod-sequence.
func (s *Session) applyStore(positions []int, r *storeRequest, uid bool) (result storeResult) {
	v, m := s.view, s.view.mailbox
	m.mu.Lock()
	defer m.mu.Unlock()
	modSeq := m.modSeq + 1
	stored := false
	for _, i := range positions {
		msg := &v.msgs[i]
		switch {
		case m.findLocked(msg.uid) == nil:
			result.missing = true
			continue
		case r.conditional && msg.modSeq > r.unchangedSince:
			// RFC 7162 section 3.1.3.
			n := imap.UID(seqNum(i))
			if uid {
				n = msg.uid
			}
			result.modified.Add(n)
			continue
		}
		// What others did before and the client was not told of must not get lost in a silent store
		// (RFC 9051 section 6.4.6): then the change stays unseen and the log brings it.
		known := msg.seen == msg.modSeq
		changed := m.storeLocked(msg.message, r.op, r.flags, modSeq)
		stored = stored || changed
		if row := s.storeRowLocked(i, r, uid, changed, known); row != nil {
			result.rows = append(result.rows, row)
		}
	}
	if stored {
		m.wakeLocked()
	}
	result.keywords = v.newKeywordsLocked()
	return result
}

// storeRowLocked is the answer for one message: its flags, unless the store is silent or changed
// nothing, and its mod-sequence, silent or not, if the client knows those (RFC 7162 section 3.1.3).
func (s *Session) storeRowLocked(i int, r *storeRequest, uid, changed, known bool) *imap.Message {
	msg := &s.view.msgs[i]
	if r.silent && known {
		msg.seen = msg.modSeq
	}
	if !changed || r.silent && !s.condStore {
		return nil
	}
	row := &imap.Message{SeqNum: seqNum(i)}
	if !r.silent {
		row.Items, row.Flags = imap.ItemFlags, s.view.flagsLocked(i)
	}
	if uid {
		row.Items |= imap.ItemUID
		row.UID = msg.uid
	}
	s.addModSeqLocked(row, msg.message)
	return row
}
