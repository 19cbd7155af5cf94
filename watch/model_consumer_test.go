package watch_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/watch"
)

// message names a message of the server for ever, but for UIDs that it gives anew: it never uses a UIDVALIDITY twice.
type message struct {
	validity uint32
	uid      imap.UID
}

// consumer is who receives the events of a world: it believes nothing that does not follow from what it has.
type consumer struct {
	w *world

	mu   sync.Mutex
	ever map[message]string // the subjects of all messages that ever were
	// former are the subjects of those that had the UID before.
	former map[message][]string
	boxes  map[string]*knownBox
	// ghosts were told to be deleted, which was not saved: they may be back.
	ghosts map[string]*knownBox
	// passing are names of which it was not saved that they were told: they may be gone without a word.
	passing map[string]bool
	ids     map[string]*toldEvent
	run     int
	// had are the messages that were there at first or told as new, by mailbox and subject; again are those that may be
	// told once more under another UID, since that they were told was not saved.
	had, again map[string]bool
	// mortal: the program is to be killed with the next message that it tells of; dead: it was.
	mortal, dead bool
}

// knownBox is a mailbox as its events have it.
type knownBox struct {
	validity uint32 // 0: nothing was told of it
	flags    map[imap.UID]string
	subjects map[imap.UID]string // of those whose subject is known
	// vague are messages of which something was told that was not acknowledged for good: they may be gone since, or have
	// other flags, without a word.
	vague map[imap.UID]bool
	// adopted: it was renumbered, so messages that were known are there without a word.
	adopted bool
	unsaved []string // ids of events that were not saved
	broken  bool     // the checkpoint could not be saved when that was tried last
	unsure  bool     // a renumbering was not saved
}

// toldEvent is an event that was told.
type toldEvent struct {
	what  string
	run   int
	saved bool
	left  bool // not acknowledged
	// unforeseen: what was about to be told could not be stored before.
	unforeseen bool
	box        string
	is         message
	typ        watch.Type
	// subject is "" where it was not told.
	subject string
}

func newConsumer(w *world) *consumer {
	return &consumer{
		w: w, ever: map[message]string{}, former: map[message][]string{}, boxes: map[string]*knownBox{}, ghosts: map[string]*knownBox{}, passing: map[string]bool{}, ids: map[string]*toldEvent{}, had: map[string]bool{}, again: map[string]bool{},
	}
}

func newKnownBox() *knownBox {
	return &knownBox{flags: map[imap.UID]string{}, subjects: map[imap.UID]string{}, vague: map[imap.UID]bool{}}
}

// during runs f while no event is taken.
func (c *consumer) during(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// baseline takes what is there as known.
func (c *consumer) baseline() {
	for _, name := range c.w.user.Mailboxes() {
		k := newKnownBox()
		is := c.w.user.Mailbox(name).Snapshot()
		k.validity = is.UIDValidity
		for _, m := range is.Messages {
			k.flags[m.UID] = foldFlags(m.Flags)
			k.subjects[m.UID] = c.ever[message{k.validity, m.UID}]
			c.had[name+" "+c.ever[message{k.validity, m.UID}]] = true
		}
		c.boxes[name] = k
	}
}

func foldFlags(flags []imap.Flag) string {
	var out []string
	for _, f := range flags {
		if f != imap.FlagRecent {
			out = append(out, strings.ToLower(string(f)))
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// take takes an event, or says that it cannot.
func (c *consumer) take(ev watch.Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	what := fmt.Sprintf("%s %d %s", ev.Mailbox, ev.UIDValidity, line(ev))
	if c.dead {
		return errNotTaken
	}
	if c.dead = c.mortal && ev.Type == watch.MessageNew; c.dead {
		c.w.logf("-- told, and killed: %s", what)
		c.note(ev)
		c.ids[ev.ID].left = true
		c.unsure(ev.ID)
		return errNotTaken
	}
	refuse := c.w.isChaos() && c.w.oneIn(40)
	if refuse && c.w.oneIn(2) {
		c.w.logf("-- not taken: %s", what)
		return errNotTaken
	}
	c.w.logf("-- told: %s", what)
	if ev.Type != watch.Link && ev.Type != watch.MailboxOpen {
		c.note(ev)
	}
	if !refuse {
		return nil
	}
	c.w.logf("-- taken, and not acknowledged")
	if t := c.ids[ev.ID]; t != nil {
		t.left = true
		c.unsure(ev.ID)
	}
	return errNotTaken
}

func (c *consumer) isDead() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dead
}

// note checks an event and keeps what it says.
func (c *consumer) note(ev watch.Event) {
	if ev.Type == watch.MailboxName {
		c.noteName(ev)
		return
	}
	what := fmt.Sprintf("%v %s %d %d %s", ev.Type, ev.Mailbox, ev.UIDValidity, ev.UID, foldFlags(ev.Flags))
	if ev.Type != watch.FlagChange {
		what = fmt.Sprintf("%v %s %d %d", ev.Type, ev.Mailbox, ev.UIDValidity, ev.UID)
	}
	if t := c.ids[ev.ID]; t != nil {
		switch {
		case t.what != what, t.subject != "" && subjectOf(ev) != "" && t.subject != subjectOf(ev):
			c.w.fail("the id of %q %s is that of %q %s", what, subjectOf(ev), t.what, t.subject)
		case t.saved:
			c.w.fail("told again what was acknowledged and saved: %s", what)
		case t.run == c.run && !t.left:
			c.w.fail("told twice: %s", what)
		}
		t.run, t.left = c.run, false
		if k := c.boxes[t.box]; k != nil {
			k.unsaved = append(k.unsaved, ev.ID)
		}
		return
	}
	c.ids[ev.ID] = &toldEvent{what: what, run: c.run, box: ev.Mailbox, is: message{ev.UIDValidity, ev.UID}, typ: ev.Type, subject: subjectOf(ev)}
	k := c.boxes[ev.Mailbox]
	if k == nil && c.ghosts[ev.Mailbox] != nil {
		k = c.ghosts[ev.Mailbox]
		c.boxes[ev.Mailbox] = k
	}
	if k == nil {
		c.w.fail("of a mailbox that is not known: %s", what)
		return
	}
	k.unsaved = append(k.unsaved, ev.ID)
	c.ids[ev.ID].unforeseen = k.broken
	switch {
	case ev.Type == watch.MailboxReset:
		c.noteReset(k, ev)
		return
	case k.validity == 0:
		k.validity = ev.UIDValidity
	case k.validity != ev.UIDValidity && !k.unsure:
		c.w.fail("UIDVALIDITY is %d: %s", k.validity, what)
	}
	c.noteMessage(k, ev, what)
}

func (c *consumer) noteReset(k *knownBox, ev watch.Event) {
	if k.validity != ev.Reset.OldUIDValidity && k.validity != 0 && !k.unsure {
		c.w.fail("renumbered from %d, which is %d", ev.Reset.OldUIDValidity, k.validity)
	}
	k.validity, k.adopted, k.unsure = ev.UIDValidity, true, false
	clear(k.flags)
	clear(k.subjects)
	clear(k.vague)
}

func (c *consumer) noteMessage(k *knownBox, ev watch.Event, what string) {
	was, known := k.flags[ev.UID]
	vague := k.vague[ev.UID]
	subject, exists := c.ever[message{ev.UIDValidity, ev.UID}]
	if !exists {
		c.w.fail("invented: %s", what)
	}
	former := c.former[message{ev.UIDValidity, ev.UID}]
	if is := subjectOf(ev); is != "" && is != subject {
		if !slices.Contains(former, is) {
			c.w.fail("%s is %s, not %s", what, subject, is)
		}
		subject = is
	}
	delete(k.vague, ev.UID)
	switch ev.Type {
	case watch.MessageNew:
		id := ev.Mailbox + " " + subject
		switch {
		case known && !vague:
			c.w.fail("it was there already: %s", what)
		case c.had[id] && !c.again[id]:
			c.w.fail("told before under another UID: %s %s", what, subject)
		}
		c.had[id], c.again[id] = true, ev.Message == nil // what it is was not said, so it cannot be known again
		k.flags[ev.UID], k.subjects[ev.UID] = foldFlags(ev.Flags), subjectOf(ev)
	case watch.MessageExpunge:
		if !known && !vague && !k.adopted {
			c.w.fail("it was not there: %s", what)
		}
		if c.w.has(ev.UIDValidity, ev.UID) && len(former) == 0 {
			c.w.fail("it is still there: %s", what)
		}
		delete(k.flags, ev.UID)
	case watch.FlagChange:
		if !known && !vague && !k.adopted {
			c.w.fail("it is not there: %s", what)
		}
		if now := changed(was, ev); known && !vague && now != foldFlags(ev.Flags) {
			c.w.fail("%s: %q became %q by +%v -%v", what, was, foldFlags(ev.Flags), ev.Added, ev.Removed)
		}
		k.flags[ev.UID] = foldFlags(ev.Flags)
	}
}

// subjectOf is the subject that an event tells, "" if it does not.
func subjectOf(ev watch.Event) string {
	if ev.Message == nil || ev.Message.Envelope == nil {
		return ""
	}
	return ev.Message.Envelope.Subject
}

// changed are the flags after what the event has changed.
func changed(was string, ev watch.Event) string {
	set := map[string]bool{}
	for _, f := range strings.Fields(was) {
		set[f] = true
	}
	for _, f := range ev.Removed {
		delete(set, strings.ToLower(string(f)))
	}
	for _, f := range ev.Added {
		set[strings.ToLower(string(f))] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(set)), " ")
}

// noteName follows what becomes of names. It may be told again.
func (c *consumer) noteName(ev watch.Event) {
	k := c.boxes[ev.Mailbox]
	c.passing[ev.Mailbox] = true
	switch ev.Name.Change {
	case "created":
		if k != nil {
			break
		}
		c.boxes[ev.Mailbox] = newKnownBox()
		for id := range c.had {
			if strings.HasPrefix(id, ev.Mailbox+" ") {
				delete(c.had, id)
			}
		}
	case "renamed":
		c.noteRenamed(ev, k)
	case "deleted":
		if k != nil {
			c.ghosts[ev.Mailbox] = k
		}
		delete(c.boxes, ev.Mailbox)
	}
}

// noteRenamed follows a mailbox to its new name; k is what has that already: it may have been told to be created, and nothing of it, if
// at first the server did not say which one it is. Where it was not saved that it was renamed, it can have yet another name by now.
func (c *consumer) noteRenamed(ev watch.Event, k *knownBox) {
	from := ev.Name.OldMailbox
	old := c.boxes[from]
	if ghost := c.ghosts[from]; old == nil && (k == nil || k == ghost || k.validity == 0) {
		old = ghost
	}
	if old == nil {
		if k == nil {
			c.w.fail("renamed from %s, which is not known: %s", from, ev.Mailbox)
		}
		return
	}
	was := map[string]bool{from: true}
	maps.DeleteFunc(c.boxes, func(name string, box *knownBox) bool {
		was[name] = was[name] || box == old
		return box == old
	})
	c.boxes[ev.Mailbox], c.ghosts[from] = old, old
	for name := range was {
		copyIDs(c.had, name, ev.Mailbox)
		copyIDs(c.again, name, ev.Mailbox)
	}
	for _, id := range old.unsaved {
		c.ids[id].box = ev.Mailbox
	}
}

// copyIDs has what is set for the messages of a mailbox be set for those of another one.
func copyIDs(set map[string]bool, from, to string) {
	for _, id := range slices.Collect(maps.Keys(set)) {
		if subject, ok := strings.CutPrefix(id, from+" "); ok && set[id] {
			set[to+" "+subject] = true
		}
	}
}

// saved notes that the checkpoint of a mailbox was saved.
func (c *consumer) saved(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.boxes[name]
	if k == nil {
		return
	}
	k.broken = false
	k.unsaved = slices.DeleteFunc(k.unsaved, func(id string) bool {
		t := c.ids[id]
		t.saved = !t.left
		return t.saved
	})
}

// notSaved notes that the checkpoint of a mailbox could not be saved.
func (c *consumer) notSaved(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.boxes[name]; k != nil {
		k.broken = true
	}
}

// savedNames notes that the list of mailboxes was saved.
func (c *consumer) savedNames(list string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.ghosts, func(name string, _ *knownBox) bool { return !strings.Contains(list, strconv.Quote(name)) })
	maps.DeleteFunc(c.passing, func(name string, _ bool) bool { return strings.Contains(list, strconv.Quote(name)) })
}

// untrue reports whether messages from a UID on were told, which was not saved, nor foretold where that is done: if they get other UIDs
// now, nobody can know.
func (c *consumer) untrue(validity uint32, from imap.UID, foretold bool) bool {
	for _, t := range c.ids {
		if t.is.validity == validity && t.is.uid >= from && t.typ == watch.MessageNew && !t.saved && (t.unforeseen || !foretold) {
			return true
		}
	}
	return false
}

// mistakable notes that a message gets the UID that another one had: if it was not said what that was, nobody can know that it is another
// one now, so it may be told as new or not.
func (c *consumer) mistakable(name string, uid imap.UID, subject string) {
	k := c.boxes[name]
	if k == nil {
		return
	}
	if _, known := k.flags[uid]; known && k.subjects[uid] == "" {
		c.had[name+" "+subject], c.again[name+" "+subject] = true, true
	}
}

// unsure notes that an event was told that may be told again, or be overtaken by what happens since.
func (c *consumer) unsure(id string) {
	t := c.ids[id]
	k := c.boxes[t.box]
	if k == nil {
		return
	}
	switch t.typ {
	case watch.MailboxReset:
		k.unsure = true
	default:
		if k.validity == t.is.validity {
			k.vague[t.is.uid] = true
		}
		c.again[t.box+" "+cmp.Or(t.subject, c.ever[t.is])] = true
	}
}

// restarted notes that the watcher begins anew with what was saved.
func (c *consumer) restarted() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.run++
	for _, k := range c.boxes {
		for _, id := range k.unsaved {
			c.unsure(id)
		}
		k.unsaved = nil // it may be told again whenever that is
	}
}

// has reports whether the server has a message.
func (w *world) has(validity uint32, uid imap.UID) bool {
	for _, name := range w.user.Mailboxes() {
		m := w.user.Mailbox(name)
		if is := m.Snapshot(); is.UIDValidity == validity {
			return is.UIDs().Contains(uid)
		}
	}
	return false
}

// compare says what is different from what the server has.
func (c *consumer) compare(flags bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := []string{"INBOX"}
	if c.w.way.connections > 0 {
		names = c.w.user.Mailboxes()
		maps.DeleteFunc(c.boxes, func(name string, _ *knownBox) bool { return c.passing[name] && !slices.Contains(names, name) })
		if told := slices.Sorted(maps.Keys(c.boxes)); !slices.Equal(told, names) {
			c.w.fail("there are the mailboxes %q, told were %q", names, told)
			return
		}
	}
	for _, name := range names {
		k, is := c.boxes[name], c.w.user.Mailbox(name).Snapshot()
		if k.validity != is.UIDValidity && len(is.Messages) > 0 && !k.unsure {
			c.w.fail("UIDVALIDITY of %s is %d, told was %d", name, is.UIDValidity, k.validity)
			return
		}
		for _, m := range is.Messages {
			subject := c.ever[message{is.UIDValidity, m.UID}]
			was, known := k.flags[m.UID]
			switch {
			case !known && !(k.adopted && c.hadAnywhere(subject)):
				c.w.fail("lost: %s %d %s", name, m.UID, subject)
			case known && k.subjects[m.UID] != "" && k.subjects[m.UID] != subject && !k.vague[m.UID]:
				c.w.fail("lost: %s %d is %s, told was %s", name, m.UID, subject, k.subjects[m.UID])
			case known && flags && !k.vague[m.UID] && was != foldFlags(m.Flags):
				c.w.fail("%s %d has the flags %q, told was %q", name, m.UID, foldFlags(m.Flags), was)
			}
		}
		for uid := range k.flags {
			if !is.UIDs().Contains(uid) && !k.vague[uid] {
				c.w.fail("not told that it is gone: %s %d", name, uid)
			}
		}
	}
}

// hadAnywhere reports whether a message was there at first, or was told as new, in whatever mailbox: one that takes the name of another
// one between two looks is that one, renumbered.
func (c *consumer) hadAnywhere(subject string) bool {
	for id := range c.had {
		if strings.HasSuffix(id, " "+subject) {
			return true
		}
	}
	return false
}

// modelStore is a Store that can fail, and that can be as it was when the program was killed.
type modelStore struct {
	w          *world
	mu         sync.Mutex
	m          map[watch.Key][]byte
	save, load bool // fail
	frozen     bool
}

func (s *modelStore) set(save, load bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.save, s.load = save, load
}

func (s *modelStore) freeze(frozen bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frozen = frozen
}

func (s *modelStore) Load(_ context.Context, key watch.Key) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.load {
		return nil, errors.New("cannot load")
	}
	return s.m[key], nil
}

func (s *modelStore) Save(_ context.Context, key watch.Key, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.frozen, s.w.told.isDead():
		return nil
	case s.save:
		if key.Kind == watch.Checkpoint {
			s.w.told.notSaved(key.Mailbox)
		}
		return errors.New("the disk is full")
	}
	s.m[key] = slices.Clone(value)
	if key.Kind == watch.Checkpoint {
		s.w.told.saved(key.Mailbox)
	}
	if key.Kind == watch.MailboxNames {
		s.w.told.savedNames(string(value))
	}
	return nil
}
