package imaptest

import (
	"slices"
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// nameChange is an entry of a user's log of mailbox names.
type nameChange struct {
	name, oldName string // oldName: what it was renamed from, or ""
	event         notifyEvents
}

// noteNameLocked notes that a name was created, deleted, renamed or subscribed to.
func (u *User) noteNameLocked(c nameChange) {
	u.nameLog = append(u.nameLog, c)
	u.wakeListeners()
}

// listen has the session be woken when anything changes in any mailbox.
func (u *User) listen(s *Session) {
	u.hearMu.Lock()
	defer u.hearMu.Unlock()
	u.hearing[s] = struct{}{}
}

func (u *User) unlisten(s *Session) {
	u.hearMu.Lock()
	defer u.hearMu.Unlock()
	delete(u.hearing, s)
}

// wakeListeners may be called with any mutex held.
func (u *User) wakeListeners() {
	u.hearMu.Lock()
	defer u.hearMu.Unlock()
	for s := range u.hearing {
		s.wake()
	}
}

// listened returns the mailboxes of which n wants to be told something, by name, and what.
func (u *User) listened(n *notification) (boxes []*Mailbox, events []notifyEvents) {
	u.mu.Lock()
	defer u.mu.Unlock()
	var names []string
	for name := range u.mailboxes {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if e := n.eventsLocked(u, name); e != 0 {
			boxes, events = append(boxes, u.mailboxes[name]), append(events, e)
		}
	}
	return boxes, events
}

func (u *User) nameLogLen() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.nameLog)
}

// namesSince returns a LIST response for each name that was affected since n was told (RFC 5465 section 5.4 and 5.5). A
// mailbox that is created or deleted affects the level above it, too.
func (u *User) namesSince(n *notification) (rows []*imap.List) {
	u.mu.Lock()
	var affected []nameChange
	for _, c := range u.nameLog[n.names:] {
		if n.eventsLocked(u, c.name)&c.event == 0 {
			continue
		}
		if i := strings.LastIndexByte(c.name, delim); i > 0 && c.oldName == "" && c.event == eventName {
			affected = append(affected, nameChange{name: c.name[:i]})
		}
		affected = append(affected, c)
	}
	n.names = len(u.nameLog)
	u.mu.Unlock()
	all := u.entries()
	for _, c := range affected {
		row := &imap.List{Delim: delim, Mailbox: c.name}
		if e := all[c.name]; e == nil || e.mailbox == nil && !e.children {
			row.Attrs = []imap.Attr{imap.AttrNonExistent}
		} else {
			row.Attrs, row.OldName = e.attrs(&listRequest{extended: true, showSubscribed: true}), c.oldName
		}
		rows = append(rows, row)
	}
	return rows
}
