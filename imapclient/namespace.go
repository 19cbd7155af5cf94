package imapclient

import (
	"context"

	"github.com/pushmail/pushmail/imap"
)

// Namespace asks where the mailboxes of the user, those that other users share and those shared by all
// are to be found (RFC 2342). A server without NAMESPACE is asked for its hierarchy delimiter by LIST
// "" "", and everything is taken for the user's own.
//
// A prefix is part of the name of a mailbox, with the delimiter at its end where it has one: a new mailbox
// of the user is Personal[0].Prefix + name.
func (c *Conn) Namespace(ctx context.Context) (*imap.Namespaces, error) {
	if err := c.need(StateAuthenticated); err != nil {
		return nil, err
	}
	if !c.Capabilities().Has(imap.CapNamespace) {
		delim, err := c.Delimiter(ctx)
		if err != nil {
			return nil, err
		}
		return &imap.Namespaces{Personal: []imap.Namespace{{Delim: delim}}}, nil
	}
	var got *imap.Namespaces
	_, err := c.exec(ctx, "NAMESPACE", nil, func(r imap.Response) bool {
		ns, ok := r.(*imap.Namespaces)
		if ok {
			got = ns
		}
		return ok
	})
	switch {
	case err != nil:
		return nil, err
	case got == nil:
		return nil, noData("NAMESPACE", "")
	}
	return got, nil
}
