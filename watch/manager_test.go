package watch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/watch"
)

// managed runs a test with a Manager whose events are collected.
type managed struct {
	*bench
	m      *watch.Manager
	mu     sync.Mutex
	events []string
	// handle, if not nil, decides what becomes of an event.
	handle func(ctx context.Context, ev watch.Event) error
}

func inManager(t *testing.T, o watch.ManagerOptions, test func(b *managed)) {
	t.Helper()
	inBubble(t, nil, func(b *bench) {
		mb := &managed{bench: b}
		o.Handler = func(ctx context.Context, ev watch.Event) error {
			if ctx == nil {
				b.t.Errorf("no context with %s", line(ev))
			}
			mb.mu.Lock()
			handle := mb.handle
			mb.mu.Unlock()
			if handle != nil {
				if err := handle(ctx, ev); err != nil {
					return err
				}
			}
			mb.mu.Lock()
			defer mb.mu.Unlock()
			mb.events = append(mb.events, ev.Account+" "+ev.Mailbox+": "+line(ev))
			return nil
		}
		m, err := watch.NewManager(o)
		if err != nil {
			t.Fatal(err)
		}
		mb.m = m
		test(mb)
		if err := m.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// add adds a user with an account of INBOX alone, or of all mailboxes.
func (b *managed) add(name, mailbox string) *imaptest.User {
	b.t.Helper()
	u := b.server.AddUser(name, "secret")
	o := watch.AccountOptions{Options: b.opts}
	o.Account, o.Mailbox, o.Store = name, mailbox, nil
	o.Login = loginAs(name)
	if err := b.m.Add(o); err != nil {
		b.t.Fatal(err)
	}
	return u
}

func (b *managed) expect(want ...string) {
	b.t.Helper()
	synctest.Wait()
	b.mu.Lock()
	got := b.events
	b.events = nil
	b.mu.Unlock()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		b.t.Errorf("events %q, want %q", got, want)
	}
}

func TestManagerWatchesManyAccounts(t *testing.T) {
	inManager(t, watch.ManagerOptions{Active: 2}, func(b *managed) {
		const n = 20
		var users []*imaptest.User
		var opened []string
		for i := range n {
			name := fmt.Sprint("user", i)
			users = append(users, b.add(name, "INBOX"))
			opened = append(opened, name+" INBOX: open 0 initial idle")
		}
		b.expect(opened...)
		users[3].Mailbox("INBOX").Append(mail("for 3"))
		users[17].Mailbox("INBOX").Append(mail("for 17"))
		b.expect("user3 INBOX: new 1 for 3", "user17 INBOX: new 1 for 17")

		began := time.Now()
		if ok, err := b.m.Remove(context.Background(), "user3"); !ok || err != nil || time.Since(began) > 0 {
			t.Errorf("removing: %v, %v, %v", ok, err, time.Since(began))
		}
		if ok, _ := b.m.Remove(context.Background(), "user3"); ok {
			t.Error("removed twice")
		}
		users[3].Mailbox("INBOX").Append(mail("not watched"))
		users[4].Mailbox("INBOX").Append(mail("for 4"))
		b.expect("user4 INBOX: new 1 for 4")

		for _, st := range b.m.Status() {
			if len(st.Mailboxes) != 1 || !st.Mailboxes[0].Up || st.Mailboxes[0].Push != "idle" || st.Mailboxes[0].VerifiedAt.IsZero() {
				t.Errorf("status %+v", st)
			}
		}
		if got := len(b.m.Status()); got != n-1 {
			t.Errorf("%d accounts, want %d", got, n-1)
		}
	})
}

// Whoever has begun goes on before others begin: after an outage thousands would be half way at the same time, with all the memory
// that this takes.
func TestManagerFinishesWhatItHasBegun(t *testing.T) {
	inManager(t, watch.ManagerOptions{Active: 1}, func(b *managed) {
		const n = 50
		b.opts.Since = watch.Everything
		for i := range n {
			name := fmt.Sprint("user", i)
			b.server.AddUser(name, "secret").Mailbox("INBOX").Append(mail("there already"))
			b.add(name, "INBOX")
		}
		synctest.Wait()
		b.mu.Lock()
		got := b.events
		b.events = nil
		b.mu.Unlock()
		first := func(prefix string) int {
			return slices.IndexFunc(got, func(ev string) bool { return strings.HasPrefix(ev, prefix) })
		}
		done, last := first("user0 INBOX: new 1"), first(fmt.Sprintf("user%d INBOX: open", n-1))
		if done < 0 || last < 0 || last < done {
			t.Errorf("the first account was reported at %d, after the last was opened at %d: %q", done, last, got)
		}
	})
}

func TestManagerWatchesWholeAccounts(t *testing.T) {
	inManager(t, watch.ManagerOptions{}, func(b *managed) {
		jo := b.add("jo", "")
		b.expect("jo INBOX: open 0 initial idle")
		jo.Mailbox("Work")
		jo.Mailbox("INBOX").Append(mail("pushed"))
		b.wait(2*time.Minute + time.Second)
		b.expect("jo INBOX: new 1 pushed", "jo Work: created Work", "jo Work: open 0 uid-diff sweep")
		if st := b.m.Status()[0]; len(st.Mailboxes) != 3 || st.Mailboxes[0].Mailbox != "" || st.Mailboxes[2].Mailbox != "Work" || !st.Mailboxes[2].Shared || st.Mailboxes[0].Shared {
			t.Errorf("status %+v", st)
		}
	})
}

// What one account does harms no other: a handler that blocks, a password that is wrong, a server that is gone.
func TestManagerKeepsAccountsApart(t *testing.T) {
	inManager(t, watch.ManagerOptions{Active: 1}, func(b *managed) {
		stuck, release := b.add("stuck", "INBOX"), make(chan struct{})
		fine := b.add("fine", "INBOX")
		wrong := watch.AccountOptions{Options: b.opts}
		wrong.Account, wrong.Mailbox, wrong.Login = "wrong", "INBOX", loginAs("nobody")
		if err := b.m.Add(wrong); err != nil {
			t.Fatal(err)
		}
		if err := b.m.Add(wrong); err == nil {
			t.Error("an account was added twice")
		}
		b.expect("stuck INBOX: open 0 initial idle", "fine INBOX: open 0 initial idle", "wrong INBOX: link up=false stale=false")
		b.mu.Lock()
		b.handle = func(_ context.Context, ev watch.Event) error {
			if ev.Account == "stuck" {
				<-release
			}
			return nil
		}
		b.mu.Unlock()
		stuck.Mailbox("INBOX").Append(mail("held up"))
		b.expect()
		fine.Mailbox("INBOX").Append(mail("not held up"))
		b.expect("fine INBOX: new 1 not held up")
		var refused watch.MailboxStatus
		for _, st := range b.m.Status() {
			box := st.Mailboxes[0]
			switch st.Account {
			case "wrong":
				if box.Up || box.Reason == "" || box.Class != "auth" || box.Since.IsZero() || box.RetryAt.IsZero() {
					t.Errorf("status %+v", st)
				}
				refused = box
			case "stuck":
				if box.Busy.IsZero() {
					t.Errorf("status %+v", st)
				}
			}
		}
		close(release)
		b.expect("stuck INBOX: new 1 held up")
		b.wait(time.Hour)
		if later := b.m.Status()[2].Mailboxes[0]; !later.Since.Equal(refused.Since) || !later.RetryAt.After(refused.RetryAt) {
			t.Errorf("an hour later %+v, want the trouble to be that of %+v, and other attempts to have been made", later, refused)
		}
	})
}

func TestEventThatTheHandlerRefusesIsGivenAgain(t *testing.T) {
	inManager(t, watch.ManagerOptions{}, func(b *managed) {
		refused := 0
		b.handle = func(_ context.Context, ev watch.Event) error {
			if ev.Type == watch.MessageNew && refused < 3 {
				refused++
				return errors.New("the disk is full")
			}
			return nil
		}
		jo := b.add("jo", "INBOX")
		b.expect("jo INBOX: open 0 initial idle")
		jo.Mailbox("INBOX").Append(mail("one"))
		b.wait(time.Hour)
		b.expect("jo INBOX: link up=false stale=false", "jo INBOX: link up=true stale=false", "jo INBOX: open 1 qresync idle",
			"jo INBOX: link up=false stale=false", "jo INBOX: link up=true stale=false", "jo INBOX: open 1 qresync idle",
			"jo INBOX: link up=false stale=false", "jo INBOX: link up=true stale=false", "jo INBOX: open 1 qresync idle",
			"jo INBOX: new 1 one")
	})
}

// The handler does not take the first word of a mailbox that was renumbered, and then the server does not open it: it is told all the same.
func TestRenumberingThatCouldNotBeToldIsToldLater(t *testing.T) {
	inManager(t, watch.ManagerOptions{}, func(b *managed) {
		jo := b.add("jo", "")
		b.wait(time.Minute)
		work := jo.Mailbox("Work")
		work.Append(mail("one"))
		b.wait(10 * time.Minute)
		refused := false
		b.mu.Lock()
		b.events = nil
		b.handle = func(_ context.Context, ev watch.Event) error {
			if ev.Mailbox != "Work" || ev.Type != watch.MailboxOpen || refused {
				return nil
			}
			refused = true
			b.once("EXAMINE", imaptest.Refuse(imap.NO, "", "not now"))
			return errors.New("the disk is full")
		}
		b.mu.Unlock()
		work.ResetUIDValidity()
		b.wait(3 * time.Hour)
		b.mu.Lock()
		defer b.mu.Unlock()
		if told := slices.ContainsFunc(b.events, func(e string) bool { return strings.Contains(e, "Work: reset") }); !told || !refused {
			t.Errorf("refused: %v, told %q", refused, b.events)
		}
	})
}

// Whatever it is that the handler refuses, it is told later, and the account goes on.
func TestHandlerThatRefusesAllForAnHour(t *testing.T) {
	inManager(t, watch.ManagerOptions{}, func(b *managed) {
		refuse := func(err error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.handle = func(context.Context, watch.Event) error { return err }
		}
		jo, al := b.add("jo", "INBOX"), b.add("al", "")
		b.expect("jo INBOX: open 0 initial idle", "al INBOX: open 0 initial idle")
		al.Mailbox("Old")
		b.wait(3 * time.Minute)
		b.expect("al Old: created Old", "al Old: open 0 uid-diff sweep")
		refuse(errors.New("the disk is full"))
		jo.Mailbox("INBOX").Append(mail("one"))
		al.DeleteMailbox("Old")
		al.Mailbox("New").Append(mail("two"))
		b.wait(time.Hour)
		b.expect()
		refuse(nil)
		b.wait(10 * time.Minute)
		b.mu.Lock()
		got := slices.DeleteFunc(b.events, func(ev string) bool { return strings.Contains(ev, "open ") || strings.Contains(ev, "link ") })
		b.events = nil
		b.mu.Unlock()
		slices.Sort(got)
		if want := []string{"al New: created New", "al New: new 1 two", "al Old: deleted Old", "jo INBOX: new 1 one"}; !slices.Equal(got, want) {
			t.Errorf("events %q, want %q", got, want)
		}
		for _, st := range b.m.Status() {
			if st.Err != nil {
				t.Errorf("%s has ended: %v", st.Account, st.Err)
			}
		}
	})
}

// What the server says in IDLE is a push; what is found by asking is none.
func TestPushesAreCounted(t *testing.T) {
	var pushes atomic.Int32
	inManager(t, watch.ManagerOptions{Pushed: func() { pushes.Add(1) }}, func(b *managed) {
		jo := b.add("jo", "INBOX")
		jo.Mailbox("INBOX").Append(mail("before"))
		b.wait(time.Second)
		before := pushes.Load()
		for i := range 3 {
			jo.Mailbox("INBOX").Append(mail(fmt.Sprint(i)))
			b.wait(time.Second)
		}
		if n := pushes.Load() - before; n != 3 {
			t.Errorf("%d pushes, want 3", n)
		}
		b.server.SetDeafIdle(true)
		jo.Mailbox("INBOX").Append(mail("unheard"))
		b.wait(30 * time.Minute)
		if n := pushes.Load() - before; n != 3 {
			t.Errorf("%d pushes after one that did not come, want 3", n)
		}
	})
}
