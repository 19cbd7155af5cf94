package watch

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
)

// control looks after all mailboxes of an account with one connection: it lists them, asks for their
// STATUS or has NOTIFY tell it, and visits those that have changed. It is a machine; hot mailboxes get
// followers of their own.
type control struct {
	o     AccountOptions
	set   settings // of o
	out   consumer
	start func(machine) (stop func())

	health health
	revive revival
	link   *link

	// names has the mailboxes as they were listed last, nil before.
	names        *nameList
	namesUnsaved bool
	members      map[string]*member
	// allMail: what is watched is Gmail's All Mail, and what is not in it.
	allMail bool
	// home is the mailbox that stays selected, and in IDLE, between two sweeps, if the budget has no
	// connection to spare for it; else nil.
	home *session

	sweptAt time.Time
	// notified: the server tells of changes by NOTIFY on this connection.
	notified bool
	// unnotified: it has ceased to, and says nothing at all on this connection unless it is asked.
	unnotified   bool
	overflows    int       // how often it has ceased to
	overflowedAt time.Time // when it had too often
	relist       bool      // the server said that names have changed, or that nobody knows what has
	restless     int       // how often in a row what was visited had changed again each time
}

// member is a mailbox of the account.
type member struct {
	box  *box
	list *imap.List
	// stop ends the follower of a hot one; nil for others.
	stop func()
	// seen is the STATUS that is accounted for, now the one that came last.
	seen, now figures
	visitedAt time.Time
	// replaced: it was another one than listed when it was opened, so it waits for the list. relisted: that has come since.
	replaced, relisted bool
	refused            string // why the server did not open it, "" if it did
	refusals           int    // how often in a row it did not, when it was visited
	retryAt            time.Time
}

// figures is what STATUS tells of a mailbox. As long as they are the same nothing has changed, as far as
// STATUS can tell.
type figures struct {
	uidValidity uint32
	uidNext     imap.UID
	messages    uint32
	unseen      uint32
	highest     imap.ModSeq
}

// fullVisits is how often each mailbox is opened whatever its STATUS says: some changes do not show in
// it, and Gmail's HIGHESTMODSEQ can be ahead of what it tells. firstRetry is when one that was refused is tried
// again; that doubles each time, up to fullVisits. anotherRound is how long to wait when what was visited has changed
// again each time; that doubles, too, up to the next sweep.
const (
	fullVisits   = time.Hour
	firstRetry   = time.Minute
	anotherRound = 5 * time.Second
)

func newControl(o AccountOptions, out consumer, start func(machine) func()) *control {
	c := &control{o: o, set: newSettings(&o.Options, nil), out: out, start: start, members: map[string]*member{}}
	c.revive = newRevival(&c.set, "", c.o.KeepTrying, &c.health, c)
	return c
}

// sayLink gives an event of the connection to the consumer.
func (c *control) sayLink(info *LinkInfo) error {
	b := box{o: &c.set, health: c.health}
	return c.out.put(b.linkEvent(info))
}

// turn does what can be done now; see machine.
func (c *control) turn(ctx context.Context, heard error) (rest, error) {
	if c.unnotified && errors.Is(heard, imapclient.ErrNotNotified) {
		heard = nil // an overflow: see hear
	}
	err := heard
	switch {
	case c.link != nil && heard == nil:
		if err = c.work(ctx); err == nil && c.link.outlived() {
			err = c.renew(ctx)
		}
	case c.link == nil:
		if err := context.Cause(ctx); err != nil {
			return rest{}, err
		}
		if !c.revive.due() {
			return c.revive.asleep(ctx)
		}
		err = c.begin(ctx)
	}
	if err == nil {
		return c.rest(), nil
	}
	c.hangUp(ctx)
	if err := c.revive.lost(ctx, err); err != nil {
		return rest{}, err
	}
	return c.revive.asleep(ctx)
}

// begin connects and looks at everything.
func (c *control) begin(ctx context.Context) error {
	c.revive.began = now()
	l, err := connect(ctx, &c.set)
	if err != nil {
		return err
	}
	return c.take(ctx, l)
}

// take looks at everything, on a link that it has from now on.
func (c *control) take(ctx context.Context, l *link) error {
	c.revive.began = now()
	c.link, c.sweptAt = l, time.Time{}
	l.news = c.hear
	if err := c.work(ctx); err != nil {
		return err
	}
	return c.revive.revived()
}

// work does what is due, until nothing is left but to wait.
func (c *control) work(ctx context.Context) error {
	if c.notified {
		if err := c.link.checkBeat(ctx); err != nil {
			return err
		}
	}
	if err := c.lookHome(ctx); err != nil {
		return err
	}
	if c.sweepDue() {
		if err := c.sweep(ctx); err != nil {
			return err
		}
		if err := c.lookHome(ctx); err != nil { // what was told of it meanwhile wakes nobody up
			return err
		}
	}
	// What comes to light during the visits is visited, too, but not for ever: a server may contradict itself.
	for range 3 {
		if visited, err := c.visitChanged(ctx); err != nil || !visited {
			c.restless = 0
			return err
		}
	}
	c.restless++
	return nil
}

// lookHome reports what has changed in the mailbox that stays selected.
func (c *control) lookHome(ctx context.Context) error {
	if c.home == nil {
		return nil
	}
	return c.home.proceed(ctx)
}

func (c *control) sweepDue() bool { return c.relist || !time.Now().Before(c.nextSweep()) }

// nextSweep is when all mailboxes are to be looked at again.
func (c *control) nextSweep() time.Time {
	if c.relist { // it was said during the last sweep, or the visits after it
		return c.sweptAt.Add(anotherRound)
	}
	every := c.o.SweepInterval
	if c.home == nil {
		every = min(every, c.link.service.Silence())
	}
	if c.notified {
		// NOTIFY tells at once. This is the check that does not depend on it.
		every = max(every, c.o.VerifyInterval)
	}
	return c.sweptAt.Add(every)
}

// doubt has all mailboxes be looked at soon, as after the machine was suspended.
func (c *control) doubt() { c.sweptAt = time.Time{} }

// rest is what to wait for: the server, where it tells of something on this connection, and the next sweep.
func (c *control) rest() rest {
	r := rest{jumped: c}
	until := c.link.renewal.sooner(c.nextSweep())
	if !c.unnotified && (c.home != nil || c.notified) {
		r.conn = c.link.conn
	}
	var due time.Time
	if c.notified {
		due = c.link.beatDue()
	}
	if c.home != nil {
		due = c.home.due()
	}
	if !due.IsZero() && due.Before(until) {
		until = due
	}
	if due := c.nextVisit(); !due.IsZero() && due.Before(until) {
		until = due
	}
	r.until = momentOf(until)
	return r
}

// nextVisit is when a mailbox is to be visited whatever the server says; zero if none is before the next sweep.
func (c *control) nextVisit() (at time.Time) {
	for _, m := range c.members {
		due := m.retryAt
		switch {
		case m.stop != nil, m.replaced, c.home != nil && c.home.b == m.box:
			continue
		case m.seen != m.now:
			due = time.Now().Add(anotherRound << min(c.restless, 10))
		case m.refused == "":
			continue
		}
		if at.IsZero() || due.Before(at) {
			at = due
		}
	}
	return at
}

// hear takes note of what the server says of mailboxes that are not selected.
func (c *control) hear(r imap.Response) {
	switch r := r.(type) {
	case *imap.MailboxStatus:
		if m := c.member(r.Mailbox); m != nil {
			m.now = m.now.with(r)
			if _, on := c.link.conn.Idling(); on {
				c.set.countPush()
			}
		}
	case *imap.List:
		c.relist = true // within a sweep it is undone at once
	case *imap.Status:
		if r.HasCode(imap.CodeNotificationOverflow) {
			c.overflowed()
		}
	case imap.Exists, imap.Expunge, *imap.Vanished, *imap.Message:
		c.stillSelected()
	}
}

// stillSelected has the mailbox that was visited last be looked at again, of which the server tells as of the selected one: it
// did not want to give it up.
func (c *control) stillSelected() {
	if c.link.sink != nil {
		return
	}
	if s := c.link.conn.Selected(); s != nil {
		if m := c.member(s.Mailbox); m != nil {
			m.seen = figures{}
		}
	}
}

// with returns f with what st tells anew: NOTIFY sends only some items.
func (f figures) with(st *imap.MailboxStatus) figures {
	for _, item := range []struct {
		item imap.StatusItems
		take func()
	}{
		{imap.StatusUIDValidity, func() { f.uidValidity = st.UIDValidity }},
		{imap.StatusUIDNext, func() { f.uidNext = st.UIDNext }},
		{imap.StatusMessages, func() { f.messages = st.Messages }},
		{imap.StatusUnseen, func() { f.unseen = st.Unseen }},
		{imap.StatusHighestModSeq, func() { f.highest = st.HighestModSeq }},
	} {
		if st.Items.Has(item.item) {
			item.take()
		}
	}
	return f
}

func (c *control) member(name string) *member {
	if imap.SameMailbox(name, "INBOX") {
		name = "INBOX"
	}
	return c.members[name]
}

// hangUp ends the connection.
func (c *control) hangUp(ctx context.Context) {
	if c.home != nil {
		c.home.b.save(ctx)
	}
	c.home, c.notified, c.unnotified = nil, false, false
	if time.Since(c.overflowedAt) >= noNotifyFor {
		c.overflows = 0
	}
	if c.link != nil {
		c.link.close(ctx)
		c.link = nil
	}
}

// close ends the connection and saves what is not saved yet. Followers are ended by whoever started them.
func (c *control) close(ctx context.Context) {
	c.hangUp(ctx)
	for _, m := range c.members {
		if m.stop == nil {
			m.box.save(ctx)
			m.box.saveSeen(ctx, true)
		}
	}
}

// visitChanged opens the mailboxes whose STATUS has changed, one after the other, and reports what did.
func (c *control) visitChanged(ctx context.Context) (visited bool, err error) {
	var due []*member
	for _, m := range c.members {
		if m.stop == nil && (c.home == nil || c.home.b != m.box) && m.wantsVisit() {
			due = append(due, m)
		}
	}
	if len(due) == 0 {
		return false, nil
	}
	slices.SortFunc(due, func(a, b *member) int { return cmp.Compare(a.list.Mailbox, b.list.Mailbox) })
	home := c.home
	if home != nil {
		home.b.save(ctx)
		c.home = nil
	}
	for _, m := range due {
		if err := c.visit(ctx, m); err != nil {
			return true, err
		}
	}
	if home != nil {
		return true, c.goHome(ctx, home.b)
	}
	return true, c.leave(ctx, due)
}

// wantsVisit reports whether the mailbox must be opened to see what has changed.
func (m *member) wantsVisit() bool {
	if m.replaced {
		return false
	}
	return m.seen != m.now || time.Since(m.visitedAt) >= fullVisits || m.refused != "" && !time.Now().Before(m.retryAt)
}

// visit opens a mailbox and reports what has changed in it.
func (c *control) visit(ctx context.Context, m *member) error {
	b, now := m.box, m.now
	if err := b.load(ctx); err != nil {
		return err
	}
	if m.visitedAt.IsZero() && now.highest != 0 && accounted(b.known(), now) {
		// Nothing has changed since the checkpoint, flags included: a start costs no SELECT.
		b.verified()
		m.seen, m.visitedAt = now, time.Now()
		return nil
	}
	s := newSession(b, c.link)
	s.visit, s.push = true, "sweep"
	if c.notified {
		s.push = "notify"
	}
	err := c.open(ctx, &s)
	if errors.Is(err, errNotListed) {
		c.link.sink = nil
		return nil
	}
	if err == nil {
		err = s.proceed(ctx)
	}
	c.link.sink = nil
	refused := c.isRefused(m, err)
	if !refused && err != nil {
		return err
	}
	b.saveSeen(ctx, false)
	b.settle()
	m.visited(now, refused)
	return nil
}

// errNotListed says that a mailbox has not the UIDVALIDITY that it had when all were listed. It may be another one that has its name
// now: that is seen in the list, and what is known of it must not be taken for renumbered before.
var errNotListed = errors.New("the mailbox is another one than when it was listed")

// open opens the mailbox of a member, if it is the one that was listed; else all are listed first, once.
func (c *control) open(ctx context.Context, s *session) error {
	m := c.member(s.b.name)
	if m == nil {
		return s.open(ctx)
	}
	if !m.relisted {
		s.listed = c.names.Names[s.b.name].UIDValidity
	}
	err := s.open(ctx)
	if m.replaced = errors.Is(err, errNotListed); m.replaced {
		c.o.Logger.Info("a mailbox is another one than when it was listed: all are listed again", "account", c.o.Account, "mailbox", s.b.name)
		m.seen, c.relist = figures{}, true
	}
	s.listed, m.relisted = 0, false
	return err
}

// visited notes that the mailbox was opened, or not, when STATUS was so.
func (m *member) visited(now figures, refused bool) {
	m.seen, m.visitedAt = now, time.Now()
	if !refused {
		m.refusals = 0
		return
	}
	m.retryAt = m.visitedAt.Add(min(firstRetry<<min(m.refusals, 6), fullVisits))
	m.refusals++
}

// isRefused notes and reports whether the server does not open a mailbox that it lists.
func (c *control) isRefused(m *member, err error) bool {
	var refused *MailboxError
	if !errors.As(err, &refused) {
		if err == nil {
			m.refused = ""
		}
		return false // a connection that is lost says nothing of it
	}
	m.refused = reason(refused.Err)
	c.o.Logger.Warn("a mailbox that is listed cannot be opened", "account", c.o.Account, "mailbox", m.list.Mailbox, "err", refused.Err)
	return true
}

// settle gives back what is only needed while the mailbox is open.
func (b *box) settle() {
	if b.ledger != nil {
		b.stored, b.ledger = b.known(), nil
	}
}

func (c *control) hurry() bool { return c.link == nil && c.revive.hurry() }

func (c *control) forgetSeen() {
	for _, m := range c.members {
		m.box.seen.forget()
	}
}
