package imaptest

import (
	"slices"

	"github.com/pushmail/pushmail/imap"
)

// news is what happened in a mailbox since a view last looked.
type news struct {
	flags    []*imap.Message // changes of flags that the client does not know
	added    int
	keywords []imap.Flag // the flags of the mailbox, if there are new ones
}

// sync tells the client what happened in the selected mailbox, as far as the policy allows. It returns
// a HIGHESTMODSEQ that the client should be told next, or 0.
//
// The log says what happened; the client is told how it is now. So any number of changes of one
// message is one FETCH, and a message that came and went is nothing.
func (s *Session) sync(policy updatePolicy) imap.ModSeq {
	v := s.view
	if v == nil || policy == noUpdates {
		return 0
	}
	tells := s.notify.ofSelected()
	if tells == 0 {
		return 0 // it is kept for a NOTIFY that wants to know
	}
	n := s.catchUp(v, policy)
	s.sendKeywords(n.keywords)
	for _, row := range n.flags {
		if tells&eventFlags != 0 {
			s.sendRow(row)
		}
	}
	if policy == allUpdates {
		s.sendExpunges(v)
	}
	s.sendNew(n.added)
	return s.highest(v)
}

// sendNew tells the client that there are more messages, and what it wants to know of them.
func (s *Session) sendNew(added int) {
	v := s.view
	if added > 0 {
		s.send(imap.Exists(len(v.msgs)))
	}
	if v.recent != v.recentTold {
		s.sendRecent()
	}
	if s.notify == nil || s.notify.fetch == nil {
		return
	}
	for i := max(0, len(v.msgs)-added); i < len(v.msgs); i++ {
		s.sendRow(s.fetchRow(i, s.notify.fetch)) // RFC 5465 section 5.2
	}
}

// catchUp reads the log up to its end. What was expunged stays in the view until the client is told.
func (s *Session) catchUp(v *view, policy updatePolicy) news {
	m := v.mailbox
	m.mu.Lock()
	defer m.mu.Unlock()
	var n news
	if v.cursor > len(m.log) {
		return n // the mailbox was rebuilt, the session is about to end
	}
	var changed []imap.UID
	for _, c := range m.log[v.cursor:] {
		switch c.kind {
		case changeNew:
			if msg := m.findLocked(c.uid); msg != nil {
				v.addLocked(msg)
				n.added++
			}
		case changeFlags:
			changed = append(changed, c.uid)
		case changeOther:
			if i, ok := v.index(c.uid); ok && m.findLocked(c.uid) != nil {
				v.msgs[i].message = m.findLocked(c.uid)
				changed = append(changed, c.uid)
			}
		case changeExpunge:
			if _, ok := v.index(c.uid); ok {
				v.gone.Add(c.uid)
			}
		}
	}
	for _, uid := range changed {
		if policy == allUpdates && v.gone.Contains(uid) {
			continue
		}
		if i, ok := v.index(uid); ok && v.msgs[i].modSeq > v.msgs[i].seen {
			n.flags = append(n.flags, s.flagsRowLocked(i))
		}
	}
	n.keywords = v.newKeywordsLocked()
	v.cursor, v.modSeq = len(m.log), m.modSeq
	return n
}

// newKeywordsLocked returns the flags of the mailbox if the client does not know all of them.
func (v *view) newKeywordsLocked() []imap.Flag {
	if v.keywords == len(v.mailbox.keywords) {
		return nil
	}
	v.keywords = len(v.mailbox.keywords)
	return slices.Concat(systemFlags, v.mailbox.keywords)
}

// sendKeywords tells the client that the flags of the mailbox have become more (RFC 9051 section 7.3.5).
func (s *Session) sendKeywords(flags []imap.Flag) {
	if flags == nil {
		return
	}
	s.send(imap.MailboxFlags(flags))
	s.sendOK(s.view.permanentFlags(flags), "Flags permitted")
}

func (v *view) permanentFlags(flags []imap.Flag) *imap.Code {
	code := &imap.Code{Name: imap.CodePermanentFlags}
	if !v.readOnly {
		code.Flags = append(slices.Clone(flags), imap.FlagWildcard)
	}
	return code
}

// highest returns the HIGHESTMODSEQ to tell a client that has enabled QRESYNC, or 0. Such a client may
// take the greatest mod-sequence that it saw for its own. That is too low when only removals and new
// messages came; and too high while removals are held back, which it would never hear of after a
// reconnect: then it is told the last one at which nothing was missing. Dovecot does so.
func (s *Session) highest(v *view) (told imap.ModSeq) {
	heldBack := !v.gone.Empty()
	switch {
	case !s.qresync:
	case heldBack && v.fetched > v.complete:
		told = v.complete
	case !heldBack && v.modSeq > v.complete && v.modSeq > v.fetched:
		told = v.modSeq
	}
	if !heldBack {
		v.complete = v.modSeq
	}
	return told
}

func (s *Session) sendRecent() {
	s.view.recentTold = s.view.recent
	s.send(s.view.recent)
}

// sendRow sends a row of FETCH.
func (s *Session) sendRow(row *imap.Message) {
	if row.Items.Has(imap.ItemModSeq) {
		s.view.fetched = max(s.view.fetched, row.ModSeq)
	}
	s.send(row)
}

// flagsRowLocked is an unsolicited FETCH. After a CONDSTORE enabling command it has the mod-sequence
// (RFC 7162 section 3.1), after ENABLE QRESYNC the UID too. Section 3.2.4 wants the UID in both cases
// of a server that knows QRESYNC; Dovecot does not give it, so clients must do without.
func (s *Session) flagsRowLocked(i int) *imap.Message {
	m := &s.view.msgs[i]
	row := &imap.Message{SeqNum: seqNum(i), Items: imap.ItemFlags, Flags: s.view.flagsLocked(i)}
	s.addModSeqLocked(row, m.message)
	if s.notify != nil {
		row.Items |= imap.ItemUID // RFC 5465 section 5.1
		row.UID = m.uid
	}
	return row
}

func (s *Session) addModSeqLocked(row *imap.Message, m *message) {
	if !s.condStore {
		return
	}
	row.Items |= imap.ItemModSeq
	row.ModSeq = m.modSeq
	if s.qresync {
		row.Items |= imap.ItemUID
		row.UID = m.uid
	}
}

// sendExpunges tells the client what is gone and takes it out of the view.
func (s *Session) sendExpunges(v *view) {
	if v.gone.Empty() {
		return
	}
	positions := v.byUID(v.gone)
	if !s.qresync {
		for k, i := range positions {
			// RFC 9051 section 7.5.1: each one counts for the numbers of those after it.
			s.send(imap.Expunge(i + 1 - k))
		}
	}
	v.drop(positions)
	if s.qresync {
		s.send(&imap.Vanished{UIDs: v.gone}) // RFC 7162 section 3.2.10
	}
	v.gone = nil
}

// push tells a client what happened that idles, or listens at any time. Otherwise nothing may be sent while no command
// is in progress (RFC 9051 section 5.2), so it waits for the next one.
func (s *Session) push() {
	if s.server.deafIdle.Load() {
		return
	}
	if s.idleTag != "" || s.notify != nil && s.notify.at {
		s.sendHighest(s.sync(allUpdates))
	}
	s.tellOthers()
}

// sendHighest says a HIGHESTMODSEQ, unless it is 0.
func (s *Session) sendHighest(n imap.ModSeq) {
	if n != 0 {
		s.sendOK(numCode(imap.CodeHighestModSeq, uint64(n)), "Highest")
	}
}
