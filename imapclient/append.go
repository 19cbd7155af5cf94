package imapclient

import (
	"context"
	"io"
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
// end in CRLF. If ctx ends, or r fails, after the size was announced, the connection is closed: the
// server would take what follows for the message.
func (c *Conn) Append(ctx context.Context, mailbox string, r io.Reader, size int64, o *AppendOptions) (*Appended, error) {
	if err := c.need(StateAuthenticated); err != nil {
		return nil, err
	}
	if o == nil {
		o = &AppendOptions{}
	}
	cmd, err := c.exec(ctx, "APPEND", func(e *imapwire.Command) {
		e.Mailbox(mailbox)
		if len(o.Flags) > 0 {
			e.Flags(o.Flags)
		}
		if !o.InternalDate.IsZero() {
			e.DateTime(o.InternalDate)
		}
		e.LiteralReader(r, size)
	}, nil)
	if err != nil {
		return nil, err
	}
	a := &Appended{}
	if code := cmd.status.Code; code != nil && code.Name == imap.CodeAppendUID {
		a.UIDValidity, a.UID = code.UIDValidity, code.Dest.Min()
	}
	return a, nil
}
