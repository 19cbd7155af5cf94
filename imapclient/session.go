package imapclient

import (
	"context"
	"runtime"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// Noop asks the server for news, which go to the Handler (RFC 9051 section 6.1.2).
func (c *Conn) Noop(ctx context.Context) error {
	_, err := c.exec(ctx, "NOOP", nil, nil)
	return err
}

// ID tells the server who asks and returns who it says it is (RFC 2971); nil if it does not. Fields
// are at most 30 pairs, names of at most 30 bytes and values of 1,024; none sends NIL. See [ClientID].
// Some providers (163.com and its kin) refuse to select a mailbox before ID.
func (c *Conn) ID(ctx context.Context, fields ...imap.Attribute) (*imap.ID, error) {
	if err := c.require(imap.CapID); err != nil {
		return nil, err
	}
	var id *imap.ID
	_, err := c.exec(ctx, "ID", func(e *imapwire.Command) { e.ID(fields) }, func(r imap.Response) bool {
		got, ok := r.(*imap.ID)
		if ok {
			id = got
		}
		return ok
	})
	return id, err
}

// ClientID returns fields for [Conn.ID]: name and version of a program as given, and the system it runs on.
// Version can be empty.
func ClientID(name, version string) []imap.Attribute {
	fields := []imap.Attribute{{Name: "name", Value: name}}
	if version != "" {
		fields = append(fields, imap.Attribute{Name: "version", Value: version})
	}
	return append(fields, imap.Attribute{Name: "os", Value: runtime.GOOS})
}

// logoutTimeout bounds a LOGOUT whose context has no deadline.
const logoutTimeout = 10 * time.Second

// Logout ends IDLE, says LOGOUT (RFC 9051 section 6.1.3) and closes the connection, whatever the
// server answers, within 10 seconds or when ctx ends. Logging out of a closed connection is fine.
func (c *Conn) Logout(ctx context.Context) error {
	if c.Err() != nil {
		return nil
	}
	if c.call != nil {
		return c.call.refuse("LOGOUT")
	}
	ctx, cancel := context.WithTimeout(ctx, logoutTimeout)
	defer cancel()
	_, err := c.exec(ctx, "LOGOUT", nil, func(r imap.Response) bool {
		st, ok := r.(*imap.Status)
		return ok && st.Kind == imap.BYE
	})
	closed := c.Err() != nil
	c.fail(ErrLoggedOut)
	if closed {
		// The server may close the connection before its OK can be read.
		return nil
	}
	return err
}
