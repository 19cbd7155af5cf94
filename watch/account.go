package watch

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// AttrInbox stands for INBOX among special-use attributes; Gmail's XLIST had it.
const AttrInbox imap.Attr = `\Inbox`

// AccountOptions are the settings of [Account]. What they share with those of one mailbox is in Options,
// whose Mailbox must be empty.
type AccountOptions struct {
	Options

	// Patterns choose mailboxes by name: "*" matches anything, "%" anything but the hierarchy delimiter
	// (RFC 9051 section 6.3.9). One that begins with a backslash is a special-use attribute, such as \Sent (RFC 6154), and matches
	// the mailboxes that have it. None means all. On Gmail, where a label is a mailbox and a message is in
	// several, none means All Mail, Spam and Trash, which together have each message once; its labels are in
	// the event. Where All Mail is hidden from IMAP, or excluded, it means all here, too.
	Patterns []string
	// Exclude leaves out what matches one of these patterns.
	Exclude []string
	// SpecialUses, if not empty, leaves out mailboxes without one of these attributes (RFC 6154). INBOX
	// counts as [AttrInbox].
	SpecialUses []imap.Attr

	// MaxConnections is the connection budget: how many may be open at a time. Zero means 4, or half of what the
	// provider allows if that is less; at least 1. When the server says that there are too many it is halved, and
	// grows back by one each hour.
	MaxConnections int
	// Hot are the mailboxes that get a connection of their own, with IDLE, as far as the budget goes, where the
	// server has no NOTIFY. Nil means INBOX, or Gmail's All Mail where that is watched.
	Hot []string
	// SweepInterval is the time between two looks at all other mailboxes by STATUS, where the server has
	// no NOTIFY. Zero means 2 minutes. What STATUS does not show, such as a flag other than \Seen on a server
	// without CONDSTORE, is found by opening each mailbox once an hour.
	SweepInterval time.Duration
}

func (o AccountOptions) resolved() (AccountOptions, error) {
	if o.Mailbox != "" {
		return o, errors.New("watch: AccountOptions.Mailbox is not used: name mailboxes in Patterns")
	}
	base, err := o.Options.resolved()
	if err != nil {
		return o, err
	}
	base.Mailbox = ""
	o.Options = base
	o.MaxConnections = max(cmp.Or(o.MaxConnections, base.connections(4)), 1)
	o.budget = &budget{most: o.MaxConnections}
	o.SweepInterval = cmp.Or(o.SweepInterval, 2*time.Minute)
	return o, nil
}

// Check returns the error that [Manager.Add] would have for o, whatever accounts there are.
func (o AccountOptions) Check() error {
	_, err := o.forManager()
	return err
}

// forManager resolves o as a Manager takes it: with a Mailbox for that one alone.
func (o AccountOptions) forManager() (_ AccountOptions, err error) {
	if o.Mailbox == "" {
		return o.resolved()
	}
	o.Options, err = o.Options.resolved()
	return o, err
}

// Account watches the mailboxes of an account until the loop over it is left or ctx ends. Events of one
// mailbox come in order; asking for the next event acknowledges the one before, as in [Mailbox].
//
// Where the server has NOTIFY (RFC 5465) one connection is enough: it is told of every mailbox. Otherwise the
// hot ones are watched by IDLE on connections of their own, within the budget, and one more connection looks
// at the others by STATUS. A mailbox whose STATUS has changed is opened and compared with its checkpoint, so
// what is found and reported is the same whatever the way.
//
// Mailboxes that are created, deleted or renamed are told by MailboxName, also when it happened while nobody
// watched. In a mailbox that is created every message is new. A renamed one keeps its checkpoint where the server
// lets it be recognised (RFC 8474, or by UIDVALIDITY and UIDNEXT).
//
// The sequence ends as that of Mailbox does. Link events without a mailbox tell of the connection that
// looks at all of them. A mailbox that the server lists and refuses to open is logged, and tried again when
// its STATUS changes, or after a minute, then two, four, up to an hour.
func Account(ctx context.Context, o AccountOptions) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		o, err := o.resolved()
		if err != nil {
			yield(Event{}, err)
			return
		}
		ctx, cancel := context.WithCancelCause(ctx)
		g := &group{ctx: ctx, cancel: cancel, offers: make(chan offer)}
		defer g.wait()
		defer cancel(errLeft)
		g.start(newControl(o, g, g.start))
		for {
			select {
			case of := <-g.offers:
				if !yield(of.ev, nil) {
					of.ack <- errLeft
					return
				}
				of.ack <- nil
			case <-ctx.Done():
				g.wait()
				yield(Event{}, context.Cause(ctx))
				return
			}
		}
	}
}

// group runs machines on goroutines of their own and puts their events into one sequence.
type group struct {
	ctx     context.Context
	cancel  context.CancelCauseFunc
	offers  chan offer
	running sync.WaitGroup
}

// offer is an event and where to say that it was acknowledged.
type offer struct {
	ev  Event
	ack chan error
}

// put gives an event to the consumer and returns nil when it is acknowledged.
func (g *group) put(ev Event) error {
	of := offer{ev, make(chan error, 1)}
	select {
	case g.offers <- of:
		return <-of.ack // the consumer always says
	case <-g.ctx.Done():
		return context.Cause(g.ctx)
	}
}

// start runs a machine. stop ends it and returns when it has ended.
func (g *group) start(m machine) (stop func()) {
	ctx, cancel := context.WithCancelCause(g.ctx)
	done := make(chan struct{})
	g.running.Go(func() {
		defer close(done)
		if err := drive(ctx, m); !errors.Is(err, errStopped) {
			g.cancel(err)
		}
	})
	return func() {
		cancel(errStopped)
		<-done
	}
}

// errStopped is the end of a machine that is not needed any more.
var errStopped = errors.New("stopped")

func (g *group) wait() { g.running.Wait() }

// Wants reports whether a mailbox, as LIST shows it, is one of those to watch.
func (o *AccountOptions) Wants(m *imap.List) bool {
	matches := func(p string) bool {
		if isUse(p) {
			return hasUse(m, imap.Attr(p))
		}
		return imap.MatchMailbox(p, m.Mailbox, m.Delim)
	}
	switch {
	case m.Has(imap.AttrNoSelect), m.Has(imap.AttrNonExistent):
		return false
	case slices.ContainsFunc(o.Exclude, matches):
		return false
	case len(o.Patterns) > 0 && !slices.ContainsFunc(o.Patterns, matches):
		return false
	}
	return len(o.SpecialUses) == 0 || slices.ContainsFunc(o.SpecialUses, func(a imap.Attr) bool { return hasUse(m, a) })
}

// isUse tells a special-use attribute from a pattern.
func isUse(p string) bool { return strings.HasPrefix(p, `\`) }

// hasUse reports whether a mailbox is what a special-use attribute stands for.
func hasUse(m *imap.List, a imap.Attr) bool {
	same := func(b imap.Attr) bool { return strings.EqualFold(string(a), string(b)) }
	return m.Has(a) || slices.ContainsFunc(m.Attrs, same) || same(AttrInbox) && imap.SameMailbox(m.Mailbox, "INBOX")
}

// selection is a text for each thing that chooses mailboxes.
func (o *AccountOptions) selection() []string {
	out := []string{}
	add := func(how string, list []string) {
		for _, text := range slices.Sorted(slices.Values(list)) {
			out = append(out, how+text)
		}
	}
	add("+", o.Patterns)
	add("-", o.Exclude)
	var uses []string
	for _, use := range o.SpecialUses {
		uses = append(uses, string(use))
	}
	add("=", uses)
	return out
}
