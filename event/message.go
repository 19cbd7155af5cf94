package event

import (
	"strconv"
	"time"
)

// Ref says which mailbox an event is about, and which life of it: UIDs mean something only together
// with UIDValidity.
type Ref struct {
	// Account is the name of the account in the configuration.
	Account string `json:"account"`
	// Mailbox is the full name, with the server's hierarchy delimiter, in UTF-8.
	Mailbox string `json:"mailbox"`
	// UIDValidity is 0 if the server gave none.
	UIDValidity uint32 `json:"uidvalidity"`
}

// Summary is what is known about a message besides its UID and flags. What is not known is left out.
type Summary struct {
	// InternalDate is when the server received the message, in UTC.
	InternalDate time.Time `json:"internaldate,omitzero"`
	// Size is in bytes.
	Size     int64     `json:"size,omitzero"`
	Envelope *Envelope `json:"envelope,omitzero"`
	// Attachments is nil if it is not known whether there are any, and empty if there are none.
	Attachments []Attachment `json:"attachments,omitzero"`
	// Preview is the first words of the text, in one line.
	Preview string `json:"preview,omitzero"`
	// EmailID and ThreadID identify the message and its conversation across mailboxes (RFC 8474, or
	// Gmail's own). A message that is moved keeps its EmailID.
	EmailID  string `json:"email_id,omitzero"`
	ThreadID string `json:"thread_id,omitzero"`
	// Labels are Gmail's, as they were when the message was reported.
	Labels []string `json:"labels,omitzero"`
	// Headers are the header fields that were asked for, in the order of the message.
	Headers []Header `json:"headers,omitzero"`
	// Text is the beginning of the text of the message, if it was asked for: plain, or without the markup of HTML.
	Text string `json:"text,omitzero"`
}

// Header is a header field: unfolded, with encoded words decoded.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Envelope is the header of a message as people read it: encoded words are decoded. The sender wrote
// all of it, and can have lied.
type Envelope struct {
	// Date is the Date field with the sender's offset. It is left out if it is missing or not a date.
	Date    time.Time `json:"date,omitzero"`
	Subject string    `json:"subject"`
	From    []Address `json:"from"`
	To      []Address `json:"to"`
	Cc      []Address `json:"cc"`
	Bcc     []Address `json:"bcc"`
	ReplyTo []Address `json:"reply_to"`
	// MessageID and InReplyTo have their angle brackets.
	MessageID string `json:"message_id"`
	InReplyTo string `json:"in_reply_to"`
}

// Address is a name, which can be empty, and an address "mailbox@host". Groups are dissolved.
type Address struct {
	Name    string `json:"name"`
	Address string `json:"address"`
}

// Attachment describes an attachment without its content. Size is in bytes as it travels: base64 is
// a third larger than the file.
type Attachment struct {
	Filename string `json:"filename"`
	Type     string `json:"type"`
	Size     int64  `json:"size"`
}

// MessageNew says that a message is in the mailbox that was not there before.
type MessageNew struct {
	Ref
	UID uint32 `json:"uid"`
	// Reuse is "" but where the server gave the UID to another message before: then it tells the two apart. See docs/events.md.
	Reuse string `json:"uid_reuse,omitzero"`
	// ModSeq is 0, and left out, on servers without CONDSTORE.
	ModSeq uint64 `json:"modseq,omitzero"`
	// Flags is nil, and left out, if they are not known.
	Flags []string `json:"flags,omitzero"`
	// Own: the application said that it did this itself. It is no part of the id: it is not known any more after a crash.
	Own bool `json:"own,omitzero"`
	Summary
}

// MessageExpunge says that a message is gone. Flags and Summary are the last that was known of it.
type MessageExpunge struct {
	Ref
	UID uint32 `json:"uid"`
	// Reuse is that of [MessageNew].
	Reuse  string   `json:"uid_reuse,omitzero"`
	ModSeq uint64   `json:"modseq,omitzero"`
	Flags  []string `json:"flags,omitzero"`
	// Own is that of [MessageNew].
	Own bool `json:"own,omitzero"`
	Summary
}

// FlagChange says that a message has other flags than before. Flags are all of them; Added and
// Removed are the difference from what the last event about the message said.
type FlagChange struct {
	Ref
	UID uint32 `json:"uid"`
	// Reuse is that of [MessageNew].
	Reuse  string `json:"uid_reuse,omitzero"`
	ModSeq uint64 `json:"modseq,omitzero"`
	// Rev counts the flag changes of this message that were seen. It takes the place of ModSeq on
	// servers without CONDSTORE.
	Rev     uint64   `json:"rev,omitzero"`
	Flags   []string `json:"flags"`
	Added   []string `json:"added"`
	Removed []string `json:"removed"`
	// Own is that of [MessageNew].
	Own bool `json:"own,omitzero"`
}

// Type returns [TypeMessageNew].
func (*MessageNew) Type() Type { return TypeMessageNew }

// Type returns [TypeMessageExpunge].
func (*MessageExpunge) Type() Type { return TypeMessageExpunge }

// Type returns [TypeFlagChange].
func (*FlagChange) Type() Type { return TypeFlagChange }

func uidSubject(uid uint32) string { return strconv.FormatUint(uint64(uid), 10) }

func (d *MessageNew) subject() string     { return uidSubject(d.UID) }
func (d *MessageExpunge) subject() string { return uidSubject(d.UID) }
func (d *FlagChange) subject() string     { return uidSubject(d.UID) }

func (d *MessageNew) wire() any {
	out := *d
	out.Ref, out.Reuse, out.Flags, out.Summary = d.Ref.clean(), clean(d.Reuse), cleanList(d.Flags), d.Summary.clean()
	return &out
}

func (d *MessageExpunge) wire() any {
	out := *d
	out.Ref, out.Reuse, out.Flags, out.Summary = d.Ref.clean(), clean(d.Reuse), cleanList(d.Flags), d.Summary.clean()
	return &out
}

func (d *FlagChange) wire() any {
	out := *d
	out.Ref, out.Reuse = d.Ref.clean(), clean(d.Reuse)
	out.Flags, out.Added, out.Removed = orEmpty(cleanList(d.Flags)), orEmpty(cleanList(d.Added)), orEmpty(cleanList(d.Removed))
	return &out
}
