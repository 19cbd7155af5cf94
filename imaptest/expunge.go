package imaptest

import "github.com/pushmail/pushmail/imap"

func (s *Session) cmdExpunge(args *arguments) imap.Status {
	if e := args.end(); e != nil {
		return *e
	}
	return s.expunge("EXPUNGE", nil)
}

// cmdUIDExpunge is UID EXPUNGE (RFC 4315 section 2.1).
func (s *Session) cmdUIDExpunge(args *arguments) imap.Status {
	set := args.uidSet()
	if e := args.end(); e != nil {
		return *e
	}
	among := map[imap.UID]bool{}
	for _, i := range s.view.byUID(set) {
		among[s.view.msgs[i].uid] = true
	}
	return s.expunge("UID EXPUNGE", among)
}

func (s *Session) expunge(command string, among map[imap.UID]bool) imap.Status {
	if s.view.readOnly {
		return no(imap.CodeNoPerm, "Mailbox is read-only")
	}
	s.expungeDeleted(among)
	return ok(command + " completed") // and HIGHESTMODSEQ with QRESYNC, as RFC 7162 section 3.2.7 wants it
}

// expungeDeleted removes the messages with \Deleted that the client knows of, and with a UID in among
// unless that is nil.
func (s *Session) expungeDeleted(among map[imap.UID]bool) {
	v := s.view
	v.mailbox.mu.Lock()
	defer v.mailbox.mu.Unlock()
	v.mailbox.expungeLocked(func(m *message) bool {
		if !imap.HasFlag(m.flags, imap.FlagDeleted) || among != nil && !among[m.uid] {
			return false
		}
		_, known := v.index(m.uid)
		return known
	})
}
