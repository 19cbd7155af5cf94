package watch

import (
	"time"

	"github.com/pushmail/pushmail/event"
	"github.com/pushmail/pushmail/imap"
)

// Type is the type of an [Event], in the words of IMAP NOTIFY (RFC 5465) where it has one.
type Type uint8

// The types of events.
const (
	// MailboxOpen: the mailbox was opened and compared with the checkpoint; what had changed follows.
	MailboxOpen Type = iota + 1
	// MailboxReset: the server has renumbered the mailbox (UIDVALIDITY changed). UIDs known before
	// mean nothing any more.
	MailboxReset
	// MessageNew: a message has arrived.
	MessageNew
	// MessageExpunge: a message is gone.
	MessageExpunge
	// FlagChange: the flags of a message have changed.
	FlagChange
	// Link: the connection was lost or is back, or the mailbox is stale.
	Link
	// MailboxName: a mailbox was created, deleted or renamed.
	MailboxName
)

// String returns the name of the type.
func (t Type) String() string {
	return [...]string{"", "MailboxOpen", "MailboxReset", "MessageNew", "MessageExpunge", "FlagChange", "Link", "MailboxName"}[t]
}

// Event is something that happened to a mailbox.
type Event struct {
	// ID is the same whenever the same thing is reported again, and different for different things.
	ID   string
	Type Type
	// Time is when it was noticed.
	Time time.Time

	Account     string
	User        string
	Host        string
	Mailbox     string
	UIDValidity uint32

	// UID is that of the message, 0 for events that are not of a message.
	UID imap.UID
	// Reuse is "" but where the server gave the UID to another message before, under the same UIDVALIDITY: then it tells the
	// two apart, and is part of the ID. It is the fingerprint of the message in hexadecimal digits; zeros if it cannot be known.
	Reuse string
	// ModSeq is 0 where the mailbox keeps none, and for an expunge.
	ModSeq imap.ModSeq
	// Flags are the flags of the message; those it had last, for MessageExpunge.
	Flags []imap.Flag
	// Added and Removed are what FlagChange changed.
	Added, Removed []imap.Flag
	// Rev counts the flag changes of this message, where there is no ModSeq to tell them apart.
	Rev uint32
	// Message tells what the message is. It may be nil: for MessageExpunge and FlagChange if it was
	// not seen before, and for MessageNew if it was gone before it could be looked at, or if the server does not say:
	// a message with which the connection has ended three times is reported so, for it would hold up all behind it.
	Message *Summary

	// Own: the application said that it did this itself; see [Own].
	Own bool

	Open  *OpenInfo  // of MailboxOpen
	Reset *ResetInfo // of MailboxReset
	Link  *LinkInfo  // of Link
	Name  *NameInfo  // of MailboxName
}

// Summary is what is known of a message. Its strings are decoded and written by the sender.
type Summary = event.Summary

// OpenInfo tells how a mailbox was opened.
type OpenInfo struct {
	Exists        uint32
	UIDNext       imap.UID
	HighestModSeq imap.ModSeq
	// Method is how the mailbox was compared with the checkpoint: "qresync", "condstore", "search",
	// "uid-diff", or "initial" without a checkpoint.
	Method string
	// Push is how news will be learned: "idle" or "poll".
	Push string
	// Resumed: there was a checkpoint to start from.
	Resumed bool
}

// ResetInfo tells of a change of UIDVALIDITY, and what the mailbox is now.
type ResetInfo struct {
	OldUIDValidity uint32
	Exists         uint32
	UIDNext        imap.UID
	HighestModSeq  imap.ModSeq
}

// LinkInfo tells of the connection.
type LinkInfo struct {
	Up bool
	// Stale: the mailbox could not be verified for Options.StaleAfter.
	Stale  bool
	Reason string
	// Class is what kind of trouble it is: see imapclient.Class; "deaf" if the server did not push what it should have.
	// When a connection is lost for one reason and cannot be made again because the password is refused, or for
	// something else that somebody has to change, one more event says so.
	Class string
	// RetryIn is the pause before the next attempt.
	RetryIn time.Duration
	// VerifiedAt is the last moment at which it was proven that nothing was missing.
	VerifiedAt time.Time
}

// NameInfo tells what became of a mailbox.
type NameInfo struct {
	// Change is "created", "deleted" or "renamed".
	Change string
	// OldMailbox is the name before, of a renamed one.
	OldMailbox string
	// Attributes are those of LIST, such as "\\HasNoChildren"; none for a deleted one.
	Attributes []string
	// MailboxID stays when a mailbox is renamed (RFC 8474); "" if the server has none.
	MailboxID string
}
