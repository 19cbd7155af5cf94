package imapclient

import (
	"context"

	"github.com/pushmail/pushmail/imap"
)

// JMAPAccess returns the URL of the JMAP session through which the same mail can be had (RFC 9698). The ids of
// messages, mailboxes and threads there are those of OBJECTID here. The URL is as the server sent it: look
// at its host before you send it a password. It needs JMAPACCESS.
func (c *Conn) JMAPAccess(ctx context.Context) (string, error) {
	if err := c.need(StateAuthenticated); err != nil {
		return "", err
	}
	if err := c.require(imap.CapJMAPAccess); err != nil {
		return "", err
	}
	var got *imap.JMAPAccess
	_, err := c.exec(ctx, "GETJMAPACCESS", nil, func(r imap.Response) bool {
		j, ok := r.(*imap.JMAPAccess)
		if ok {
			got = j
		}
		return ok
	})
	if err != nil {
		return "", err
	}
	if got == nil {
		return "", noData("GETJMAPACCESS", "")
	}
	return got.URL, nil
}
