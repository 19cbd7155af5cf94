package imaptest

import (
	"slices"
	"strings"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

func (s *Session) cmdFetch(args *arguments) imap.Status    { return s.fetch(args, "FETCH", false) }
func (s *Session) cmdUIDFetch(args *arguments) imap.Status { return s.fetch(args, "UID FETCH", true) }

// fetchRequest is what a FETCH asks for.
type fetchRequest struct {
	items        imap.Items
	sections     []sectionRequest
	changedSince imap.ModSeq
	changed      bool // CHANGEDSINCE was given
	vanished     bool
}

// seen reports whether the fetch sets \Seen.
func (r *fetchRequest) seen() bool {
	return slices.ContainsFunc(r.sections, func(s sectionRequest) bool { return !s.peek })
}

func (s *Session) fetch(args *arguments, command string, uid bool) imap.Status {
	set := args.uidSet()
	r := s.fetchItems(args)
	s.fetchModifiers(args, r, uid)
	if e := args.end(); e != nil {
		return *e
	}
	positions, valid := s.positions(set, uid)
	if !valid {
		return bad("No such message number")
	}
	if uid {
		r.items |= imap.ItemUID
	}
	if r.changed || r.items.Has(imap.ItemModSeq) {
		s.enableCondStore()
	}
	if r.changed {
		r.items |= imap.ItemModSeq
	}
	if r.vanished {
		s.sendEarlier(set, r.changedSince)
	}
	for _, i := range positions {
		if row := s.fetchRow(i, r); row != nil {
			s.sendRow(row)
		}
	}
	return ok(command + " completed")
}

// positions resolves the set of a command.
func (s *Session) positions(set imap.UIDSet, uid bool) ([]int, bool) {
	if uid {
		return s.view.byUID(set), true
	}
	seqs := make(imap.SeqSet, len(set))
	for i, r := range set {
		seqs[i] = imap.Range[imap.SeqNum]{First: imap.SeqNum(r.First), Last: imap.SeqNum(r.Last)}
	}
	return s.view.bySeq(seqs)
}

// fetchItems reads the items: one, a macro, or a list.
func (s *Session) fetchItems(args *arguments) *fetchRequest {
	r := &fetchRequest{}
	if args.peekList() {
		list := args.list()
		if len(list) == 0 {
			args.fail("No items")
		}
		for _, arg := range list {
			s.fetchItem(args, r, arg)
		}
		return r
	}
	switch arg := args.next(); {
	case arg.Is("ALL"):
		r.items = imap.ItemsAll
	case arg.Is("FAST"):
		r.items = imap.ItemsFast
	case arg.Is("FULL"):
		r.items = imap.ItemsFull
	default:
		s.fetchItem(args, r, arg)
	}
	return r
}

// fetchItemNames are the items that are one word, with the capability that they need.
var fetchItemNames = map[string]struct {
	item  imap.Items
	needs imap.Capability
}{
	"UID":           {imap.ItemUID, ""},
	"FLAGS":         {imap.ItemFlags, ""},
	"INTERNALDATE":  {imap.ItemInternalDate, ""},
	"RFC822.SIZE":   {imap.ItemSize, ""},
	"ENVELOPE":      {imap.ItemEnvelope, ""},
	"BODYSTRUCTURE": {imap.ItemBody, ""},
	"BODY":          {imap.ItemBodyBasic, ""},
	"MODSEQ":        {imap.ItemModSeq, imap.CapCondStore},
	"EMAILID":       {imap.ItemEmailID, imap.CapObjectID},
	"THREADID":      {imap.ItemThreadID, imap.CapObjectID},
}

func (s *Session) fetchItem(args *arguments, r *fetchRequest, arg imapwire.Arg) {
	if args.err != nil {
		return
	}
	if item, found := fetchItemNames[strings.ToUpper(arg.Text)]; found && arg.Kind == imapwire.ArgAtom && (item.needs == "" || s.can(item.needs)) {
		r.items |= item.item
		return
	}
	section, is, err := parseSection(arg.Text)
	if arg.Kind != imapwire.ArgAtom || !is || err != nil {
		args.fail("Unknown item " + imap.Printable(arg.Text))
		return
	}
	r.items |= imap.ItemSections
	r.sections = append(r.sections, section)
}

// fetchModifiers reads "(CHANGEDSINCE n [VANISHED])" (RFC 7162 sections 3.1.4.1 and 3.2.6).
func (s *Session) fetchModifiers(args *arguments, r *fetchRequest, uid bool) {
	if !args.more() {
		return
	}
	mods := &arguments{left: args.list()}
	for mods.more() {
		switch word := strings.ToUpper(mods.atom()); {
		case word == "CHANGEDSINCE" && s.can(imap.CapCondStore):
			r.changed, r.changedSince = true, mods.modSeq(0)
		case word == "VANISHED" && uid && s.qresync:
			r.vanished = true
		default:
			mods.fail("Unknown modifier " + imap.Printable(word))
		}
	}
	if r.vanished && !r.changed {
		mods.fail("VANISHED without CHANGEDSINCE")
	}
	if args.err == nil {
		args.err = mods.err
	}
}

// sendEarlier answers the VANISHED modifier. It comes before the rows (RFC 7162 section 3.2.6). What
// the client is yet to be told of as a removal of the session is left out: it comes in a VANISHED
// without EARLIER (section 3.2.10).
func (s *Session) sendEarlier(set imap.UIDSet, since imap.ModSeq) {
	v := s.view
	v.mailbox.mu.Lock()
	gone := v.mailbox.expungedLocked(set, since)
	v.mailbox.mu.Unlock()
	for i := range v.msgs {
		gone.Remove(v.msgs[i].uid)
	}
	if !gone.Empty() {
		s.send(&imap.Vanished{Earlier: true, UIDs: gone})
	}
}

// fetchRow makes the answer for one message, or nil if CHANGEDSINCE leaves it out.
func (s *Session) fetchRow(i int, r *fetchRequest) *imap.Message {
	v := s.view
	msg := &v.msgs[i]
	row := &imap.Message{SeqNum: seqNum(i), UID: msg.uid, Items: r.items}
	m := v.mailbox
	m.mu.Lock()
	if r.changed && msg.modSeq <= r.changedSince {
		m.mu.Unlock()
		return nil
	}
	if r.seen() && !v.readOnly && m.findLocked(msg.uid) != nil &&
		m.storeLocked(msg.message, addFlags, []imap.Flag{imap.FlagSeen}, m.modSeq+1) {
		m.wakeLocked()
		row.Items |= imap.ItemFlags
		s.addModSeqLocked(row, msg.message)
	}
	row.ModSeq = msg.modSeq
	if row.Items.Has(imap.ItemFlags) {
		row.Flags = v.flagsLocked(i)
	}
	m.mu.Unlock()
	msg.describe(row, r)
	return row
}

// describe fills in what never changes.
func (m *message) describe(row *imap.Message, r *fetchRequest) {
	row.InternalDate, row.Size = m.date, m.size()
	if r.items.Has(imap.ItemEnvelope) {
		row.Envelope = m.envelope()
	}
	if r.items.Has(imap.ItemBody) {
		row.Body = m.root().bodyStructure()
	} else if r.items.Has(imap.ItemBodyBasic) {
		basic := bodyBasic(*m.root().bodyStructure())
		row.Body = &basic
	}
	if r.items&(imap.ItemEmailID|imap.ItemThreadID) != 0 {
		row.More = &imap.MoreItems{EmailID: m.emailID, ThreadID: m.threadID}
	}
	for i := range r.sections {
		row.Sections = append(row.Sections, r.sections[i].read(m.content))
	}
}
