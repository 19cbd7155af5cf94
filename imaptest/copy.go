package imaptest

import "github.com/pushmail/pushmail/imap"

func (s *Session) cmdCopy(args *arguments) imap.Status { return s.copy(args, "COPY", false, false) }
func (s *Session) cmdUIDCopy(args *arguments) imap.Status {
	return s.copy(args, "UID COPY", true, false)
}
func (s *Session) cmdMove(args *arguments) imap.Status { return s.copy(args, "MOVE", false, true) }
func (s *Session) cmdUIDMove(args *arguments) imap.Status {
	return s.copy(args, "UID MOVE", true, true)
}

// copy is COPY (RFC 9051 section 6.4.7) and MOVE (section 6.4.8).
func (s *Session) copy(args *arguments, command string, uid, move bool) imap.Status {
	set := args.uidSet()
	name := args.mailbox()
	if e := args.end(); e != nil {
		return *e
	}
	positions, valid := s.positions(set, uid)
	dst := s.user.find(name)
	switch {
	case !valid:
		return bad("No such message number")
	case dst == nil:
		return mailboxStatus(command, errTryCreate)
	case move && s.view.readOnly:
		return no(imap.CodeNoPerm, "Mailbox is read-only")
	case move && dst == s.view.mailbox:
		return no(imap.CodeCannot, "Can't move messages to where they are")
	}
	code := s.view.copyTo(dst, positions)
	status := ok(command + " completed")
	if !move {
		if code != nil && s.can(imap.CapUIDPlus) {
			status.Code = code
		}
		return status
	}
	if code != nil {
		// RFC 6851 section 4.3: COPYUID comes before the EXPUNGEs.
		if s.can(imap.CapUIDPlus) {
			s.sendOK(code, "Moved")
		}
		s.view.remove(code.Source)
	}
	return status
}

// copyTo copies messages that still exist and returns COPYUID, or nil if there were none.
func (v *view) copyTo(dst *Mailbox, positions []int) *imap.Code {
	var copies []*message
	var sources []imap.UID
	v.mailbox.mu.Lock()
	for _, i := range positions {
		if msg := v.mailbox.findLocked(v.msgs[i].uid); msg != nil {
			again := *msg
			copies = append(copies, &again)
			sources = append(sources, msg.uid)
		}
	}
	v.mailbox.mu.Unlock()
	if len(copies) == 0 {
		return nil
	}
	dst.mu.Lock()
	defer dst.mu.Unlock()
	modSeq := dst.nextModSeqLocked()
	for _, msg := range copies {
		dst.addLocked(msg, msg.flags, modSeq)
	}
	dst.wakeLocked()
	code := &imap.Code{
		Name: imap.CodeCopyUID, UIDValidity: dst.uidValidity, Source: imap.SetOf(sources...),
		Dest: imap.SetOfRange(copies[0].uid, copies[len(copies)-1].uid),
	}
	return code
}

func (v *view) remove(uids imap.UIDSet) {
	m := v.mailbox
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expungeLocked(func(msg *message) bool { return uids.Contains(msg.uid) })
}
