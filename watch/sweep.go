package watch

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/mailbox"
)

// sweep lists the mailboxes with their STATUS, notes what was created, deleted and renamed, and decides
// who is hot. What STATUS says reaches the members through hear.
func (c *control) sweep(ctx context.Context) error {
	began := time.Now()
	if err := c.alive(ctx); err != nil {
		return err
	}
	rows, err := c.list(ctx)
	if err != nil {
		return err
	}
	c.relist = false
	if chosen := len(c.o.Patterns)+len(c.o.Exclude)+len(c.o.SpecialUses) > 0; len(rows) == 0 && (len(c.members) > 0 || !chosen) {
		// There is always INBOX. To believe that all is gone would be worse than to wait.
		c.o.Logger.Warn("the server lists no mailbox at all: the list is kept as it was", "account", c.o.Account)
		c.sweptAt = began
		return nil
	}
	if err := c.noteNames(ctx, rows); err != nil {
		return err
	}
	if c.canNotify() {
		if err := c.notify(ctx); err != nil {
			return err
		}
	}
	c.staff()
	if c.home == nil && !c.notified && !c.unnotified && c.o.budget.allowed() == 1 {
		if m := c.firstHot(); m != nil {
			if err := c.goHome(ctx, m.box); err != nil {
				return err
			}
		}
	}
	c.sweptAt = began
	c.saveAnew(ctx)
	c.health.verified()
	return nil
}

// saveAnew saves what could not be saved before: a mailbox that is not open has no next event to wait for.
func (c *control) saveAnew(ctx context.Context) {
	for _, m := range c.members {
		if m.stop == nil {
			m.box.save(ctx)
		}
	}
}

// alive has a server that was silent for long say something in short time: LIST with STATUS may take its time, and
// must not wait that long on a connection that is dead.
func (c *control) alive(ctx context.Context) error {
	if time.Since(c.link.conn.LastRead()) < verifyTimeout {
		return nil
	}
	return c.link.prove(ctx, "sweep")
}

// sweepItems are what a sweep asks of each mailbox, as far as the server has it.
const sweepItems = imap.StatusMessages | imap.StatusUIDNext | imap.StatusUIDValidity | imap.StatusUnseen | imap.StatusHighestModSeq | imap.StatusMailboxID

// list returns the mailboxes that are to be watched. A mailbox whose STATUS the server refuses is there
// without one.
func (c *control) list(ctx context.Context) ([]*imapclient.Listed, error) {
	o := &imap.ListOptions{Patterns: c.o.Patterns, ReturnStatus: sweepItems, ReturnSpecialUse: c.usesMatter()}
	if slices.ContainsFunc(o.Patterns, isUse) {
		o.Patterns = nil
	}
	rows, err := c.link.conn.List(ctx, o)
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(r *imapclient.Listed) bool { return !c.o.Wants(&r.List) })
	if c.isGmail() {
		rows = c.onceEach(ctx, rows)
	}
	return rows, nil
}

// onceEach leaves those that have each message once: Gmail's All Mail, and what is not in it. Its users can hide All Mail from
// IMAP; then it is all that there are.
func (c *control) onceEach(ctx context.Context, rows []*imapclient.Listed) []*imapclient.Listed {
	if all := slices.ContainsFunc(rows, isAll); all != c.allMail {
		for n := range c.members { // another selection: it is no news
			c.forget(ctx, n)
		}
		c.allMail, c.names = all, nil
	}
	if !c.allMail {
		return rows
	}
	return slices.DeleteFunc(rows, func(r *imapclient.Listed) bool {
		return !isAll(r) && !r.Has(imap.AttrJunk) && !r.Has(imap.AttrTrash)
	})
}

func isAll(r *imapclient.Listed) bool { return r.Has(imap.AttrAll) }

// usesMatter reports whether special uses decide what is watched.
func (c *control) usesMatter() bool {
	return len(c.o.SpecialUses) > 0 || slices.ContainsFunc(c.o.Patterns, isUse) || slices.ContainsFunc(c.o.Exclude, isUse) || c.isGmail()
}

// isGmail reports whether messages are in All Mail, if that is shown, and labels are mailboxes, and the user has not asked for any.
func (c *control) isGmail() bool {
	return len(c.o.Patterns) == 0 && len(c.o.SpecialUses) == 0 && c.link.conn.Capabilities().Has(imap.CapGmail)
}

// firstHot returns the mailbox that matters most, or nil.
func (c *control) firstHot() *member {
	for _, name := range c.hotNames() {
		if m := c.member(name); m != nil {
			return m
		}
	}
	return nil
}

// hotNames are the mailboxes that are to have a connection of their own, the most important first.
func (c *control) hotNames() []string {
	if c.o.Hot != nil {
		return c.o.Hot
	}
	for name, m := range c.members {
		if c.allMail && m.list.Has(imap.AttrAll) {
			return []string{name}
		}
	}
	return []string{"INBOX"}
}

// staff gives hot mailboxes followers as far as the budget goes, and takes them from others. With NOTIFY
// nobody needs one but those that the user named.
func (c *control) staff() {
	hot := map[*member]bool{}
	budget := c.o.budget.allowed()
	if !c.notified || c.o.Hot != nil {
		for _, name := range c.hotNames() {
			if m := c.member(name); m != nil && len(hot) < budget-1 {
				hot[m] = true
			}
		}
	}
	for _, m := range c.members {
		switch {
		case hot[m] && m.stop == nil:
			f := newFollower(m.box, true)
			m.stop = c.start(&f)
		case !hot[m] && m.stop != nil:
			m.stop()
			m.stop, m.visitedAt = nil, time.Time{}
		}
	}
}

// goHome opens the mailbox that stays selected between sweeps. One that the server refuses to open harms no other, and
// is tried again at the next sweep.
func (c *control) goHome(ctx context.Context, b *box) error {
	err := c.openHome(ctx, b)
	if m := c.member(b.name); m != nil && (c.isRefused(m, err) || errors.Is(err, errNotListed)) {
		c.home, c.link.sink = nil, nil
		return nil
	}
	return err
}

func (c *control) openHome(ctx context.Context, b *box) error {
	if err := b.load(ctx); err != nil {
		return err
	}
	s := newSession(b, c.link)
	s.visit = true
	if err := c.open(ctx, &s); err != nil {
		return err
	}
	c.home = &s
	return s.proceed(ctx)
}

// leave gives up the mailbox that was visited last. With NOTIFY, what changed in a mailbox while it was
// selected was told as of the selected one, and the last of it may have come too late to be seen: the STATUS of those
// visited is asked once more.
func (c *control) leave(ctx context.Context, visited []*member) error {
	if c.link.conn.State() == imapclient.StateSelected { // a visit may have cost no SELECT
		if err := c.link.conn.Unselect(ctx); err != nil && !isRefusal(err) {
			return err
		}
	}
	if !c.notified {
		return nil
	}
	for _, m := range visited {
		if _, err := c.link.conn.Status(ctx, m.list.Mailbox, sweepItems); err != nil && !isRefusal(err) {
			return err
		}
		if accounted(m.box.known(), m.now) {
			m.seen = m.now
		}
	}
	return nil
}

// accounted reports whether a mailbox with these figures is as it is known.
func accounted(known *mailbox.State, f figures) bool {
	return known != nil && known.UIDValidity() == f.uidValidity && uint32(known.Len()) == f.messages &&
		f.uidNext <= known.UIDNext() && f.highest == known.HighestModSeq()
}
