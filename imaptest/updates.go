package imaptest

import "github.com/pushmail/pushmail/imap"

// news is what happened in a mailbox since a view last looked.
type news struct {
	flags []*imap.Message // changes of flags that the client does not know
	added bool
}

// sync tells the client what happened in the selected mailbox, as far as the policy allows.
//
// The log says what happened; the client is told how it is now. So any number of changes of one
// message is one FETCH, and a message that came and went is nothing.
func (s *Session) sync(policy updatePolicy) {
	v := s.view
	if v == nil || policy == noUpdates {
		return
	}
	n := s.catchUp(v)
	for _, row := range n.flags {
		s.send(row)
	}
	if policy == allUpdates {
		s.sendExpunges(v)
	}
	if n.added {
		s.send(imap.Exists(len(v.msgs)))
		s.send(v.recentCount())
	}
}

// catchUp reads the log up to its end. What was expunged stays in the view until the client is told.
func (s *Session) catchUp(v *view) news {
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
				n.added = true
			}
		case changeFlags:
			changed = append(changed, c.uid)
		case changeExpunge:
			if _, ok := v.index(c.uid); ok {
				v.gone.Add(c.uid)
			}
		}
	}
	for _, uid := range changed {
		if i, ok := v.index(uid); ok && v.msgs[i].modSeq > v.msgs[i].seen && !v.gone.Contains(uid) {
			n.flags = append(n.flags, s.flagsRowLocked(i))
		}
	}
	v.cursor, v.modSeq = len(m.log), m.modSeq
	return n
}

// flagsRowLocked is an unsolicited FETCH. RFC 7162 sections 3.1 and 3.2.4: after a CONDSTORE enabling
// command it has the mod-sequence, and on a server with QRESYNC the UID too.
func (s *Session) flagsRowLocked(i int) *imap.Message {
	m := &s.view.msgs[i]
	row := &imap.Message{SeqNum: seqNum(i), Items: imap.ItemFlags, Flags: s.view.flagsLocked(i)}
	s.addModSeqLocked(row, m.message)
	return row
}

func (s *Session) addModSeqLocked(row *imap.Message, m *message) {
	if !s.condStore {
		return
	}
	row.Items |= imap.ItemModSeq
	row.ModSeq = m.modSeq
	if s.can(imap.CapQResync) {
		row.Items |= imap.ItemUID
		row.UID = m.uid
	}
}

// sendExpunges tells the client what is gone and takes it out of the view.
func (s *Session) sendExpunges(v *view) {
	if v.gone.Empty() {
		return
	}
	kept := v.msgs[:0]
	for i := range v.msgs {
		switch {
		case !v.gone.Contains(v.msgs[i].uid):
			kept = append(kept, v.msgs[i])
		case !s.qresync:
			// RFC 9051 section 7.5.1: each one counts for the numbers of those after it.
			s.send(imap.Expunge(len(kept) + 1))
		}
	}
	clear(v.msgs[len(kept):])
	v.msgs = kept
	if s.qresync {
		s.send(&imap.Vanished{UIDs: v.gone}) // RFC 7162 section 3.2.10
	}
	v.gone = nil
}

// push tells an idling client what happened. Otherwise nothing may be sent while no command is in
// progress (RFC 9051 section 5.2), so it waits for the next one.
func (s *Session) push() {
	if s.idleTag != "" && !s.server.deafIdle.Load() {
		s.sync(allUpdates)
	}
}
