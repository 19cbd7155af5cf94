package watch

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/pushmail/pushmail/event"
	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/mailbox"
)

// nameList is what is remembered of the mailboxes of an account, so that one that was created while
// nobody watched is not taken for one that was always there. It is kept in the Store as [MailboxNames].
type nameList struct {
	Version int `json:"version"`
	// Selection is what was to be watched: names of another selection cannot be compared.
	Selection []string        `json:"selection"`
	Names     map[string]name `json:"names"`
}

// name is a mailbox in a nameList.
type name struct {
	UIDValidity uint32   `json:"uidvalidity,omitzero"`
	UIDNext     imap.UID `json:"uidnext,omitzero"`
	MailboxID   string   `json:"mailbox_id,omitzero"`
}

const nameListVersion = 1

func (c *control) namesKey() Key { return Key{Account: c.o.Account, Kind: MailboxNames} }

// selection is a text for each thing that chooses mailboxes.
func (c *control) selection() []string {
	texts := c.o.selection()
	if c.isGmail() && !c.allMail {
		texts = append(texts, "labels")
	}
	return texts
}

// loadNames reads the list that was stored, once.
func (c *control) loadNames(ctx context.Context) (known bool, err error) {
	if c.names != nil {
		return true, nil
	}
	b, err := c.o.Store.Load(ctx, c.namesKey())
	if err != nil {
		// Without it all mailboxes would look new.
		return false, &CheckpointError{Key: c.namesKey(), Err: fmt.Errorf("the list of mailboxes cannot be read: %w", err)}
	}
	fresh := &nameList{Version: nameListVersion, Selection: c.selection(), Names: map[string]name{}}
	if b == nil {
		c.names = fresh
		return false, nil
	}
	var stored nameList
	if err := json.Unmarshal(b, &stored); err != nil || stored.Version != nameListVersion {
		return false, &CheckpointError{Key: c.namesKey(), Err: fmt.Errorf("the list of mailboxes cannot be used (version %d): %w", stored.Version, err)}
	}
	if !slices.Equal(stored.Selection, fresh.Selection) {
		c.names = fresh
		return false, nil
	}
	c.names = &stored
	return true, nil
}

func (c *control) saveNames(ctx context.Context) error {
	b, err := json.Marshal(c.names)
	if err == nil {
		err = c.o.Store.Save(context.WithoutCancel(ctx), c.namesKey(), b)
	}
	c.namesUnsaved = err != nil
	if err != nil {
		return &notTakenError{"the list of mailboxes was not saved", err}
	}
	return nil
}

// noteNames compares the mailboxes that the server lists with those that are known, and tells the
// difference. The first time there is nothing to compare with.
func (c *control) noteNames(ctx context.Context, rows []*imapclient.Listed) error {
	known, err := c.loadNames(ctx)
	if err != nil {
		return err
	}
	listed := map[string]*imapclient.Listed{}
	for _, r := range rows {
		if imap.SameMailbox(r.Mailbox, "INBOX") {
			r.Mailbox = "INBOX"
		}
		listed[r.Mailbox] = r
	}
	gone := map[string]name{}
	for n, was := range c.names.Names {
		if r := listed[n]; r == nil || was.replaced(nameOf(r)) && !c.isTold(ctx, n, nameOf(r)) {
			gone[n] = was
		}
	}
	if known {
		if err := c.noteArrivals(ctx, listed, gone); err != nil {
			return err
		}
	}
	maps.DeleteFunc(gone, func(n string, _ name) bool { return listed[n] != nil }) // renumbered, or made anew: opening it shows
	c.namesUnsaved = c.namesUnsaved || !known || len(gone) > 0
	for _, r := range listed {
		c.namesUnsaved = c.remember(r) || c.namesUnsaved
	}
	for _, n := range slices.Sorted(maps.Keys(gone)) {
		c.forget(ctx, n) // its checkpoint stays in the Store
		if err := c.out.put(c.nameEvent(n, &NameInfo{Change: event.NameDeleted, MailboxID: gone[n].MailboxID})); err != nil {
			return err
		}
		delete(c.names.Names, n) // not before it was told
	}
	if !c.namesUnsaved {
		return nil
	}
	return c.saveNames(ctx) // before any of them is visited: one that was created must not be taken for created again
}

// isTold reports whether that mailbox was told as renumbered already: its own connection came before the list. What is known is that
// of the other one since.
func (c *control) isTold(ctx context.Context, n string, is name) bool {
	b, err := c.o.Store.Load(ctx, Key{Account: c.o.Account, Mailbox: n})
	var known mailbox.State
	return err == nil && b != nil && known.UnmarshalBinary(b) == nil && is.UIDValidity != 0 && known.UIDValidity() == is.UIDValidity
}

// noteArrivals tells of the mailboxes that were not there before, or were another one, which has a new name now. A mailbox can get the
// name that another one gives up, as in a rotation of archives.
func (c *control) noteArrivals(ctx context.Context, listed map[string]*imapclient.Listed, gone map[string]name) error {
	for more := true; more; {
		more = false
		for _, n := range slices.Sorted(maps.Keys(listed)) {
			if _, known := c.names.Names[n]; known {
				continue
			}
			old, err := c.arrived(ctx, listed[n], gone)
			if err != nil {
				return err
			}
			c.remember(listed[n])
			c.namesUnsaved = true
			if listed[old] == nil {
				continue
			}
			more = true // the one that has its name now
			// Its checkpoint is overwritten next. Who is killed after that must know that it was handed over.
			if err := c.saveNames(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// remember notes a mailbox that is listed, and reports whether something else was noted of it.
func (c *control) remember(r *imapclient.Listed) bool {
	is := nameOf(r)
	was := c.names.Names[r.Mailbox]
	c.names.Names[r.Mailbox] = is
	m := c.members[r.Mailbox]
	if m == nil {
		b := newBox(&c.set, r.Mailbox, c.out)
		m = &member{box: &b}
		c.members[r.Mailbox] = m
	}
	m.list = &r.List
	m.replaced, m.relisted = false, m.relisted || m.replaced
	if r.Status != nil {
		m.now = m.now.with(r.Status)
	}
	// UIDNEXT grows with each message, and is not worth a write of its own: an older one serves as well.
	return was.UIDValidity != is.UIDValidity || was.MailboxID != is.MailboxID || (was.UIDNext == 0) != (is.UIDNext == 0)
}

func nameOf(r *imapclient.Listed) name {
	if r.Status == nil {
		return name{}
	}
	return name{r.Status.UIDValidity, r.Status.UIDNext, r.Status.MailboxID}
}

// replaced reports whether a name is that of another mailbox now, or of one that was renumbered.
func (was name) replaced(is name) bool {
	if was.MailboxID != "" && is.MailboxID != "" {
		return was.MailboxID != is.MailboxID
	}
	return was.UIDValidity != 0 && is.UIDValidity != 0 && was.UIDValidity != is.UIDValidity
}

// arrived tells of a mailbox that was not there before: a new one, or one that has a new name and is taken
// out of gone; then it returns its old one. Its checkpoint is stored before it is remembered: what is in it must be reported.
func (c *control) arrived(ctx context.Context, r *imapclient.Listed, gone map[string]name) (old string, err error) {
	d := &NameInfo{Change: event.NameCreated, MailboxID: nameOf(r).MailboxID}
	key := Key{Account: c.o.Account, Mailbox: r.Mailbox}
	var checkpoint []byte
	var wasRenamed bool
	if old, wasRenamed = renamed(r, gone); wasRenamed {
		d.Change, d.OldMailbox = event.NameRenamed, old
		if checkpoint, err = c.handOver(ctx, old); err != nil {
			return "", err
		}
	}
	if checkpoint == nil {
		// UIDVALIDITY is 0 where STATUS was refused; see session.resync.
		if checkpoint, err = mailbox.Empty(nameOf(r).UIDValidity).MarshalBinary(); err != nil {
			return "", err
		}
	}
	if err := c.o.Store.Save(ctx, key, checkpoint); err != nil {
		return "", &notTakenError{"the checkpoint of a mailbox was not saved", err}
	}
	for _, a := range r.Attrs {
		d.Attributes = append(d.Attributes, string(a))
	}
	if err := c.out.put(c.nameEvent(r.Mailbox, d)); err != nil {
		return "", err
	}
	if wasRenamed {
		delete(gone, old)
		delete(c.members, old) // not before: it may know what could not be saved
		delete(c.names.Names, old)
	}
	return old, nil
}

// handOver ends the watching of a mailbox that has another name now, and returns its checkpoint: what is known, be it
// that it could not be saved.
func (c *control) handOver(ctx context.Context, old string) ([]byte, error) {
	c.unwatch(ctx, old)
	if m := c.members[old]; m != nil && m.box.known() != nil {
		return m.box.known().MarshalBinary()
	}
	return c.o.Store.Load(ctx, Key{Account: c.o.Account, Mailbox: old})
}

// renamed finds which of the mailboxes that are gone, or whose names others have, r was: the one with its MAILBOXID (RFC 8474), or the only
// one with its UIDVALIDITY, if no UID was lost.
func renamed(r *imapclient.Listed, gone map[string]name) (string, bool) {
	is := nameOf(r)
	var found []string
	for n, was := range gone {
		switch {
		case is.MailboxID != "" && was.MailboxID != "":
			if is.MailboxID == was.MailboxID {
				return n, true
			}
		case is.UIDValidity != 0 && is.UIDValidity == was.UIDValidity && is.UIDNext >= was.UIDNext && was.UIDNext != 0:
			found = append(found, n)
		}
	}
	if len(found) != 1 {
		return "", false
	}
	return found[0], true
}

// forget ends the watching of a mailbox for good.
func (c *control) forget(ctx context.Context, n string) {
	c.unwatch(ctx, n)
	delete(c.members, n)
}

// unwatch ends the watching of a mailbox and saves its checkpoint.
func (c *control) unwatch(ctx context.Context, n string) {
	m := c.members[n]
	if m == nil {
		return
	}
	if m.stop != nil {
		m.stop()
		m.stop = nil
	}
	if c.home != nil && c.home.b == m.box {
		c.home, c.link.sink = nil, nil
	}
	m.box.save(ctx)
}

func (c *control) nameEvent(n string, info *NameInfo) Event {
	b := box{o: &c.set, name: n}
	ev := b.newEvent(MailboxName)
	ev.Name = info
	return withID(ev)
}
