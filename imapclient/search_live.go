package imapclient

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// Why a [LiveSearch] is not kept up to date any more.
var (
	// ErrUpdatesRefused: the server does not send updates for it (NOUPDATE, RFC 5267 section 4.3.1), most
	// likely since there are too many already. Close another one, or search again now and then.
	ErrUpdatesRefused = errors.New("the server does not send updates for this search")
	// ErrUpdatesLost: an update could not be read, or does not fit the result. Search again.
	ErrUpdatesLost = errors.New("an update of this search was lost: search again")
	// ErrUpdatesEnded: it was closed, or the mailbox is not selected any more.
	ErrUpdatesEnded = errors.New("this search is not kept up to date any more")
)

// LiveSearch is a result that the server keeps up to date (CONTEXT, RFC 5267), from [Conn.SearchLive]. Its
// methods may be called from any goroutine.
//
// Updates come with whatever else the server sends: they are read when somebody drives the Conn, with a
// command or with [Conn.Wait], which returns after one.
type LiveSearch struct {
	c        *Conn
	tag      string
	selected uint32 // the number of the selection
	sorted   bool
	onUpdate func(imap.ESearchUpdate)

	mu   sync.Mutex // guards the fields below it
	uids imap.UIDSet
	list imap.UIDList
	err  error
}

// LiveOptions say how [Conn.SearchLive] searches. Nil means the zero value.
type LiveOptions struct {
	// Sort, if not empty, has the result in an order, as [Conn.Sort] has it.
	Sort []imap.SortKey
	// OnUpdate, if not nil, is called for each update after the result has changed, in the order of the wire, also
	// in relation to what goes to Options.Handler. It runs on the goroutine that drives the Conn: it
	// must not block and must not use the Conn.
	OnUpdate func(imap.ESearchUpdate)
}

// SearchLive finds messages of the selected mailbox, and has the server tell which messages are to be added
// and removed for as long as the mailbox is selected (CONTEXT=SEARCH, or CONTEXT=SORT with LiveOptions.Sort,
// RFC 5267 section 4.3): new ones, those whose flags change, and those that are removed. Keys and errors are
// those of [Conn.SearchWith]; a server without the extension is an *[UnsupportedError].
//
// A server that gives the result but refuses to keep it up to date returns both: a LiveSearch that has the
// result and stays as it is, and [ErrUpdatesRefused].
//
// If ctx ends on the way, the server may keep the search up to date until the mailbox is not selected any more;
// its updates go to the Handler.
func (c *Conn) SearchLive(ctx context.Context, key imap.SearchKey, o *LiveOptions) (*LiveSearch, error) {
	if err := c.need(StateSelected); err != nil {
		return nil, err
	}
	if o == nil {
		o = &LiveOptions{}
	}
	sent, err := c.planLive(&key, o.Sort)
	if err != nil {
		return nil, notSent(err)
	}
	l := &LiveSearch{c: &Conn{core: c.core}, selected: c.selection(), sorted: len(o.Sort) > 0, onUpdate: o.OnUpdate}
	s := &searching{o: *sent, key: key, began: l.begin, another: l.take}
	res, err := c.runSearch(ctx, s)
	if err != nil {
		l.end(ErrUpdatesEnded)
		return nil, err
	}
	if res.plain {
		l.takePlain(res)
	}
	return l, l.Err()
}

// planLive says what is sent for a live search.
func (c *Conn) planLive(key *imap.SearchKey, keys []imap.SortKey) (*imap.SearchOptions, error) {
	caps := c.Capabilities()
	sent := &imap.SearchOptions{Sort: keys, Return: imap.ReturnAll | imap.ReturnUpdate}
	needs := []imap.Capability{imap.CapContextSearch, imap.CapESearch}
	if len(keys) > 0 {
		if missing := c.sortNeeds(keys); missing != "" {
			return nil, &UnsupportedError{missing}
		}
		needs = []imap.Capability{imap.CapContextSort}
	}
	for _, need := range needs {
		if !caps.Has(need) {
			return nil, &UnsupportedError{need}
		}
	}
	return sent, c.requireKey(key)
}

// begin is called when the command is about to be sent with this tag. Updates can come even before its end.
func (l *LiveSearch) begin(tag string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tag, l.uids, l.list = tag, nil, nil
	c := l.c
	c.live = slices.DeleteFunc(c.live, func(o *LiveSearch) bool { return o == l || o.selected != l.selected || o.ended() })
	c.live = append(c.live, l)
}

// ended reports whether no more updates are of use.
func (l *LiveSearch) ended() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err != nil
}

// take takes an ESEARCH with its tag: the result, and updates.
func (l *LiveSearch) take(r *imap.ESearch) {
	l.mu.Lock()
	switch {
	case len(l.uids)+len(l.list)+len(r.All)+len(r.Order) > maxResultRanges:
		l.err = ErrUpdatesLost
	case l.sorted:
		for _, rg := range listOf(r.All, r.Order) {
			l.list.AddRange(rg.First, rg.Last)
		}
	default:
		l.uids = l.uids.Union(r.All)
	}
	l.mu.Unlock()
	for _, u := range r.Updates {
		l.update(u)
	}
}

// takePlain takes a result that came without RETURN.
func (l *LiveSearch) takePlain(res *searchAnswer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.uids, l.list = res.UIDs, res.Order
}

// update changes the result and tells of it.
func (l *LiveSearch) update(u imap.ESearchUpdate) {
	l.mu.Lock()
	if l.err != nil {
		l.mu.Unlock()
		return
	}
	if !l.apply(u) {
		l.err = ErrUpdatesLost
		l.mu.Unlock()
		return
	}
	l.mu.Unlock()
	if l.onUpdate != nil {
		l.onUpdate(u)
	}
}

// apply changes the result, and reports false if the update does not fit it (RFC 5267 sections 4.3.3 and
// 4.3.4).
func (l *LiveSearch) apply(u imap.ESearchUpdate) bool {
	if len(l.uids)+len(l.list)+len(u.Nums)+len(u.Order) > maxResultRanges {
		return false
	}
	if !l.sorted {
		if u.Remove {
			l.uids = l.uids.Subtract(u.Nums)
		} else {
			l.uids = l.uids.Union(u.Nums)
		}
		return true
	}
	more, n := listOf(u.Nums, u.Order), l.list.Len()
	at := uint64(u.Position) - 1
	switch {
	case u.Remove && u.Position == 0:
		l.list = l.list.Without(u.Nums)
	case u.Position == 0:
		return false // only the mailbox order goes without a position
	case u.Remove:
		if !slices.Equal(l.list.Slice(at, at+more.Len()), more) {
			return false
		}
		l.list = l.list.Without(u.Nums)
	default:
		if at > n || l.list.Without(u.Nums).Len() != n {
			return false
		}
		l.list = l.list.Insert(at, more)
	}
	return true
}

// end ends it with a reason, unless it has one.
func (l *LiveSearch) end(reason error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil || errors.Is(reason, ErrUpdatesEnded) {
		l.err = reason
	}
}

// UIDs returns the messages that match now, as far as the server has told.
func (l *LiveSearch) UIDs() imap.UIDSet {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sorted {
		return l.list.Set()
	}
	return l.uids
}

// Order returns the messages that match now, in their order: that of LiveOptions.Sort, else ascending.
func (l *LiveSearch) Order() imap.UIDList {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sorted {
		return slices.Clone(l.list)
	}
	return imap.UIDList(l.uids)
}

// Err returns nil as long as the result is kept up to date, and else why it is not: [ErrUpdatesRefused],
// [ErrUpdatesLost], [ErrUpdatesEnded], or the error of the connection.
func (l *LiveSearch) Err() error {
	if err := l.c.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil && l.c.selection() != l.selected {
		return ErrUpdatesEnded
	}
	return l.err
}

// Close has the server stop (CANCELUPDATE, RFC 5267 section 4.3.5). The result stays as it is. Closing what
// is not kept up to date is fine.
func (l *LiveSearch) Close(ctx context.Context) error {
	err := l.Err()
	if errors.Is(err, ErrUpdatesLost) || err == nil {
		_, err = l.c.exec(ctx, "CANCELUPDATE", func(e *imapwire.Command) { e.String(l.tag) }, nil)
		if err != nil {
			return err
		}
	}
	l.end(ErrUpdatesEnded)
	return nil
}

// updateLive gives an update to the search that it belongs to, and reports whether there is one.
func (c *Conn) updateLive(r imap.Response) bool {
	if len(c.live) == 0 {
		return false
	}
	switch r := r.(type) {
	case *imap.ESearch:
		for _, l := range c.live {
			if l.tag == r.Tag && len(r.Updates) > 0 && l.Err() == nil {
				for _, u := range r.Updates {
					l.update(u)
				}
				return true
			}
		}
	case *imap.Status:
		if code := r.Code; code != nil && code.Name == imap.CodeNoUpdate {
			c.endLive(code.Words)
		}
	case *imap.Malformed:
		if responseName(r) == "ESEARCH" {
			for _, l := range c.live {
				l.end(ErrUpdatesLost)
			}
		}
	}
	return false
}

// endLive ends the searches with these tags: the server refuses to keep them up to date.
func (c *Conn) endLive(tags []string) {
	for _, l := range c.live {
		if slices.ContainsFunc(tags, func(tag string) bool { return strings.Trim(tag, `"`) == l.tag }) {
			l.end(ErrUpdatesRefused)
		}
	}
}
