package imapclient

import (
	"context"
	"fmt"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// TooBigError says that a message is beyond what the server takes (APPENDLIMIT, RFC 7889). Nothing was sent. A
// server that says so by itself has the code TOOBIG in its *imap.StatusError.
type TooBigError struct {
	Message     int // the position of the message, from 0
	Size, Limit int64
}

func (e *TooBigError) Error() string {
	return fmt.Sprintf("message %d has %d bytes, and the server takes %d at most", e.Message, e.Size, e.Limit)
}

// requireAppend returns an error unless the server knows how to take the messages.
func (c *Conn) requireAppend(name string, messages []imap.AppendMessage) error {
	if len(messages) == 0 {
		return notSent(&imapwire.ArgumentError{Command: name, Argument: "message", Position: 2, Reason: "is missing"})
	}
	for i := range messages {
		m := &messages[i]
		if len(m.Parts) == 0 && sizeOf(m) == 0 {
			// RFC 3502 section 6.3.11: it would cancel the APPEND.
			return notSent(&imapwire.ArgumentError{Command: name, Argument: "message", Position: i + 2, Reason: "is empty"})
		}
		for _, n := range []struct {
			wanted bool
			needs  imap.Capability
		}{
			{len(m.Parts) > 0, imap.CapCatenate},
			{m.Binary, imap.CapBinary},
			{len(m.Annotations) > 0, imap.CapAnnotate},
		} {
			if n.wanted {
				if err := c.require(n.needs); err != nil {
					return err
				}
			}
		}
		if m.UTF8 && !c.Enabled().Has(imap.CapUTF8Accept) {
			return notSent(fmt.Errorf("a message with a UTF-8 header: enable UTF8=ACCEPT first: %w", &UnsupportedError{imap.CapUTF8Accept}))
		}
	}
	return nil
}

// sizeOf returns how long a message is, without what is behind URLs.
func sizeOf(m *imap.AppendMessage) int64 {
	if len(m.Parts) == 0 {
		return contentSize(m.Data, m.Reader != nil, m.Size)
	}
	var n int64
	for i := range m.Parts {
		if p := &m.Parts[i]; p.URL == "" {
			n += contentSize(p.Data, p.Reader != nil, p.Size)
		}
	}
	return n
}

func contentSize(data []byte, reader bool, size int64) int64 {
	if reader {
		return size
	}
	return int64(len(data))
}

// checkAppendLimit returns an error if a message is too big, and whether the limit is known.
func (c *Conn) checkAppendLimit(ctx context.Context, mailbox string, messages []imap.AppendMessage) (known bool, err error) {
	largest := 0
	for i := range messages {
		if sizeOf(&messages[i]) > sizeOf(&messages[largest]) {
			largest = i
		}
	}
	size := sizeOf(&messages[largest])
	limit, known, err := c.appendLimit(ctx, mailbox, size)
	if err != nil || !known || limit < 0 || size <= limit {
		return known, err
	}
	return known, notSent(&TooBigError{Message: largest, Size: size, Limit: limit})
}

// worthAsking is the size from which on it is worth a STATUS to know the limit of a mailbox.
const worthAsking = 4 << 10

// appendLimit returns the limit for messages in a mailbox, -1 for none, and whether it is known.
func (c *Conn) appendLimit(ctx context.Context, mailbox string, size int64) (limit int64, known bool, err error) {
	caps := c.Capabilities()
	if n, ok := caps.Limit("APPENDLIMIT"); ok {
		return int64(n), true, nil
	}
	if !caps.Has(imap.CapAppendLimit) || size <= worthAsking {
		return 0, false, nil
	}
	// RFC 7889 section 2: without a value each mailbox has its own.
	st, err := c.Status(ctx, mailbox, imap.StatusAppendLimit)
	switch {
	case err == nil:
		return st.AppendLimit, st.Items.Has(imap.StatusAppendLimit), nil
	case c.Err() == nil && ctx.Err() == nil:
		return 0, false, nil // what is wrong with the mailbox, APPEND will tell
	}
	return 0, false, err
}
