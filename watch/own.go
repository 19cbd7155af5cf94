package watch

import (
	"slices"
	"sync"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// Own is where an application that changes mailboxes itself says so, so that events of its own doing can be told apart: they
// have [Event.Own]. IMAP does not say who did something, so this goes by what the application says alone. Give one
// for each account to [Options], and call Mark before the command that changes something: events may come before its answer.
//
//	own.Mark("INBOX", validity, watch.FlagChange, uids)
//	_, err := conn.Store(ctx, uids, &imap.StoreOptions{Flags: []imap.Flag{imap.FlagSeen}})
//
// The UIDs of messages that are appended, copied or moved are known from the server's answer only (COPYUID and APPENDUID, RFC 4315):
// MessageNew of such a one may have come before it is marked. What somebody else does to the same message at the same time
// cannot be told from one's own: a FlagChange is the net change of both. A change that makes no difference is no event, so
// its mark waits until it is forgotten, after 10 minutes; so do those of commands that failed, unless Unmark takes them back.
// Marks are not stored: a replay after a crash has none.
//
// The zero value is ready, and its methods may be called from several goroutines. At most 1,000 calls of Mark are
// remembered, the latest ones.
type Own struct {
	mu    sync.Mutex
	marks []ownMark // guarded by mu, the oldest first
}

type ownMark struct {
	mailbox     string
	uidValidity uint32
	typ         Type
	uids        imap.UIDSet
	until       time.Time
}

const (
	ownLasts = 10 * time.Minute
	maxOwn   = 1000
)

// Mark says that the next event of this type, MessageNew, MessageExpunge or FlagChange, of each of these messages is of the
// application's own doing. Each mark is good for one event.
func (o *Own) Mark(mailbox string, uidValidity uint32, t Type, uids imap.UIDSet) {
	if uids.Empty() {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	o.marks = slices.DeleteFunc(o.marks, func(m ownMark) bool { return now.After(m.until) })
	if len(o.marks) >= maxOwn {
		o.marks = slices.Delete(o.marks, 0, 1)
	}
	o.marks = append(o.marks, ownMark{mailbox, uidValidity, t, uids.Clone(), now.Add(ownLasts)})
}

// Unmark takes back what Mark said, after a command that has failed.
func (o *Own) Unmark(mailbox string, uidValidity uint32, t Type, uids imap.UIDSet) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for uid := range uids.All() {
		o.dropLocked(mailbox, uidValidity, t, uid)
	}
}

// findLocked returns the index of the oldest mark of an event, -1 if there is none.
func (o *Own) findLocked(mailbox string, uidValidity uint32, t Type, uid imap.UID) int {
	now := time.Now()
	return slices.IndexFunc(o.marks, func(m ownMark) bool {
		return m.typ == t && m.uidValidity == uidValidity && imap.SameMailbox(m.mailbox, mailbox) && m.uids.Contains(uid) && !now.After(m.until)
	})
}

func (o *Own) dropLocked(mailbox string, uidValidity uint32, t Type, uid imap.UID) {
	i := o.findLocked(mailbox, uidValidity, t, uid)
	if i < 0 {
		return
	}
	if o.marks[i].uids.Remove(uid); o.marks[i].uids.Empty() {
		o.marks = slices.Delete(o.marks, i, i+1)
	}
}

// has reports whether an event is of one's own doing.
func (o *Own) has(ev *Event) bool {
	if o == nil {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.findLocked(ev.Mailbox, ev.UIDValidity, ev.Type, ev.UID) >= 0
}

// told takes out the mark of an event that was acknowledged.
func (o *Own) told(ev *Event) {
	if o == nil || !ev.Own {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.dropLocked(ev.Mailbox, ev.UIDValidity, ev.Type, ev.UID)
}
