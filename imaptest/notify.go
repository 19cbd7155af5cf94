package imaptest

import (
	"slices"
	"strings"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// notifyEvents are the events of NOTIFY (RFC 5465 section 5) that the server has.
type notifyEvents uint8

const (
	eventNew notifyEvents = 1 << iota
	eventExpunge
	eventFlags
	eventName
	eventSubscription

	messageEvents = eventNew | eventExpunge | eventFlags
)

var notifyEventNames = map[string]notifyEvents{
	"messagenew": eventNew, "messageexpunge": eventExpunge, "flagchange": eventFlags,
	"mailboxname": eventName, "subscriptionchange": eventSubscription,
}

// notification is what a session has asked for by NOTIFY. That it is there means that what is not asked for is not told, be it of
// the selected mailbox (RFC 5465 section 3.1). It belongs to the session's goroutine.
type notification struct {
	groups   []notifyGroup
	selected notifyEvents
	at       bool          // SELECTED: tell at any time, not only in IDLE and with commands
	fetch    *fetchRequest // of new messages in the selected mailbox; nil: nothing
	told     map[*Mailbox]logPosition
	names    int // so much of the user's log of names was told
}

type notifyGroup struct {
	kind   string
	names  []string
	events notifyEvents
}

// logPosition is how far the log of a mailbox was told, and how many messages were unseen there.
type logPosition struct {
	uidValidity uint32
	cursor      int
	unseen      uint32
}

// cmdNotify is NOTIFY (RFC 5465 section 3.1).
func (s *Session) cmdNotify(args *arguments) imap.Status {
	n := &notification{told: map[*Mailbox]logPosition{}}
	status := false
	switch word := strings.ToUpper(args.atom()); {
	case word == "NONE":
	case word != "SET":
		args.fail("Expected SET or NONE")
	default:
		if args.more() && args.left[0].Is("STATUS") {
			status = true
			args.next()
		}
		if refused := s.notifyGroups(args, n); refused != nil {
			return *refused
		}
	}
	if e := args.end(); e != nil {
		return *e
	}
	s.notify = n
	s.user.listen(s)
	s.takeNote(status)
	return ok("NOTIFY completed")
}

// notifyGroups reads one group of events after the other.
func (s *Session) notifyGroups(args *arguments, n *notification) (refused *imap.Status) {
	selected := 0
	for first := true; first || args.more(); first = false {
		group := &arguments{left: args.list()}
		g := notifyGroup{kind: strings.ToUpper(group.atom())}
		switch g.kind {
		case "SELECTED", "SELECTED-DELAYED":
			selected++
		case "PERSONAL", "INBOXES", "SUBSCRIBED":
		case "SUBTREE", "MAILBOXES":
			g.names = mailboxNames(group)
		default:
			args.fail("Unknown mailboxes " + imap.Printable(g.kind))
		}
		isSelected := strings.HasPrefix(g.kind, "SELECTED")
		if selected > 1 {
			args.fail("SELECTED twice") // section 6.1
		}
		if refused := s.notifyEvents(group, &g, n, isSelected); refused != nil {
			return refused
		}
		if e := group.end(); e != nil {
			args.fail(e.Text)
		}
		if isSelected {
			n.selected, n.at = g.events, g.kind == "SELECTED"
		} else {
			n.groups = append(n.groups, g)
		}
	}
	return nil
}

// mailboxNames reads one name or a list of them.
func mailboxNames(args *arguments) (names []string) {
	if !args.peekList() {
		return []string{canonicalName(args.mailbox())}
	}
	list := &arguments{left: args.list()}
	for first := true; first || list.more(); first = false {
		names = append(names, canonicalName(list.mailbox()))
	}
	if list.err != nil {
		args.fail(list.err.Error())
	}
	return names
}

// notifyEvents reads NONE or a list of events.
func (s *Session) notifyEvents(group *arguments, g *notifyGroup, n *notification, isSelected bool) (refused *imap.Status) {
	if !group.peekList() {
		if !group.next().Is("NONE") {
			group.fail("Expected a list of events or NONE")
		}
		return nil
	}
	events := &arguments{left: group.list()}
	for first := true; first || events.more(); first = false {
		word := events.atom()
		event, known := notifyEventNames[strings.ToLower(word)]
		if !known && events.err == nil {
			return badEvent()
		}
		g.events |= event
		if events.peekList() {
			if !isSelected || event != eventNew {
				events.fail("Items of a message that cannot be told") // section 8: only for the selected mailbox
			}
			n.fetch = s.fetchItems(&arguments{left: []imapwire.Arg{events.next()}})
		}
	}
	fail := func(reason string) {
		if events.err == nil {
			events.fail(reason)
		}
	}
	switch { // section 5 and 6.1
	case (g.events&eventNew != 0) != (g.events&eventExpunge != 0):
		fail("MessageNew and MessageExpunge go together")
	case g.events&eventFlags != 0 && g.events&eventNew == 0:
		fail("FlagChange without MessageNew")
	case isSelected && g.events&^messageEvents != 0:
		fail("SELECTED is about messages")
	}
	if events.err != nil {
		group.fail(events.err.Error())
	}
	return nil
}

// badEvent refuses an event that the server does not have.
func badEvent() *imap.Status {
	status := no(imap.CodeBadEvent, "No such event")
	status.Code.Words = []string{imap.EventMessageNew, imap.EventMessageExpunge, imap.EventFlagChange, imap.EventMailboxName, imap.EventSubscription}
	return &status
}

// eventsLocked returns what is to be told of a mailbox that is not selected. The user's mu is held.
func (n *notification) eventsLocked(u *User, name string) (events notifyEvents) {
	for _, g := range n.groups {
		var in bool
		switch g.kind {
		case "PERSONAL", "INBOXES":
			in = true
		case "SUBSCRIBED":
			in = u.subscribed[name]
		case "SUBTREE":
			in = slices.ContainsFunc(g.names, func(top string) bool { return name == top || strings.HasPrefix(name, top+string(delim)) })
		case "MAILBOXES":
			in = slices.Contains(g.names, name)
		}
		if in {
			events |= g.events
		}
	}
	return events
}

// ofSelected are the events of the selected mailbox that are told.
func (n *notification) ofSelected() notifyEvents {
	if n == nil {
		return messageEvents
	}
	return n.selected
}

// takeNote begins with what there is now, and says it if the client wants so.
func (s *Session) takeNote(tell bool) {
	n := s.notify
	boxes, events := s.user.listened(n)
	n.names = s.user.nameLogLen()
	for i, m := range boxes {
		n.told[m] = m.position()
		if tell && events[i]&messageEvents != 0 && !s.hasSelected(m) {
			items := imap.StatusMessages | imap.StatusUIDNext | imap.StatusUIDValidity | imap.StatusUnseen
			s.send(s.statusOf(m, s.withModSeq(items)))
		}
	}
}

func (s *Session) hasSelected(m *Mailbox) bool { return s.view != nil && s.view.mailbox == m }

// withModSeq adds HIGHESTMODSEQ. RFC 5465 section 5 wants it once CONDSTORE is enabled; Dovecot always tells it.
func (s *Session) withModSeq(items imap.StatusItems) imap.StatusItems {
	if s.can(imap.CapCondStore) {
		items |= imap.StatusHighestModSeq
	}
	return items
}

// tellOthers says what has happened to names, and in mailboxes that are not selected. What happened in the selected one
// is told as such or not at all: what is left of it when it is closed is no news of another mailbox.
func (s *Session) tellOthers() {
	if s.overflow.Swap(false) && s.notify != nil && len(s.notify.groups) > 0 {
		s.notify = &notification{} // section 5.8: as NOTIFY NONE
		s.sendOK(&imap.Code{Name: imap.CodeNotificationOverflow}, "Too many notifications")
	}
	n := s.notify
	if n == nil || len(n.groups) == 0 {
		return
	}
	lossy := s.server.lossyNotify.Load()
	rows := s.user.namesSince(n)
	boxes, events := s.user.listened(n)
	for _, row := range rows {
		if !lossy {
			s.send(row)
		}
	}
	for i, m := range boxes {
		was := n.told[m]
		now, happened := m.since(was)
		n.told[m] = now
		if items := itemsOf(happened, was, now) & wanted(events[i]); items != 0 && !lossy && !s.hasSelected(m) {
			s.send(s.statusOf(m, s.withModSeq(items&^imap.StatusHighestModSeq)))
		}
	}
}

// itemsOf says what STATUS tells of what happened, as Dovecot has it.
func itemsOf(happened notifyEvents, was, now logPosition) (items imap.StatusItems) {
	if happened&(eventNew|eventExpunge) != 0 {
		items |= imap.StatusMessages | imap.StatusUIDNext | imap.StatusUnseen
	}
	if happened&eventFlags != 0 {
		items |= imap.StatusHighestModSeq
		if was.unseen != now.unseen {
			items |= imap.StatusUnseen
		}
	}
	if was.uidValidity != now.uidValidity && items != 0 {
		items |= imap.StatusUIDValidity
	}
	return items
}

// wanted are the items that the events allow.
func wanted(events notifyEvents) (items imap.StatusItems) {
	if events&eventNew != 0 {
		items |= imap.StatusMessages | imap.StatusUIDNext | imap.StatusUnseen | imap.StatusUIDValidity
	}
	if events&eventFlags != 0 {
		items |= imap.StatusHighestModSeq | imap.StatusUnseen | imap.StatusUIDValidity
	}
	return items
}

// position is where the log of m ends.
func (m *Mailbox) position() logPosition {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.positionLocked()
}

func (m *Mailbox) positionLocked() logPosition {
	p := logPosition{uidValidity: m.uidValidity, cursor: len(m.log)}
	for _, msg := range m.msgs {
		if !imap.HasFlag(msg.flags, imap.FlagSeen) {
			p.unseen++
		}
	}
	return p
}

// since returns where the log ends and what kinds of things happened after p.
func (m *Mailbox) since(p logPosition) (now logPosition, happened notifyEvents) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now = m.positionLocked()
	switch {
	case p.uidValidity != now.uidValidity && p.uidValidity != 0:
		return now, messageEvents // rebuilt
	case p.uidValidity != now.uidValidity:
		p.cursor = 0 // it was created meanwhile
	}
	for _, c := range m.log[p.cursor:] {
		happened |= map[changeKind]notifyEvents{changeNew: eventNew, changeExpunge: eventExpunge, changeFlags: eventFlags, changeOther: eventFlags}[c.kind]
	}
	return now, happened
}
