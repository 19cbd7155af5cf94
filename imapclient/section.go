package imapclient

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// ErrNoSection says that a message, or a section of it, does not exist.
var ErrNoSection = errors.New("no such message or section")

// FetchSection writes the content of one section of a message to w as it arrives, in constant
// memory, and returns its length. If w fails, the rest is read and thrown away, and its error is
// returned. [ErrNoSection] says that the message, or the section, does not exist. w must not use the Conn,
// and must not block for long: nobody else can use the connection meanwhile.
//
// A download that was cut off goes on where it ended, on another connection if need be: ask for the piece
// from there on, with Offset and [imap.ToEnd]. Sections of a message never change (RFC 9051 section
// 2.3.1.1), as long as the mailbox has the same UIDVALIDITY.
//
// For many messages, or to read instead of being written to, see [Conn.FetchBodies].
func (c *Conn) FetchSection(ctx context.Context, uid imap.UID, section imap.SectionRequest, w io.Writer) (int64, error) {
	var n int64
	var failed error
	found := false
	o := &imap.FetchOptions{Sections: []imap.SectionRequest{section}}
	for b, err := range c.FetchBodies(ctx, imap.UIDs(uid), o) {
		if err != nil {
			if failed != nil {
				return n, failed
			}
			return n, err
		}
		if found || b.Nil || b.Message.UID != uid {
			continue
		}
		found = true
		n, failed = b.WriteTo(w)
	}
	if !found {
		return 0, ErrNoSection
	}
	return n, failed
}

// matchSection returns which of the wanted sections s is, or -1. Those marked in used are answered already.
// A server may leave the origin <0> out, and one that calls a section by another name than it was asked
// for is understood if only one is left.
func matchSection(wanted []imap.SectionRequest, s *imap.Section, used []bool) int {
	only, left := -1, 0
	for i := range wanted {
		if used[i] {
			continue
		}
		if wanted[i].Answers(s) {
			return i
		}
		if wanted[i].Item != imap.SectionItemBinarySize {
			only, left = i, left+1
		}
	}
	for i := range wanted {
		if r := &wanted[i]; !used[i] && s.Item == itemOf(r) && strings.EqualFold(s.Spec, r.Spec()) && (s.Offset < 0 || s.Offset == r.Offset) {
			return i
		}
	}
	if left == 1 && s.Item != string(imap.SectionItemBinarySize) && (s.Offset < 0 || s.Offset == wanted[only].Offset) {
		return only
	}
	return -1
}

// itemOf returns the name of the item that answers r.
func itemOf(r *imap.SectionRequest) string {
	if r.Item == imap.SectionItemBody {
		return "BODY"
	}
	return string(r.Item)
}
