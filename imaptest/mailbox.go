package imaptest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// Mailbox is one mailbox of a [User]. Its methods do what another client of the same user would do:
// each is one change, gets one mod-sequence, and reaches every session that has the mailbox selected.
// They are safe for concurrent use and never wait for a client.
type Mailbox struct {
	user *User
	id   string // MAILBOXID (RFC 8474 section 4)

	mu          sync.Mutex // guards what follows, and flags and modSeq of msgs; held for no I/O
	name        string     // changed with user.mu held as well
	uidValidity uint32
	uidNext     imap.UID
	modSeq      imap.ModSeq // HIGHESTMODSEQ
	msgs        []*message  // ascending UIDs
	log         []change
	keywords    []imap.Flag // every keyword that was ever used
	recent      imap.UID    // no session was told of messages from here on (\Recent)
	selected    map[*Session]struct{}
}

// change is one entry of a mailbox's log: what happened to a message, in the order of mod-sequences.
// Sessions read it from where they were ([view.sync]), QRESYNC from a mod-sequence.
type change struct {
	modSeq imap.ModSeq
	uid    imap.UID
	kind   changeKind
}

type changeKind uint8

const (
	changeNew changeKind = iota
	changeFlags
	changeExpunge
	changeOther // the UID is that of another message now
)

func newMailbox(u *User, name string, uidValidity uint32) *Mailbox {
	return &Mailbox{
		user: u, id: fmt.Sprintf("M%d", uidValidity), name: name, uidValidity: uidValidity,
		uidNext: 1, modSeq: 1, recent: 1, selected: map[*Session]struct{}{},
	}
}

// Name returns the current name, in UTF-8.
func (m *Mailbox) Name() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.name
}

// Append adds a message that arrives now and returns its UID. Lines that end in a bare LF get a CRLF.
// The message need not be well formed.
func (m *Mailbox) Append(raw []byte, flags ...imap.Flag) imap.UID {
	return m.AppendAt(time.Now(), raw, flags...)
}

// AppendAt is [Mailbox.Append] with an INTERNALDATE.
func (m *Mailbox) AppendAt(date time.Time, raw []byte, flags ...imap.Flag) imap.UID {
	msg := m.user.server.newMessage(raw, date)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.addLocked(msg, flags, m.nextModSeqLocked())
	m.wakeLocked()
	return msg.uid
}

// SetFlags replaces the flags of a message. It reports false if the message is not there.
func (m *Mailbox) SetFlags(uid imap.UID, flags ...imap.Flag) bool {
	return m.storeFlags(uid, replaceFlags, flags)
}

// AddFlags adds flags to a message. It reports false if the message is not there.
func (m *Mailbox) AddFlags(uid imap.UID, flags ...imap.Flag) bool {
	return m.storeFlags(uid, addFlags, flags)
}

// RemoveFlags removes flags from a message. It reports false if the message is not there.
func (m *Mailbox) RemoveFlags(uid imap.UID, flags ...imap.Flag) bool {
	return m.storeFlags(uid, removeFlags, flags)
}

func (m *Mailbox) storeFlags(uid imap.UID, op flagOp, flags []imap.Flag) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	msg := m.findLocked(uid)
	if msg == nil {
		return false
	}
	if m.storeLocked(msg, op, flags, m.modSeq+1) {
		m.wakeLocked()
	}
	return true
}

// Expunge removes messages, whatever their flags, and returns how many of them were there.
func (m *Mailbox) Expunge(uids ...imap.UID) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	set := imap.SetOf(uids...)
	return len(m.expungeLocked(func(msg *message) bool { return set.Contains(msg.uid) }))
}

// ResetUIDValidity gives the mailbox a new, greater UIDVALIDITY and its messages new UIDs from 1, as a
// server does that lost its index. A mailbox must not change so under a session (RFC 9051 section
// 2.3.1.1): those that have it selected are ended with BYE. It returns the new value.
func (m *Mailbox) ResetUIDValidity() uint32 {
	validity := m.user.server.nextUIDValidity()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.evictLocked("Mailbox was rebuilt, UIDVALIDITY changed")
	old := m.msgs
	m.uidValidity, m.uidNext, m.msgs, m.log = validity, 1, nil, nil
	modSeq := m.nextModSeqLocked()
	for _, msg := range old {
		again := *msg
		m.addLocked(&again, msg.flags, modSeq)
	}
	m.recent = m.uidNext
	m.wakeLocked()
	return validity
}

// ReuseUIDs forgets which UIDs were given from one on, as a server does that was killed before it wrote them down, and
// gives them anew, under the same UIDVALIDITY: first to messages that arrive, raw, and then to those that had them. RFC 9051
// section 2.3.1.1 forbids that; Courier-IMAP does it. Sessions are ended.
func (m *Mailbox) ReuseUIDs(from imap.UID, raw ...[]byte) {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.evictLocked("Server was killed")
	k, _ := m.indexLocked(from)
	old := m.msgs[k:]
	m.uidNext, m.msgs = from, m.msgs[:k:k]
	m.log = slices.Clone(m.log)
	for i := range m.log {
		if m.log[i].uid >= from {
			m.log[i].uid = 0 // of no message any more; sessions count the entries
		}
	}
	modSeq := m.nextModSeqLocked()
	for _, text := range raw {
		m.addLocked(m.user.server.newMessage(text, now), nil, modSeq)
	}
	for _, msg := range old {
		again := *msg
		m.addLocked(&again, msg.flags, modSeq)
	}
	m.recent = min(m.recent, from)
	m.wakeLocked()
}

// ShiftUIDs has a message arrive before others that are there, from the one with that UID on: each gets the UID of the
// one behind it, and the last a new one. Sessions go on, and are told that there is one more message, and flags of each whose UID is
// another one's now. RFC 9051 section 2.3.1.1 forbids that; a read-only session of Courier-IMAP sees it.
func (m *Mailbox) ShiftUIDs(from imap.UID, raw []byte, flags ...imap.Flag) {
	next := *m.user.server.newMessage(raw, time.Now())
	next.flags = uniqueFlags(nil, flags)
	m.mu.Lock()
	defer m.mu.Unlock()
	modSeq := m.nextModSeqLocked()
	k, _ := m.indexLocked(from)
	for i := k; i < len(m.msgs); i++ { // sessions keep what they have until they read the log
		was, uid := *m.msgs[i], m.msgs[i].uid
		next.uid, next.modSeq = uid, modSeq
		is := next
		m.msgs[i] = &is
		m.log = append(m.log, change{modSeq, uid, changeOther})
		next = was
	}
	m.addLocked(&next, next.flags, modSeq)
	m.wakeLocked()
}

// Snapshot is a mailbox at one moment.
type Snapshot struct {
	UIDValidity   uint32
	UIDNext       imap.UID
	HighestModSeq imap.ModSeq
	Messages      []SnapshotMessage // in the order of their UIDs
}

// SnapshotMessage is one message of a [Snapshot].
type SnapshotMessage struct {
	UID    imap.UID
	ModSeq imap.ModSeq
	Flags  []imap.Flag // sorted
	Size   int64
}

// UIDs returns the UIDs of the messages.
func (s *Snapshot) UIDs() imap.UIDSet {
	var set imap.UIDSet
	for _, m := range s.Messages {
		set.Add(m.UID)
	}
	return set
}

// Snapshot returns what a client would see that selected the mailbox now. It is a copy.
func (m *Mailbox) Snapshot() Snapshot {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := Snapshot{UIDValidity: m.uidValidity, UIDNext: m.uidNext, HighestModSeq: m.modSeq}
	for _, msg := range m.msgs {
		flags := slices.Clone(msg.flags)
		slices.Sort(flags)
		s.Messages = append(s.Messages, SnapshotMessage{msg.uid, msg.modSeq, flags, msg.size()})
	}
	return s
}

// Raw returns the bytes of a message, or nil if it is not there.
func (m *Mailbox) Raw(uid imap.UID) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if msg := m.findLocked(uid); msg != nil {
		return slices.Clone(msg.raw)
	}
	return nil
}

func (m *Mailbox) nextModSeqLocked() imap.ModSeq {
	m.modSeq++
	return m.modSeq
}

// indexLocked returns where the message with that UID, or the next greater one, is in m.msgs.
func (m *Mailbox) indexLocked(uid imap.UID) (int, bool) {
	return slices.BinarySearchFunc(m.msgs, uid, func(msg *message, uid imap.UID) int { return cmp.Compare(msg.uid, uid) })
}

func (m *Mailbox) findLocked(uid imap.UID) *message {
	if i, ok := m.indexLocked(uid); ok {
		return m.msgs[i]
	}
	return nil
}

// addLocked gives msg the next UID and appends it. The caller wakes the sessions.
func (m *Mailbox) addLocked(msg *message, flags []imap.Flag, modSeq imap.ModSeq) {
	msg.uid, msg.modSeq = m.uidNext, modSeq
	msg.flags = uniqueFlags(nil, flags)
	m.uidNext++
	m.msgs = append(m.msgs, msg)
	m.log = append(m.log, change{modSeq, msg.uid, changeNew})
	m.learnKeywordsLocked(msg.flags)
}

// storeLocked changes the flags of one message and reports whether that made a difference. The caller
// wakes the sessions.
func (m *Mailbox) storeLocked(msg *message, op flagOp, flags []imap.Flag, modSeq imap.ModSeq) bool {
	after, changed := op.apply(msg.flags, flags)
	if !changed {
		return false
	}
	msg.flags, msg.modSeq, m.modSeq = after, modSeq, modSeq
	m.log = append(m.log, change{modSeq, msg.uid, changeFlags})
	m.learnKeywordsLocked(after)
	return true
}

func (m *Mailbox) learnKeywordsLocked(flags []imap.Flag) {
	for _, f := range flags {
		if !strings.HasPrefix(string(f), `\`) && !imap.HasFlag(m.keywords, f) {
			m.keywords = append(m.keywords, f)
		}
	}
}

// expungeLocked removes what doomed says and wakes the sessions. All get one mod-sequence.
func (m *Mailbox) expungeLocked(doomed func(*message) bool) (removed []*message) {
	kept := make([]*message, 0, len(m.msgs))
	for _, msg := range m.msgs {
		if doomed(msg) {
			removed = append(removed, msg)
		} else {
			kept = append(kept, msg)
		}
	}
	if len(removed) == 0 {
		return nil
	}
	m.msgs = kept
	modSeq := m.nextModSeqLocked()
	for _, msg := range removed {
		m.log = append(m.log, change{modSeq, msg.uid, changeExpunge})
	}
	m.wakeLocked()
	return removed
}

// sinceLocked returns the part of the log after a mod-sequence.
func (m *Mailbox) sinceLocked(modSeq imap.ModSeq) []change {
	i, _ := slices.BinarySearchFunc(m.log, modSeq+1, func(c change, modSeq imap.ModSeq) int { return cmp.Compare(c.modSeq, modSeq) })
	return m.log[i:]
}

// expungedLocked returns which of the UIDs in set were expunged after a mod-sequence.
func (m *Mailbox) expungedLocked(set imap.UIDSet, modSeq imap.ModSeq) imap.UIDSet {
	var gone []imap.UID
	for _, c := range m.sinceLocked(modSeq) {
		if c.kind == changeExpunge && set.Contains(c.uid) {
			gone = append(gone, c.uid)
		}
	}
	return imap.SetOf(gone...)
}

// wakeLocked tells the sessions that there is news in the log: those that have the mailbox selected, and those that listen.
func (m *Mailbox) wakeLocked() {
	for s := range m.selected {
		s.wake()
	}
	m.user.wakeListeners()
}

// evictLocked ends the sessions that have the mailbox selected.
func (m *Mailbox) evictLocked(reason string) {
	for s := range m.selected {
		s.end(reason)
	}
	clear(m.selected)
}
