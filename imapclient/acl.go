package imapclient

import (
	"context"
	"strings"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// GetACL returns who may do what with a mailbox (RFC 4314 section 3.3). It needs ACL, and the user the
// right to administer the mailbox.
//
// Rights are letters (RFC 4314 section 2.1): l to see the mailbox, r to read, s to keep \Seen, w to keep
// other flags, i to insert messages, p to post, k to create mailboxes below, x to delete the mailbox, t to
// set \Deleted, e to expunge, a to administer; servers may have more. RFC 2086 had c and d for some of
// them. Newer servers repeat these for old clients (RFC 4314 section 2.1.1): they are left out here. From
// older ones, which do not announce "RIGHTS=", they are translated. So are rights to be set.
func (c *Conn) GetACL(ctx context.Context, mailbox string) (*imap.ACL, error) {
	if err := c.needACL(); err != nil {
		return nil, err
	}
	acl, err := askAbout(ctx, c, "GETACL", mailbox, func(r *imap.ACL) string { return r.Mailbox }, nil)
	if err != nil {
		return nil, err
	}
	for i := range acl.Rights {
		acl.Rights[i].Rights = c.rightsOf(acl.Rights[i].Rights)
	}
	return acl, nil
}

// SetACL gives an identifier rights on a mailbox, adds to them or takes from them (RFC 4314 section
// 3.1). An identifier is a user name, "anyone", or what the server has; with "-" in front, the rights
// are denied.
//
// On a server of RFC 2086 k is sent as c, and t with e as d; a t without e, or an x without all of k, t
// and e, cannot be said there: *[UnsupportedError].
func (c *Conn) SetACL(ctx context.Context, mailbox, identifier string, mode imap.StoreMode, rights string) error {
	if err := c.needACL(); err != nil {
		return err
	}
	rights, err := c.rightsFor(rights)
	if err != nil {
		return notSent(err)
	}
	_, err = c.onMailbox(ctx, "SETACL", mailbox, func(e *imapwire.Command) { e.AString(identifier).Rights(mode, rights) }, nil)
	return err
}

// DeleteACL takes an identifier off the list of a mailbox (RFC 4314 section 3.2).
func (c *Conn) DeleteACL(ctx context.Context, mailbox, identifier string) error {
	if err := c.needACL(); err != nil {
		return err
	}
	_, err := c.onMailbox(ctx, "DELETEACL", mailbox, func(e *imapwire.Command) { e.AString(identifier) }, nil)
	return err
}

// ListRights returns which rights an identifier can be given on a mailbox: those that it always has, and
// sets of those that come and go together (RFC 4314 section 3.4).
func (c *Conn) ListRights(ctx context.Context, mailbox, identifier string) (*imap.ListRights, error) {
	if err := c.needACL(); err != nil {
		return nil, err
	}
	r, err := askAbout(ctx, c, "LISTRIGHTS", mailbox, func(r *imap.ListRights) string { return r.Mailbox },
		func(e *imapwire.Command) { e.AString(identifier) })
	if err != nil {
		return nil, err
	}
	r.Required = c.rightsOf(r.Required)
	var optional []string
	for _, tied := range r.Optional {
		if tied = c.rightsOf(tied); tied != "" {
			optional = append(optional, tied)
		}
	}
	r.Optional = optional
	return r, nil
}

// MyRights returns what the user may do with a mailbox (RFC 4314 section 3.5). For many mailboxes see
// imap.ListOptions.ReturnMyRights.
func (c *Conn) MyRights(ctx context.Context, mailbox string) (string, error) {
	if err := c.needACL(); err != nil {
		return "", err
	}
	r, err := askAbout(ctx, c, "MYRIGHTS", mailbox, func(r *imap.MyRights) string { return r.Mailbox }, nil)
	if err != nil {
		return "", err
	}
	return c.rightsOf(r.Rights), nil
}

func (c *Conn) needACL() error {
	if err := c.need(StateAuthenticated); err != nil {
		return err
	}
	return c.require(imap.CapACL)
}

// hasNewRights reports whether the server knows the rights of RFC 4314. Courier does not.
func (c *Conn) hasNewRights() bool {
	_, says := c.Capabilities().Value("RIGHTS")
	return says
}

// rightsOf returns rights that a server sent in the letters of RFC 4314. Its section 2.1.1: c and d mean
// nothing from a server that has the letters that they stand for.
func (c *Conn) rightsOf(rights string) string {
	hasC, hasD := strings.Contains(rights, "c"), strings.Contains(rights, "d")
	rights = strings.NewReplacer("c", "", "d", "").Replace(rights)
	if c.hasNewRights() {
		return rights
	}
	if hasC {
		rights = withRights(rights, "k")
	}
	if hasD {
		rights = withRights(rights, "te")
	}
	if hasC && hasD {
		rights = withRights(rights, "x") // servers differ in which of the two it belongs to
	}
	return rights
}

// rightsFor returns rights as the server understands them.
func (c *Conn) rightsFor(rights string) (string, error) {
	if c.hasNewRights() || !strings.ContainsAny(rights, "kxte") {
		return rights, nil
	}
	has := func(letter string) bool { return strings.Contains(rights, letter) }
	switch {
	case has("t") != has("e"), has("x") && !(has("k") && has("t")):
		return "", &UnsupportedError{"RIGHTS=" + missingRight(has)}
	}
	old := strings.NewReplacer("k", "", "x", "", "t", "", "e", "").Replace(rights)
	if has("k") {
		old = withRights(old, "c")
	}
	if has("t") {
		old = withRights(old, "d")
	}
	return old, nil
}

// missingRight is a right that a server of RFC 2086 cannot give alone.
func missingRight(has func(string) bool) imap.Capability {
	switch {
	case has("x"):
		return "X"
	case has("t"):
		return "T"
	}
	return "E"
}

// withRights adds letters that are not there yet.
func withRights(rights, more string) string {
	for i := range len(more) {
		if strings.IndexByte(rights, more[i]) < 0 {
			rights += more[i : i+1]
		}
	}
	return rights
}
