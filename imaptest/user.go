package imaptest

import (
	"crypto/subtle"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/pushmail/pushmail/imap"
)

// delim is the hierarchy delimiter of mailbox names.
const delim = '/'

// User is an account with its mailboxes. Its methods are safe for concurrent use.
type User struct {
	server *Server
	name   string

	mu         sync.Mutex // guards what follows; taken before a mailbox's mu
	password   string
	mailboxes  map[string]*Mailbox
	subscribed map[string]bool
	specialUse map[string]imap.Attr
	nameLog    []nameChange

	hearMu  sync.Mutex // guards hearing; taken last
	hearing map[*Session]struct{}
}

func newUser(s *Server, name string) *User {
	return &User{
		server: s, name: name,
		mailboxes: map[string]*Mailbox{}, subscribed: map[string]bool{}, specialUse: map[string]imap.Attr{},
		hearing: map[*Session]struct{}{},
	}
}

// Name returns the name that the user logs in with.
func (u *User) Name() string { return u.name }

// SetPassword changes the password. Sessions that are logged in stay so.
func (u *User) SetPassword(password string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.password = password
}

func (u *User) checkPassword(password string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return subtle.ConstantTimeCompare([]byte(u.password), []byte(password)) == 1
}

// Mailbox returns the mailbox with that name, in UTF-8, and creates it when missing. "/" separates
// the levels of the hierarchy.
func (u *User) Mailbox(name string) *Mailbox {
	u.mu.Lock()
	defer u.mu.Unlock()
	name = canonicalName(name)
	if m := u.mailboxes[name]; m != nil {
		return m
	}
	return u.createLocked(name)
}

// Mailboxes returns the names of all mailboxes, sorted.
func (u *User) Mailboxes() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Sorted(maps.Keys(u.mailboxes))
}

// SetSpecialUse gives a mailbox a special-use attribute (RFC 6154), such as [imap.AttrSent]. "" takes it away.
func (u *User) SetSpecialUse(name string, use imap.Attr) {
	m := u.Mailbox(name)
	u.mu.Lock()
	defer u.mu.Unlock()
	if use == "" {
		delete(u.specialUse, m.name)
	} else {
		u.specialUse[m.name] = use
	}
}

// DeleteMailbox removes a mailbox with its messages and reports whether it was there. Sessions that
// have it selected are ended with BYE.
func (u *User) DeleteMailbox(name string) bool {
	return u.deleteMailbox(canonicalName(name)) == nil
}

// canonicalName writes INBOX in capitals: its case does not matter (RFC 9051 section 5.1).
func canonicalName(name string) string {
	first, rest, _ := strings.Cut(name, string(delim))
	if strings.EqualFold(first, "INBOX") {
		return "INBOX" + name[len("INBOX"):len(name)-len(rest)] + rest
	}
	return name
}

// RenameMailbox renames a mailbox and those below it, and reports whether that was possible: from exists
// and is not INBOX, and to does not exist.
func (u *User) RenameMailbox(from, to string) bool {
	return from != "INBOX" && u.renameMailbox(from, to) == nil
}

func (u *User) find(name string) *Mailbox {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.mailboxes[canonicalName(name)]
}

// createLocked adds a mailbox. Levels above need not exist; LIST shows them as \NonExistent.
func (u *User) createLocked(name string) *Mailbox {
	m := newMailbox(u, name, u.server.nextUIDValidity())
	u.mailboxes[name] = m
	u.noteNameLocked(nameChange{name: name, event: eventName})
	return m
}

// errMailbox is a NO with its response code.
type errMailbox struct {
	code imap.CodeName
	text string
}

func (e *errMailbox) Error() string { return e.text }

var (
	errNoMailbox  = &errMailbox{imap.CodeNonExistent, "Mailbox doesn't exist"}
	errExists     = &errMailbox{imap.CodeAlreadyExists, "Mailbox already exists"}
	errBadName    = &errMailbox{imap.CodeCannot, "Invalid mailbox name"}
	errInbox      = &errMailbox{imap.CodeCannot, "INBOX can't be deleted"}
	errTryCreate  = &errMailbox{imap.CodeTryCreate, "Mailbox doesn't exist"}
	errNoChildren = &errMailbox{imap.CodeCannot, "Can't move a mailbox into itself"}
)

func validName(name string) bool {
	return name != "" && name[0] != delim && !strings.Contains(name, "//") && !strings.ContainsAny(name, "\x00\r\n")
}

func (u *User) createMailbox(name string) (*Mailbox, error) {
	// RFC 9051 section 6.3.4: a name that ends in the delimiter declares the intent to create below it.
	name = canonicalName(strings.TrimSuffix(name, string(delim)))
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case !validName(name):
		return nil, errBadName
	case u.mailboxes[name] != nil:
		return nil, errExists
	}
	return u.createLocked(name), nil
}

func (u *User) deleteMailbox(name string) error {
	name = canonicalName(name)
	u.mu.Lock()
	defer u.mu.Unlock()
	m := u.mailboxes[name]
	switch {
	case name == "INBOX":
		return errInbox
	case m == nil:
		return errNoMailbox
	}
	delete(u.mailboxes, name)
	delete(u.specialUse, name)
	u.noteNameLocked(nameChange{name: name, event: eventName})
	m.mu.Lock()
	defer m.mu.Unlock()
	m.evictLocked("Mailbox was deleted")
	return nil
}

func (u *User) renameMailbox(from, to string) error {
	from, to = canonicalName(from), canonicalName(strings.TrimSuffix(to, string(delim)))
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case !u.existsLocked(from):
		return errNoMailbox
	case !validName(to):
		return errBadName
	case u.mailboxes[to] != nil:
		return errExists
	case strings.HasPrefix(to, from+string(delim)) && from != "INBOX":
		return errNoChildren
	case from == "INBOX":
		u.emptyInboxLocked(to)
		return nil
	}
	for name, m := range maps.Clone(u.mailboxes) {
		rest, below := strings.CutPrefix(name, from+string(delim))
		switch {
		case name == from:
			u.moveLocked(m, name, to)
		case below:
			u.moveLocked(m, name, to+string(delim)+rest)
		}
	}
	u.noteNameLocked(nameChange{name: to, oldName: from, event: eventName})
	return nil
}

// existsLocked reports whether there is a mailbox with that name, or one below it.
func (u *User) existsLocked(name string) bool {
	for other := range u.mailboxes {
		if other == name || strings.HasPrefix(other, name+string(delim)) {
			return true
		}
	}
	return false
}

func (u *User) moveLocked(m *Mailbox, from, to string) {
	delete(u.mailboxes, from)
	u.mailboxes[to] = m
	if use, ok := u.specialUse[from]; ok {
		delete(u.specialUse, from)
		u.specialUse[to] = use
	}
	m.mu.Lock()
	m.name = to
	m.mu.Unlock()
}

// emptyInboxLocked moves the messages of INBOX to a new mailbox; INBOX stays (RFC 9051 section 6.3.6).
func (u *User) emptyInboxLocked(to string) {
	dst := u.createLocked(to)
	inbox := u.mailboxes["INBOX"]
	inbox.mu.Lock()
	moved := inbox.expungeLocked(func(*message) bool { return true })
	inbox.mu.Unlock()
	dst.mu.Lock()
	defer dst.mu.Unlock()
	modSeq := dst.nextModSeqLocked()
	for _, msg := range moved {
		again := *msg
		dst.addLocked(&again, msg.flags, modSeq)
	}
}
