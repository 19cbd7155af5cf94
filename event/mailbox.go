package event

import "time"

// MailboxOpen says that a mailbox is being watched. What had changed since it was watched last follows,
// and then what happens.
type MailboxOpen struct {
	Account string `json:"account"`
	Mailbox string `json:"mailbox"`
	// Exists is the number of messages.
	Exists      uint32 `json:"exists"`
	UIDValidity uint32 `json:"uidvalidity"`
	// UIDNext and HighestModSeq are 0, and left out, if the server does not say.
	UIDNext       uint32 `json:"uidnext,omitzero"`
	HighestModSeq uint64 `json:"highestmodseq,omitzero"`
	// Method is how the mailbox was compared with what was known: one of the Method constants.
	Method string `json:"method"`
	// Resumed is false when nothing was known before: the messages that are there are not reported.
	Resumed bool `json:"resumed"`
	// Push is how news are learned: "idle" (RFC 2177) or "poll".
	Push string `json:"push"`
}

// How a mailbox is compared with what was known of it, from cheap to dear. All find the same changes.
const (
	MethodQResync   = "qresync"   // the server says what changed (RFC 7162)
	MethodCondStore = "condstore" // the server says which flags changed, UIDs are compared
	MethodSearch    = "search"    // the server says which messages have which flag, UIDs are compared
	MethodUIDDiff   = "uid-diff"  // UIDs and flags are compared
	MethodInitial   = "initial"   // nothing was known before
)

// MailboxReset says that the server gave the mailbox a new UIDVALIDITY: all UIDs known before mean
// nothing any more.
type MailboxReset struct {
	Ref
	// Before is the UIDVALIDITY that was.
	Before        uint32 `json:"uidvalidity_before"`
	Exists        uint32 `json:"exists"`
	UIDNext       uint32 `json:"uidnext,omitzero"`
	HighestModSeq uint64 `json:"highestmodseq,omitzero"`
}

// MailboxName says that a mailbox was created, deleted or renamed.
type MailboxName struct {
	Account string `json:"account"`
	// Mailbox is the name now, or the one that is gone.
	Mailbox string `json:"mailbox"`
	// Change is one of the Name constants. A reader must expect others.
	Change string `json:"change"`
	// OldMailbox is what a renamed mailbox was called before.
	OldMailbox string `json:"mailbox_before,omitzero"`
	// Attributes are those of LIST, nil if not known: "\\HasNoChildren".
	Attributes []string `json:"attributes,omitzero"`
	// MailboxID stays when a mailbox is renamed (RFC 8474).
	MailboxID string `json:"mailbox_id,omitzero"`
}

// What happened to a mailbox.
const (
	NameCreated = "created"
	NameDeleted = "deleted"
	NameRenamed = "renamed"
)

// Link says that the link to a server changed: between up and down, or between fresh and stale.
type Link struct {
	Account string `json:"account"`
	// Mailbox is "", and left out, when the whole account is meant.
	Mailbox string `json:"mailbox,omitzero"`
	// Up says that there is a session that reports changes.
	Up bool `json:"up"`
	// Reason is why, for people: "connection reset by peer".
	Reason string `json:"reason"`
	// Class is what kind of trouble it is, for programs: see docs/events.md. Without trouble it is "", and left out.
	Class string `json:"class,omitzero"`
	// Stale says that it has been too long since it was proven that nothing is missing. A link can
	// be up and stale: connected, but deaf.
	Stale bool `json:"stale"`
	// VerifiedAt is when it was proven last that nothing is missing, zero if never.
	VerifiedAt time.Time `json:"verified_at,omitzero"`
}

// Type returns [TypeMailboxOpen].
func (*MailboxOpen) Type() Type { return TypeMailboxOpen }

// Type returns [TypeMailboxReset].
func (*MailboxReset) Type() Type { return TypeMailboxReset }

// Type returns [TypeMailboxName].
func (*MailboxName) Type() Type { return TypeMailboxName }

// Type returns [TypeLink].
func (*Link) Type() Type { return TypeLink }

func (*MailboxOpen) subject() string  { return "" }
func (*MailboxReset) subject() string { return "" }
func (*MailboxName) subject() string  { return "" }
func (*Link) subject() string         { return "" }

func (d *MailboxOpen) wire() any {
	out := *d
	out.Account, out.Mailbox, out.Method, out.Push = clean(d.Account), clean(d.Mailbox), clean(d.Method), clean(d.Push)
	return &out
}

func (d *MailboxReset) wire() any {
	out := *d
	out.Ref = d.Ref.clean()
	return &out
}

func (d *MailboxName) wire() any {
	out := *d
	out.Account, out.Mailbox, out.OldMailbox = clean(d.Account), clean(d.Mailbox), clean(d.OldMailbox)
	out.Change, out.MailboxID, out.Attributes = clean(d.Change), clean(d.MailboxID), cleanList(d.Attributes)
	return &out
}

func (d *Link) wire() any {
	out := *d
	out.Account, out.Mailbox, out.Reason, out.Class = clean(d.Account), clean(d.Mailbox), clean(d.Reason), clean(d.Class)
	out.VerifiedAt = utc(d.VerifiedAt).Truncate(time.Millisecond)
	return &out
}
