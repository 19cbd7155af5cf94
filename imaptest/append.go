package imaptest

import (
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// cmdAppend is APPEND (RFC 9051 section 6.3.12).
func (s *Session) cmdAppend(args *arguments) imap.Status {
	name := args.mailbox()
	var flags []imap.Flag
	if args.peekList() {
		var err error
		if flags, err = parseFlags(args.list()); err != nil {
			args.fail(err.Error())
		}
	}
	date := time.Now()
	text := args.next()
	if text.Kind == imapwire.ArgQuoted {
		var err error
		if date, err = parseDateTime(text.Text); err != nil {
			args.fail("Invalid date-time")
		}
		text = args.next()
	}
	if text.Kind != imapwire.ArgLiteral {
		args.fail("Expected a literal")
	}
	if e := args.end(); e != nil {
		return *e
	}
	m := s.user.find(name)
	if m == nil {
		return mailboxStatus("APPEND", errTryCreate)
	}
	msg := s.server.newMessage([]byte(text.Text), date)
	m.mu.Lock()
	m.addLocked(msg, flags, m.nextModSeqLocked())
	m.wakeLocked()
	code := &imap.Code{Name: imap.CodeAppendUID, UIDValidity: m.uidValidity, Dest: imap.UIDs(msg.uid)}
	m.mu.Unlock()
	status := ok("APPEND completed")
	if s.can(imap.CapUIDPlus) {
		status.Code = code
	}
	return status
}
