package imaptest

import (
	"errors"
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// mailboxStatus is the answer of a command on mailbox names.
func mailboxStatus(command string, err error) imap.Status {
	if refused, found := errors.AsType[*errMailbox](err); found {
		return no(refused.code, refused.text)
	}
	return ok(command + " completed")
}

func (s *Session) cmdCreate(args *arguments) imap.Status {
	name := args.mailbox()
	if e := args.end(); e != nil {
		return *e
	}
	m, err := s.user.createMailbox(name)
	status := mailboxStatus("CREATE", err)
	if err == nil && s.can(imap.CapObjectID) {
		status.Code = &imap.Code{Name: imap.CodeMailboxID, Words: []string{m.id}}
	}
	return status
}

func (s *Session) cmdDelete(args *arguments) imap.Status {
	name := args.mailbox()
	if e := args.end(); e != nil {
		return *e
	}
	if s.view != nil && s.user.find(name) == s.view.mailbox {
		s.leave() // it is this session's own doing: no BYE for it
	}
	return mailboxStatus("DELETE", s.user.deleteMailbox(name))
}

func (s *Session) cmdRename(args *arguments) imap.Status {
	from, to := args.mailbox(), args.mailbox()
	if e := args.end(); e != nil {
		return *e
	}
	return mailboxStatus("RENAME", s.user.renameMailbox(from, to))
}

func (s *Session) cmdSubscribe(args *arguments) imap.Status {
	return s.subscribe(args, "SUBSCRIBE", true)
}

func (s *Session) cmdUnsubscribe(args *arguments) imap.Status {
	return s.subscribe(args, "UNSUBSCRIBE", false)
}

func (s *Session) subscribe(args *arguments, command string, on bool) imap.Status {
	name := args.mailbox()
	if e := args.end(); e != nil {
		return *e
	}
	if on && s.user.find(name) == nil {
		return mailboxStatus(command, errNoMailbox)
	}
	s.user.Subscribe(name, on)
	return ok(command + " completed")
}

// Subscribe adds a name to the subscriptions, or takes it away.
func (u *User) Subscribe(name string, on bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if name = canonicalName(name); on {
		u.subscribed[name] = true
	} else {
		delete(u.subscribed, name)
	}
	u.noteNameLocked(nameChange{name: name, event: eventSubscription})
}

// statusNames are the items of STATUS with the capability that they need.
var statusNames = map[string]struct {
	item  imap.StatusItems
	needs imap.Capability
}{
	"MESSAGES":      {imap.StatusMessages, ""},
	"RECENT":        {imap.StatusRecent, ""},
	"UIDNEXT":       {imap.StatusUIDNext, ""},
	"UIDVALIDITY":   {imap.StatusUIDValidity, ""},
	"UNSEEN":        {imap.StatusUnseen, ""},
	"DELETED":       {imap.StatusDeleted, imap.CapIMAP4rev2},
	"SIZE":          {imap.StatusSize, imap.CapStatusSize},
	"HIGHESTMODSEQ": {imap.StatusHighestModSeq, imap.CapCondStore},
	"MAILBOXID":     {imap.StatusMailboxID, imap.CapObjectID},
}

func (s *Session) cmdStatus(args *arguments) imap.Status {
	name := args.mailbox()
	items := s.statusItems(args)
	if e := args.end(); e != nil {
		return *e
	}
	m := s.user.find(name)
	if m == nil {
		return mailboxStatus("STATUS", errNoMailbox)
	}
	if items.Has(imap.StatusHighestModSeq) {
		s.enableCondStore()
	}
	s.send(s.statusOf(m, items))
	return ok("STATUS completed")
}

func (s *Session) statusItems(args *arguments) (items imap.StatusItems) {
	list := args.list()
	for _, arg := range list {
		item, found := statusNames[strings.ToUpper(arg.Text)]
		if !found || item.needs != "" && !s.can(item.needs) {
			args.fail("Unknown item " + imap.Printable(arg.Text))
		}
		items |= item.item
	}
	if items == 0 {
		args.fail("No items")
	}
	return items
}

func (s *Session) statusOf(m *Mailbox, items imap.StatusItems) *imap.MailboxStatus {
	m.mu.Lock()
	defer m.mu.Unlock()
	st := &imap.MailboxStatus{
		Mailbox: m.name, Items: items, Messages: uint32(len(m.msgs)), UIDNext: m.uidNext,
		UIDValidity: m.uidValidity, HighestModSeq: m.modSeq, MailboxID: m.id,
	}
	for _, msg := range m.msgs {
		st.Size += msg.size()
		if !imap.HasFlag(msg.flags, imap.FlagSeen) {
			st.Unseen++
		}
		if imap.HasFlag(msg.flags, imap.FlagDeleted) {
			st.Deleted++
		}
		if msg.uid >= m.recent {
			st.Recent++
		}
	}
	return st
}
