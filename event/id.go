package event

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"hash"
	"slices"
	"strings"
	"time"
)

// ID returns the id of an event that says d and was seen at the given time. It is a function of what
// happened, so an event that is found again after a crash, or by another node, has the id that it had
// the first time, and a receiver that keeps the ids it has seen does its work once:
//
//	MessageNew      type, account, mailbox, UIDVALIDITY, UID
//	MessageExpunge  type, account, mailbox, UIDVALIDITY, UID
//	FlagChange      type, account, mailbox, UIDVALIDITY, UID, all flags, ModSeq, or Rev if ModSeq is 0
//	MailboxReset    type, account, mailbox, UIDVALIDITY, UIDVALIDITY before
//	MailboxOpen     type, account, mailbox, UIDVALIDITY, time
//	MailboxName     type, account, mailbox, mailbox before, change, time
//	Link            type, account, mailbox, up, stale, time
//
// Where Reuse is not "" it follows the values of a message.
//
// The last three happen on our side rather than in the mailbox: each is a new event, and at, in
// nanoseconds, is part of the id. The summary of a message never is, for it can be found later.
// Flags count without order and case, and without \Recent, which belongs to a session.
//
// The id is the first 128 bits of SHA-256 over these values, each with its length in front, as 26
// characters of base32 in lower case. The way it is made does not change within a major version.
func ID(d Data, at time.Time) string {
	h := &identity{hash: sha256.New(), at: at}
	h.text("pushmail 1")
	h.text(string(d.Type()))
	d.identify(h)
	return strings.ToLower(encoding.EncodeToString(h.hash.Sum(nil)[:16]))
}

var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// identity collects what an ID is made of. Every value has its length in front or a fixed length, so
// that "a", "bc" and "ab", "c" differ.
type identity struct {
	hash hash.Hash
	at   time.Time
}

func (h *identity) num(n uint64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	h.hash.Write(b[:])
}

func (h *identity) text(s string) {
	s = clean(s)
	h.num(uint64(len(s)))
	h.hash.Write([]byte(s))
}

func (h *identity) yes(b bool) {
	if b {
		h.num(1)
	} else {
		h.num(0)
	}
}

func (h *identity) time() { h.num(uint64(h.at.UnixNano())) }

func (h *identity) ref(r Ref) {
	h.text(r.Account)
	h.text(r.Mailbox)
	h.num(uint64(r.UIDValidity))
}

func (h *identity) flags(flags []string) {
	sorted := make([]string, 0, len(flags))
	for _, f := range flags {
		if f = strings.ToLower(clean(f)); f != `\recent` {
			sorted = append(sorted, f)
		}
	}
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	h.num(uint64(len(sorted)))
	for _, f := range sorted {
		h.text(f)
	}
}

// reuse tells messages apart that have the same UID; that of most is "", and not part of their ids.
func (h *identity) reuse(which string) {
	if which != "" {
		h.text(which)
	}
}

func (d *MessageNew) identify(h *identity) {
	h.ref(d.Ref)
	h.num(uint64(d.UID))
	h.reuse(d.Reuse)
}

func (d *MessageExpunge) identify(h *identity) {
	h.ref(d.Ref)
	h.num(uint64(d.UID))
	h.reuse(d.Reuse)
}

func (d *FlagChange) identify(h *identity) {
	h.ref(d.Ref)
	h.num(uint64(d.UID))
	h.flags(d.Flags)
	h.num(d.ModSeq)
	if d.ModSeq == 0 {
		h.num(d.Rev)
	}
	h.reuse(d.Reuse)
}

func (d *MailboxReset) identify(h *identity) {
	h.ref(d.Ref)
	h.num(uint64(d.Before))
}

func (d *MailboxOpen) identify(h *identity) {
	h.ref(Ref{d.Account, d.Mailbox, d.UIDValidity})
	h.time()
}

func (d *MailboxName) identify(h *identity) {
	h.text(d.Account)
	h.text(d.Mailbox)
	h.text(d.OldMailbox)
	h.text(d.Change)
	h.time()
}

func (d *Link) identify(h *identity) {
	h.text(d.Account)
	h.text(d.Mailbox)
	h.yes(d.Up)
	h.yes(d.Stale)
	h.time()
}
