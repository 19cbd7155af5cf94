package imapclient

import (
	"sync/atomic"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// fetching is a FETCH that is under way.
type fetching struct {
	command
	want     imap.Items
	sections int
	body     bodyFunc
	held     int // bytes of streamed contents that wait to be read: nothing more is read before
	// abandoned: nobody will take the rows.
	abandoned atomic.Bool

	scratch *imapwire.Scratch // for the rows, if their memory is used again

	rows   []*imap.Message // complete, to be taken
	queued int             // bytes of sections in rows
	spare  []*imap.Message // empty; takes the next rows
	// parts are rows that lack some of what was asked for: some servers send a message's items in
	// several rows.
	parts map[partKey]*imap.Message
}

// partKey is the name of a message in a row: its sequence number, or the UID where there is none (UIDFETCH,
// RFC 9586).
type partKey struct {
	seq imap.SeqNum
	uid imap.UID
}

func keyOf(m *imap.Message) partKey {
	if m.SeqNum != 0 {
		return partKey{seq: m.SeqNum}
	}
	return partKey{uid: m.UID}
}

// takeRow decides whether a response is part of the result: a row that has all that was asked for,
// or a part of one. A row with nothing but flags, modification sequence and UID, when more was asked
// for, is news of that message and goes to the Handler.
func (f *fetching) takeRow(r imap.Response) bool {
	m, ok := r.(*imap.Message)
	if !ok {
		return false
	}
	if f.complete(m) {
		f.add(m)
		return true
	}
	const news = imap.ItemUID | imap.ItemFlags | imap.ItemModSeq
	if m.Items&^news&f.want == 0 && len(m.Errs) == 0 {
		return false
	}
	f.join(m)
	return true
}

// complete reports whether m has what was asked for. An item that could not be read counts as there:
// the server will not send it again, and the message tells of it in Errs.
func (f *fetching) complete(m *imap.Message) bool {
	return m.Items.Has(f.want) && len(m.Sections) >= f.sections || len(m.Errs) > 0 && m.Items.Has(imap.ItemUID)
}

func (f *fetching) add(m *imap.Message) {
	switch {
	case f.abandoned.Load():
	case len(f.rows) < maxQueuedRows && (f.sections == 0 || !f.weigh(m)):
		f.rows = append(f.rows, m)
	case f.err == nil:
		f.err = &ResultsOverrunError{Rows: len(f.rows)}
	}
}

// join puts a row together with the earlier parts of the same message.
func (f *fetching) join(m *imap.Message) {
	p := f.parts[keyOf(m)]
	if p == nil {
		if len(f.parts) >= maxQueuedRows {
			f.err = &ResultsOverrunError{Rows: maxQueuedRows}
			return
		}
		if f.parts == nil {
			f.parts = map[partKey]*imap.Message{}
		}
		f.parts[keyOf(m)] = m
		return
	}
	p.Merge(m)
	if f.complete(p) {
		delete(f.parts, keyOf(m))
		f.add(p)
	}
}

// takeAll returns the rows that are there, and, once the command is done, also those that stayed
// incomplete: what the server did send is not thrown away.
func (f *fetching) takeAll() []*imap.Message {
	rows := f.rows
	f.rows, f.spare, f.queued = f.spare, nil, 0
	if f.done {
		for _, m := range f.parts {
			if m.Items.Has(imap.ItemUID) {
				rows = append(rows, m)
			}
		}
		f.parts = nil
	}
	return rows
}
