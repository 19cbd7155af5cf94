package imaptest

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

func (s *Session) cmdSelect(args *arguments) imap.Status  { return s.selectMailbox(args, false) }
func (s *Session) cmdExamine(args *arguments) imap.Status { return s.selectMailbox(args, true) }

// resync is the QRESYNC parameter of SELECT (RFC 7162 section 3.2.5).
type resync struct {
	uidValidity uint64
	modSeq      imap.ModSeq
	known       imap.UIDSet // nil: all
	seqs        []uint32    // of messages whose UIDs the client knows,
	uids        []uint32    // which are these
}

// selectMailbox is SELECT and EXAMINE (RFC 9051 section 6.3.2 and RFC 3501 section 6.3.1).
func (s *Session) selectMailbox(args *arguments, readOnly bool) imap.Status {
	name := args.mailbox()
	condStore, qresync := s.selectParams(args)
	if e := args.end(); e != nil {
		return *e
	}
	// RFC 9051 section 6.3.2: the old mailbox is closed even if the new one cannot be opened.
	if s.view != nil {
		s.leave()
		if s.can(imap.CapCondStore) {
			s.send(&imap.Status{Kind: imap.OK, Code: &imap.Code{Name: imap.CodeClosed}, Text: "Previous mailbox closed"})
		}
	}
	m := s.user.find(name)
	if m == nil {
		return no(imap.CodeNonExistent, "Mailbox doesn't exist")
	}
	s.condStore = s.condStore || condStore
	s.view = m.open(s, readOnly)
	s.change(func() { s.mailbox, s.state = m, Selected })
	uidValidity := s.describe()
	if qresync != nil && qresync.uidValidity == uint64(uidValidity) {
		s.resync(qresync)
	}
	if readOnly {
		return okCode(&imap.Code{Name: imap.CodeReadOnly}, "EXAMINE completed")
	}
	return okCode(&imap.Code{Name: imap.CodeReadWrite}, "SELECT completed")
}

// describe sends what SELECT says of a mailbox.
func (s *Session) describe() (uidValidity uint32) {
	v, m := s.view, s.view.mailbox
	m.mu.Lock()
	uidValidity = m.uidValidity
	uidNext := m.uidNext
	flags := slices.Concat(systemFlags, m.keywords)
	v.keywords = len(m.keywords)
	unseen := slices.IndexFunc(v.msgs, func(msg viewMessage) bool { return !imap.HasFlag(msg.flags, imap.FlagSeen) })
	m.mu.Unlock()

	s.send(imap.MailboxFlags(flags))
	s.sendOK(v.permanentFlags(flags), "Flags permitted")
	s.send(imap.Exists(len(v.msgs)))
	s.sendRecent()
	if unseen >= 0 {
		s.sendOK(numCode(imap.CodeUnseen, uint64(unseen+1)), "First unseen")
	}
	s.sendOK(numCode(imap.CodeUIDValidity, uint64(uidValidity)), "UIDs valid")
	s.sendOK(numCode(imap.CodeUIDNext, uint64(uidNext)), "Predicted next UID")
	if s.can(imap.CapCondStore) {
		s.sendOK(numCode(imap.CodeHighestModSeq, uint64(v.modSeq)), "Highest")
	}
	if s.can(imap.CapObjectID) {
		s.sendOK(&imap.Code{Name: imap.CodeMailboxID, Words: []string{m.id}}, "Mailbox ID")
	}
	return uidValidity
}

func (s *Session) sendOK(code *imap.Code, text string) {
	s.send(&imap.Status{Kind: imap.OK, Code: code, Text: text})
}

// selectParams reads the list of parameters, if there is one (RFC 4466 section 2.1).
func (s *Session) selectParams(args *arguments) (condStore bool, q *resync) {
	if !args.more() {
		return false, nil
	}
	params := &arguments{left: args.list()}
	for params.more() {
		switch word := strings.ToUpper(params.atom()); {
		case word == "CONDSTORE" && s.can(imap.CapCondStore):
			condStore = true
		case word == "QRESYNC" && s.qresync:
			q = parseResync(params)
			condStore = true
		default:
			// RFC 7162 section 3.2.5: QRESYNC without ENABLE is BAD.
			params.fail("Unknown parameter " + imap.Printable(word))
		}
	}
	if params.err != nil {
		args.err = params.err
	}
	return condStore, q
}

// parseResync reads "(uidvalidity modseq [known-uids [(seqs uids)]])".
func parseResync(params *arguments) *resync {
	q := &resync{}
	args := &arguments{left: params.list()}
	var err error
	if q.uidValidity, err = strconv.ParseUint(args.atom(), 10, 32); err != nil || q.uidValidity == 0 {
		args.fail("Invalid UIDVALIDITY")
	}
	q.modSeq = args.modSeq(1)
	if args.more() && !args.peekList() {
		q.known = args.uidSet()
		if q.known.Dynamic() {
			args.fail("* in known UIDs")
		}
	}
	if args.more() {
		match := &arguments{left: args.list()}
		seqs, uids := match.uidSet(), match.uidSet()
		if match.more() || match.err != nil || seqs.Dynamic() || uids.Dynamic() || seqs.Len() != uids.Len() || seqs.Len() > 1<<16 {
			args.fail("Invalid sequence match data")
		} else {
			q.seqs, q.uids = numbers(seqs), numbers(uids)
		}
	}
	if args.more() {
		args.fail("Too many QRESYNC arguments")
	}
	if args.err != nil {
		params.fail(args.err.Error())
	}
	return q
}

func numbers(set imap.UIDSet) []uint32 {
	var out []uint32
	for n := range set.All() {
		out = append(out, uint32(n))
	}
	return out
}

// uidSet reads a set of UIDs; also one of sequence numbers, which looks the same.
func (a *arguments) uidSet() imap.UIDSet {
	arg := a.next()
	set, err := imap.ParseSet[imap.UID](arg.Text)
	if a.err == nil && (err != nil || arg.Kind != imapwire.ArgAtom || set.Empty()) {
		a.fail("Invalid message set")
	}
	return set
}

// resync tells what changed since the client last looked (RFC 7162 section 3.2.5.1).
func (s *Session) resync(q *resync) {
	v, m := s.view, s.view.mailbox
	known := q.known
	if known == nil {
		known = imap.SetOfRange[imap.UID](1, 1<<32-1)
	}
	m.mu.Lock()
	gone := m.expungedLocked(known, q.modSeq)
	var rows []*imap.Message
	for i := range v.msgs {
		if msg := &v.msgs[i]; msg.modSeq > q.modSeq && known.Contains(msg.uid) {
			rows = append(rows, &imap.Message{
				SeqNum: seqNum(i), UID: msg.uid, ModSeq: msg.modSeq, Flags: v.flagsLocked(i),
				Items: imap.ItemUID | imap.ItemFlags | imap.ItemModSeq,
			})
		}
	}
	m.mu.Unlock()
	if gone = gone.Subtract(q.matched(v)); !gone.Empty() {
		s.send(&imap.Vanished{Earlier: true, UIDs: gone})
	}
	for _, row := range rows {
		s.sendRow(row)
	}
}

// matched returns the UIDs up to the last pair of number and UID that still holds: the client knows
// what is gone among them (RFC 7162 section 3.2.5.2).
func (q *resync) matched(v *view) imap.UIDSet {
	for k := len(q.seqs) - 1; k >= 0; k-- {
		if i := int(q.seqs[k]) - 1; i < len(v.msgs) && uint32(v.msgs[i].uid) == q.uids[k] {
			return imap.SetOfRange(1, imap.UID(q.uids[k]))
		}
	}
	return nil
}

func (s *Session) cmdUnselect(args *arguments) imap.Status {
	if e := args.end(); e != nil {
		return *e
	}
	s.leave()
	return ok("UNSELECT completed")
}

// cmdClose expunges silently (RFC 9051 section 6.4.1), also without a HIGHESTMODSEQ (RFC 7162 section 3.2.8).
func (s *Session) cmdClose(args *arguments) imap.Status {
	if e := args.end(); e != nil {
		return *e
	}
	if !s.view.readOnly {
		s.expungeDeleted(nil)
	}
	s.leave()
	return ok("CLOSE completed")
}
