package imapclient

import (
	"context"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// QuotaRoots are the quotas that hold for a mailbox.
type QuotaRoots struct {
	Mailbox string
	// Roots are the names of the quotas; none means that there is no limit. A name can be "".
	Roots []string
	// Quotas are the uses and limits, for each root that the server tells of.
	Quotas []*imap.Quota
}

// Resource returns the tightest quota of a resource such as "STORAGE" among all roots, that with the least
// left, or false. Limits of STORAGE are in units of 1,024 bytes.
func (q *QuotaRoots) Resource(name string) (imap.QuotaResource, bool) {
	var best imap.QuotaResource
	found := false
	for _, quota := range q.Quotas {
		for _, r := range quota.Resources {
			if r.Name == name && (!found || r.Limit-r.Usage < best.Limit-best.Usage) {
				best, found = r, true
			}
		}
	}
	return best, found
}

// maxQuotas bounds the quotas of one mailbox; what comes after them goes to the Handler.
const maxQuotas = 1000

// GetQuotaRoot returns the quotas of a mailbox, which need not exist (RFC 9208 section 4.1.2, RFC 2087
// section 4.3). It needs QUOTA. Which resources a server can limit, it may say in its capabilities: see
// imap.Capabilities.QuotaResources.
//
// A message that does not fit is refused with the code OVERQUOTA (RFC 9208 section 4.3.1), by APPEND,
// COPY and MOVE.
func (c *Conn) GetQuotaRoot(ctx context.Context, mailbox string) (*QuotaRoots, error) {
	if err := c.needQuota(); err != nil {
		return nil, err
	}
	var root *imap.QuotaRoot
	var quotas []*imap.Quota
	_, err := c.onMailbox(ctx, "GETQUOTAROOT", mailbox, nil, func(r imap.Response) bool {
		switch r := r.(type) {
		case *imap.QuotaRoot:
			if root != nil || !alike(r.Mailbox, mailbox) {
				return false
			}
			root = r
		case *imap.Quota: // they may come before their QUOTAROOT
			if len(quotas) == maxQuotas {
				return false
			}
			quotas = append(quotas, r)
		default:
			return false
		}
		return true
	})
	switch {
	case err != nil:
		return nil, err
	case root == nil:
		return nil, noData("GETQUOTAROOT", mailbox)
	}
	return &QuotaRoots{Mailbox: root.Mailbox, Roots: root.Roots, Quotas: quotas}, nil
}

// GetQuota returns the use and the limits of a quota root (RFC 9208 section 4.1.1). Roots are named by
// [Conn.GetQuotaRoot]. It needs QUOTA, and on many servers an administrator.
func (c *Conn) GetQuota(ctx context.Context, root string) (*imap.Quota, error) {
	if err := c.needQuota(); err != nil {
		return nil, err
	}
	got, err := c.quota(ctx, "GETQUOTA", root, nil)
	if err == nil && got == nil {
		return nil, noData("GETQUOTA", root)
	}
	return got, err
}

// SetQuota sets the limits of a quota root (RFC 9208 section 4.1.3) and returns what the server made of
// it, nil if it does not say. Only Name and Limit of a resource count. Limits that are not given are
// removed; none at all removes every limit. It needs QUOTASET, or a server of RFC 2087, where QUOTA is
// enough; and an administrator.
func (c *Conn) SetQuota(ctx context.Context, root string, limits ...imap.QuotaResource) (*imap.Quota, error) {
	if err := c.needQuota(); err != nil {
		return nil, err
	}
	if caps := c.Capabilities(); len(caps.QuotaResources()) > 0 && !caps.Has(imap.CapQuotaSet) {
		return nil, notSent(&UnsupportedError{imap.CapQuotaSet})
	}
	return c.quota(ctx, "SETQUOTA", root, func(e *imapwire.Command) { e.Quotas(limits) })
}

// quota sends a command about a quota root. The names of roots are read and written as those of
// mailboxes, which is reversible.
func (c *Conn) quota(ctx context.Context, verb, root string, build func(*imapwire.Command)) (*imap.Quota, error) {
	var got *imap.Quota
	_, err := c.exec(ctx, verb, func(e *imapwire.Command) {
		e.Mailbox(root)
		if build != nil {
			build(e)
		}
	}, func(r imap.Response) bool {
		q, ok := r.(*imap.Quota)
		if !ok || !alike(q.Root, root) {
			return false
		}
		got = q
		return true
	})
	if err != nil {
		return nil, err
	}
	return got, nil
}

func (c *Conn) needQuota() error {
	if err := c.need(StateAuthenticated); err != nil {
		return err
	}
	return c.require(imap.CapQuota)
}
