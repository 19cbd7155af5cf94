package imapclient

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// AppendOptions are the options of [Conn.Append]. Nil means no flags and the time of arrival.
type AppendOptions struct {
	Flags []imap.Flag
	// InternalDate is the date of the message in the mailbox; zero means now.
	InternalDate time.Time
}

// Appended says where a message went (RFC 4315 section 3). Both are 0 if the server does not say.
type Appended struct {
	UIDValidity uint32
	UID         imap.UID
}

// Append puts a message of size bytes at the end of a mailbox (RFC 9051 section 6.3.12). Lines must
// end in CRLF. It is [Conn.AppendMessages] for one plain message.
func (c *Conn) Append(ctx context.Context, mailbox string, r io.Reader, size int64, o *AppendOptions) (*Appended, error) {
	m := imap.AppendMessage{Reader: r, Size: size}
	if r == nil {
		return nil, notSent(&imapwire.ArgumentError{Command: "APPEND", Argument: "message", Position: 2, Reason: "has no reader"})
	}
	if o != nil {
		m.Flags, m.Date = o.Flags, o.InternalDate
	}
	done, err := c.AppendMessages(ctx, mailbox, m)
	if err != nil {
		return nil, err
	}
	return &done[0], nil
}

// AppendMessages puts messages at the end of a mailbox (RFC 9051 section 6.3.12), and returns where they
// went, in their order. A mailbox that does not exist is not created: the error is then an
// *imap.StatusError, which has the code TRYCREATE unless there cannot be such a mailbox.
//
// Where the server has MULTIAPPEND (RFC 3502) it is one command, which appends all or none. Otherwise each message
// has a command of its own, and the first that fails is the last: the result has those that went before it,
// also when there is an error.
//
// What a message needs is looked at first; without it nothing is sent and the error is an
// *[UnsupportedError]: CATENATE for Parts (RFC 4469), UTF8=ACCEPT, enabled, for UTF8 (RFC 6855 section 4),
// BINARY for Binary (RFC 3516), ANNOTATE-EXPERIMENT-1 for Annotations (RFC 5257). A message beyond the limit that the
// server or the mailbox has (RFC 7889) is a *[TooBigError]. The limit of a mailbox is asked for with STATUS where
// there can be one, for messages of more than 4 KiB. An empty message is an error, as RFC 3502 has it.
//
// Messages are read from their readers while they are sent, and are not kept. With LITERAL+ or LITERAL- (RFC 7888)
// the server is not asked first, unless the message is longer than 64 KiB and its limit is not known: then it would be
// sent in vain.
//
// If ctx ends, or a reader fails or has another length than was said (*[ReaderError]), after a message has
// been announced, the connection is closed: the server would take what follows for the message. Then it does not
// have the message, but if ctx ends later, it may have it. A reader that blocks is not interrupted.
func (c *Conn) AppendMessages(ctx context.Context, mailbox string, messages ...imap.AppendMessage) ([]Appended, error) {
	if err := c.need(StateAuthenticated); err != nil {
		return nil, err
	}
	if err := c.requireAppend("APPEND", messages); err != nil {
		return nil, err
	}
	known, err := c.checkAppendLimit(ctx, mailbox, messages)
	if err != nil {
		return nil, err
	}
	if len(messages) == 1 || c.Capabilities().Has(imap.CapMultiAppend) {
		return c.appendOnce(ctx, mailbox, messages, known)
	}
	var done []Appended
	for i := range messages {
		one, err := c.appendOnce(ctx, mailbox, messages[i:i+1], known)
		if err != nil {
			return done, fmt.Errorf("message %d of %d: %w", i+1, len(messages), err)
		}
		done = append(done, one...)
	}
	return done, nil
}

// appendOnce sends one APPEND.
func (c *Conn) appendOnce(ctx context.Context, mailbox string, messages []imap.AppendMessage, limitKnown bool) ([]Appended, error) {
	done := make([]Appended, len(messages))
	cmd, err := c.exec(ctx, "APPEND", func(e *imapwire.Command) {
		eagerly(e, limitKnown).Mailbox(mailbox).Messages(withSources(messages)...)
	}, func(r imap.Response) bool {
		s, ok := r.(*imap.Status)
		return ok && takeAppendUID(done, s.Code)
	})
	if err != nil {
		return nil, err
	}
	takeAppendUID(done, cmd.status.Code)
	return done, nil
}

// takeAppendUID notes an APPENDUID, and reports whether it is one. UIDs come in the order of the messages, and
// ascending (RFC 4315 section 3); a server that names more or less of them says nothing.
func takeAppendUID(done []Appended, code *imap.Code) bool {
	if code == nil || code.Name != imap.CodeAppendUID {
		return false
	}
	if code.Dest.Len() != uint64(len(done)) || code.Dest.Min() == 0 || code.Dest.Dynamic() {
		return true
	}
	i := 0
	for uid := range code.Dest.All() {
		done[i] = Appended{code.UIDValidity, uid}
		i++
	}
	return true
}

// maxEager is the length of a message that is sent without asking the server first, though the server may
// refuse it. RFC 7889 section 4 would rather have none, RFC 7888 section 5 bounds them to 4,096 bytes where the server is
// to decide.
const maxEager = 64 << 10

func eagerly(e *imapwire.Command, limitKnown bool) *imapwire.Command {
	if limitKnown {
		return e
	}
	return e.SyncLiterals(maxEager)
}

// ReaderError says that a message could not be read to its end, or was longer or shorter than said. Err is the
// error of the reader or an *imapwire.LiteralSizeError. The connection is closed, and the server has not got
// the message.
type ReaderError struct {
	Message int // the position of the message, from 0
	Err     error
}

func (e *ReaderError) Error() string {
	return fmt.Sprintf("message %d to append: %v", e.Message, e.Err)
}
func (e *ReaderError) Unwrap() error { return e.Err }

// withSources returns messages whose readers say that it was they who failed.
func withSources(messages []imap.AppendMessage) []imap.AppendMessage {
	out := slices.Clone(messages)
	for i := range out {
		m := &out[i]
		if m.Reader != nil {
			m.Reader = &messageSource{r: m.Reader, message: i, size: m.Size}
		}
		m.Parts = slices.Clone(m.Parts)
		for k := range m.Parts {
			if p := &m.Parts[k]; p.Reader != nil {
				p.Reader = &messageSource{r: p.Reader, message: i, size: p.Size}
			}
		}
	}
	return out
}

// messageSource is the reader of a message. It has the length that was said, or fails.
type messageSource struct {
	r          io.Reader
	message    int
	size, read int64
}

func (s *messageSource) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.read += int64(n)
	switch {
	case s.read > s.size, err == io.EOF && s.read < s.size:
		return 0, &ReaderError{s.message, &imapwire.LiteralSizeError{Size: s.size, Read: s.read}}
	case err != nil && err != io.EOF:
		return n, &ReaderError{s.message, err}
	}
	return n, err
}
