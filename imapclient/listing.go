package imapclient

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// listing is one call of [Conn.List].
type listing struct {
	c    *Conn
	want imap.ListOptions
	// native is what of want this server answers in one LIST, unless byHand says that it cannot.
	native imap.ListOptions
	byHand bool
	// todo is what has to be asked of each mailbox, one by one.
	todo   imap.ListOptions
	status statusQuery
	rows   listRows
}

// plan decides how the server is asked. Its errors come before anything is sent.
func (l *listing) plan() (err error) {
	caps, o := l.c.Capabilities(), &l.want
	if o.RecursiveMatch && !o.Subscribed && !o.SpecialUse {
		// RFC 5258 section 3.1: it modifies another option, and REMOTE is none.
		return &imapwire.ArgumentError{Command: "LIST", Argument: "RECURSIVEMATCH", Position: 1, Reason: "goes only with Subscribed or SpecialUse"}
	}
	if len(o.Patterns) == 0 {
		o.Patterns = []string{"*"}
	}
	if o.ReturnStatus != 0 {
		if l.status, err = l.c.statusQuery(o.ReturnStatus); err != nil {
			return err
		}
		o.ReturnStatus = l.status.ask
	}
	extended := caps.Has(imap.CapListExtended)
	can := func(w imap.Capability) bool { return extended && caps.Has(w) }
	switch {
	case o.Remote && !extended:
		return &UnsupportedError{imap.CapListExtended}
	case o.ReturnMyRights && !can(imap.CapListMyRights) && !caps.Has(imap.CapACL):
		return &UnsupportedError{imap.CapACL}
	case len(o.ReturnMetadata) > 0 && !can(imap.CapListMetadata) && !caps.Has(imap.CapMetadata):
		return &UnsupportedError{imap.CapMetadata}
	}
	l.native = *o
	if !can(imap.CapListStatus) {
		l.todo.ReturnStatus, l.native.ReturnStatus = o.ReturnStatus, 0
	}
	if !can(imap.CapListMyRights) {
		l.todo.ReturnMyRights, l.native.ReturnMyRights = o.ReturnMyRights, false
	}
	if !can(imap.CapListMetadata) {
		l.todo.ReturnMetadata, l.native.ReturnMetadata = o.ReturnMetadata, nil
	}
	if !extended || !l.c.saysSpecialUse() {
		// IMAP4rev2 has the attributes, but not the options (RFC 9051 appendix E).
		l.native.ReturnSpecialUse = false
		l.byHand = o.SpecialUse || o.ReturnSpecialUse && l.useXList()
	}
	l.byHand = l.byHand || !extended && isExtended(&l.native)
	return nil
}

// isExtended reports whether o takes the extended form of LIST (RFC 5258 section 3).
func isExtended(o *imap.ListOptions) bool {
	return o.Subscribed || o.Remote || o.RecursiveMatch || o.SpecialUse || len(o.Patterns) > 1 ||
		o.ReturnSubscribed || o.ReturnChildren || o.ReturnSpecialUse || o.ReturnMyRights || o.ReturnStatus != 0 || len(o.ReturnMetadata) > 0
}

// run gets the rows.
func (l *listing) run(ctx context.Context) error {
	if !l.byHand {
		err := l.list(ctx, "LIST", &l.native, &l.rows)
		if !l.misunderstood(err) {
			return err
		}
		l.rows = listRows{}
		l.todo.ReturnStatus, l.todo.ReturnMyRights, l.todo.ReturnMetadata = l.want.ReturnStatus, l.want.ReturnMyRights, l.want.ReturnMetadata
	}
	return l.listByHand(ctx)
}

// misunderstood reports whether a server that announces extended LIST does not have it: it says BAD, as
// Proton Mail did, or OK without a single mailbox, as strato.de does, though there is always INBOX.
func (l *listing) misunderstood(err error) bool {
	o := &l.native
	if !isExtended(o) || o.Remote {
		return false
	}
	if err != nil {
		return isRefusal(err, imap.BAD)
	}
	return len(l.rows.all) == 0 && !o.Subscribed && !o.SpecialUse && o.Reference == "" &&
		slices.ContainsFunc(o.Patterns, func(p string) bool { return imap.MatchMailbox(p, "INBOX", 0) })
}

// isRefusal reports whether the server answered the command with this kind of status.
func isRefusal(err error, kind imap.Kind) bool {
	var st *imap.StatusError
	return errors.As(err, &st) && st.Kind == kind && st.Command != ""
}

// list sends one LIST, LSUB or XLIST and adds its rows.
func (l *listing) list(ctx context.Context, verb string, o *imap.ListOptions, rows *listRows) error {
	_, err := l.c.exec(ctx, verb, func(e *imapwire.Command) { e.ListMailboxes(o) }, func(r imap.Response) bool {
		switch r := r.(type) {
		case *imap.List:
			if r.Kind != listKinds[verb] {
				return false
			}
			if r.Kind == imap.ListKindXList {
				r = fromXList(r)
			}
			return answersList(o, r) && rows.add(r)
		case *imap.MailboxStatus:
			return o.ReturnStatus != 0 && rows.attach(r.Mailbox, r, o.ReturnStatus)
		case *imap.MyRights:
			r.Rights = l.c.rightsOf(r.Rights)
			return o.ReturnMyRights && rows.attach(r.Mailbox, r, 0)
		case *imap.Metadata:
			return len(o.ReturnMetadata) > 0 && r.Changed == nil && rows.attach(r.Mailbox, r, 0)
		}
		return false
	})
	switch {
	case err != nil:
		return err
	case rows.over:
		return ErrTooManyMailboxes
	}
	rows.attachLate(o.ReturnStatus)
	return nil
}

// listKinds are the responses to the commands.
var listKinds = map[string]imap.ListKind{"LIST": imap.ListKindList, "LSUB": imap.ListKindLsub, "XLIST": imap.ListKindXList}

// answersList reports whether r can be part of the answer to a LIST with o. Otherwise it is news of
// another mailbox, as NOTIFY and commands of others bring it.
func answersList(o *imap.ListOptions, r *imap.List) bool {
	switch {
	case r.OldName != "" || r.Has(imap.AttrNoAccess): // RFC 5465 section 5.4, RFC 9051 section 6.3.9.7
		return false
	case o.Reference != "" || slices.Contains(o.Patterns, "*") || slices.Contains(o.Patterns, ""):
		// How a reference and a pattern become one is up to the server, and "" asks for the root.
		return true
	}
	return matchesAny("", o.Patterns, r)
}

// matchesAny reports whether a mailbox matches one of the patterns, as a lenient server understands them.
func matchesAny(reference string, patterns []string, r *imap.List) bool {
	if len(patterns) == 0 {
		return true
	}
	delim := ""
	if r.Delim != 0 {
		delim = string(r.Delim)
	}
	name := strings.TrimSuffix(loose(r.Mailbox), delim)
	return slices.ContainsFunc(patterns, func(p string) bool {
		return p == "*" || imap.MatchMailbox(strings.TrimSuffix(loose(reference+p), delim), name, r.Delim)
	})
}

// complete asks of each mailbox what LIST could not say, in one pipeline. A mailbox that the server refuses
// to speak of stays without (RFC 5819 section 2), as does one that is named only for what is below it (RFC
// 8440 section 4).
func (l *listing) complete(ctx context.Context) error {
	var failed error
	var calls []func(context.Context, *Conn) error
	for _, row := range l.rows.all {
		if row.Has(imap.AttrNoSelect) || l.want.RecursiveMatch && !l.selects(row) {
			continue
		}
		for _, step := range l.steps(row) {
			calls = append(calls, func(ctx context.Context, c *Conn) error {
				if failed != nil {
					return nil // one BAD is enough
				}
				if err := step(ctx, c); err != nil && !isRefusal(err, imap.NO) {
					failed = err
				}
				return nil
			})
		}
	}
	if len(calls) == 0 {
		return nil
	}
	if l.c.call == nil {
		return cmp.Or(l.c.Pipeline(ctx, calls...), failed)
	}
	for _, call := range calls { // in somebody's pipeline
		_ = call(ctx, l.c)
	}
	return failed
}

// steps are the commands for one mailbox.
func (l *listing) steps(row *Listed) (steps []func(context.Context, *Conn) error) {
	if l.todo.ReturnStatus != 0 {
		steps = append(steps, func(ctx context.Context, c *Conn) (err error) {
			row.Status, err = c.Status(ctx, row.Mailbox, l.todo.ReturnStatus)
			return err
		})
	}
	if l.todo.ReturnMyRights {
		steps = append(steps, func(ctx context.Context, c *Conn) (err error) {
			row.MyRights, err = c.MyRights(ctx, row.Mailbox)
			return err
		})
	}
	if len(l.todo.ReturnMetadata) > 0 {
		steps = append(steps, func(ctx context.Context, c *Conn) error {
			m, err := c.GetMetadata(ctx, row.Mailbox, nil, l.todo.ReturnMetadata...)
			if err == nil {
				row.Metadata = m.Values
			}
			return err
		})
	}
	return steps
}

// addLimits fills in the limit of APPEND that is known without asking.
func (l *listing) addLimits() {
	for _, row := range l.rows.all {
		if !l.status.hasLimit || row.Has(imap.AttrNoSelect) {
			continue
		}
		if row.Status == nil {
			row.Status = &imap.MailboxStatus{Mailbox: row.Mailbox}
		}
		l.status.answer(row.Status)
	}
}
