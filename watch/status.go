package watch

import (
	"cmp"
	"slices"
	"time"

	"github.com/pushmail/pushmail/imapclient"
)

// MailboxStatus is the state of one mailbox of an account, or, without a name, that of the connection that
// looks at the others.
type MailboxStatus struct {
	Mailbox string
	// Up: it was open when it was seen last, and the connection is not known to be lost.
	Up bool
	// Shared: it has no connection of its own; the one without a name looks at it.
	Shared bool
	// Busy is since when work on it goes on; zero if it waits. The other fields are those before.
	Busy time.Time
	// VerifiedAt is the last moment at which it was proven that nothing was missing; zero if never.
	VerifiedAt time.Time
	// Stale: that was too long ago, and a Link event said so.
	Stale bool
	// Deaf: the push has failed to tell of a change not long ago, so the server is asked each minute.
	Deaf bool
	// DeafCount is how often it has.
	DeafCount int
	// Reason is why it is not up, Class what kind of trouble that is (see imapclient.Class), Since when it began, and
	// RetryAt when the next attempt is due. Without a Reason there was no trouble: it has not been opened yet.
	Reason  string
	Class   string
	Since   time.Time
	RetryAt time.Time
	// Push is how news is learned: "idle", "notify", "sweep" or "poll"; "" if that is not known yet.
	Push string
	// Exists is the number of messages known.
	Exists int
}

func (f *follower) status(dst []MailboxStatus) []MailboxStatus {
	st := f.b.status()
	if f.s != nil {
		st.Up, st.Push = true, f.s.push
	} else {
		f.revive.explain(&st)
	}
	return append(dst, st)
}

func (c *control) status(dst []MailboxStatus) []MailboxStatus {
	st := MailboxStatus{Up: c.link != nil, VerifiedAt: c.health.verifiedAt, Stale: c.health.stale}
	if c.link == nil {
		c.revive.explain(&st)
	}
	dst = append(dst, st)
	first := len(dst)
	for _, m := range c.members {
		if m.stop != nil {
			continue // its follower tells
		}
		own := m.box.status()
		own.Shared = true
		own.Up, own.Push = st.Up && !m.visitedAt.IsZero(), "sweep"
		own.Reason, own.Class, own.Since, own.RetryAt = st.Reason, st.Class, st.Since, st.RetryAt
		switch {
		case c.notified:
			own.Push = "notify"
		case c.home != nil && c.home.b == m.box:
			own.Push = c.home.push
		}
		if m.refused != "" {
			own.Up, own.Reason, own.Class = false, m.refused, imapclient.ClassRefused.String()
		}
		dst = append(dst, own)
	}
	slices.SortFunc(dst[first:], func(a, b MailboxStatus) int { return cmp.Compare(a.Mailbox, b.Mailbox) })
	return dst
}

func (b *box) status() MailboxStatus {
	st := MailboxStatus{Mailbox: b.name, VerifiedAt: b.verifiedAt, Stale: b.stale, Deaf: b.deafUntil.ahead(), DeafCount: int(b.deafs)}
	switch {
	case b.ledger != nil:
		st.Exists = int(b.ledger.Exists())
	case b.stored != nil:
		st.Exists = b.stored.Len()
	}
	return st
}

// explain says why there is no connection.
func (r *revival) explain(st *MailboxStatus) {
	st.RetryAt = r.retryAt.time()
	if r.cause != nil {
		st.Reason, st.Class, st.Since = reason(r.cause), imapclient.Classify(r.cause).Class.String(), r.since
	}
}
