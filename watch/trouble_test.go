package watch_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/watch"
)

// attempts notes when a command of a name comes.
type attempts struct {
	mu   sync.Mutex
	at   []time.Time
	fail *imaptest.Verdict
}

func (b *bench) attempts(name string) *attempts {
	a := &attempts{}
	b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
		a.mu.Lock()
		defer a.mu.Unlock()
		if c.Name != name {
			return imaptest.Pass
		}
		a.at = append(a.at, time.Now())
		if a.fail != nil {
			return *a.fail
		}
		return imaptest.Pass
	})
	return a
}

func (a *attempts) set(v *imaptest.Verdict) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fail, a.at = v, nil
}

// gaps returns the pauses between attempts.
func (a *attempts) gaps() []time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []time.Duration
	for i := 1; i < len(a.at); i++ {
		out = append(out, a.at[i].Sub(a.at[i-1]))
	}
	return out
}

func refusal(code imap.CodeName, text string) *imaptest.Verdict {
	v := imaptest.Refuse(imap.NO, code, text)
	return &v
}

// A password that was changed: one event says so, the server is asked ever more seldom, and when the password is
// right again the watcher goes on by itself.
func TestWrongPasswordIsOneEventAndFewAttempts(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		logins := b.attempts("LOGIN")
		b.opts.StaleAfter = 1000 * time.Hour
		b.start()
		b.expect("open 0 initial idle")
		logins.set(refusal(imap.CodeAuthenticationFailed, "wrong"))
		b.wait(time.Hour)
		b.session().Hangup()
		b.wait(3 * 24 * time.Hour)
		got := b.expect("link up=false stale=false", "link up=false stale=false")
		gaps := logins.gaps()
		if len(gaps) < 55 || len(gaps) > 80 {
			t.Errorf("%d attempts in three days", len(gaps)+1)
		}
		for i, g := range gaps {
			least := min(5*time.Minute<<min(i, 10), time.Hour)
			if g < least || g > least*5/4+time.Second {
				t.Errorf("pause %d is %v, want %v and a quarter more", i+1, g, least)
			}
		}
		if len(got) == 2 && (got[0].Link.Class != "transient" || got[1].Link.Class != "auth") {
			t.Errorf("classes %s and %s", got[0].Link.Class, got[1].Link.Class)
		}
		logins.set(nil)
		b.wait(3 * time.Hour)
		b.expect("link up=true stale=false", "open 0 qresync idle")
	})
}

func TestWrongPasswordAtTheStartEndsTheSequence(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.on("LOGIN", *refusal(imap.CodeAuthenticationFailed, "wrong"))
		b.start()
		b.wait(time.Minute)
		b.expect()
		if got := imapclient.Classify(b.stop()).Class; got != imapclient.ClassAuth {
			t.Errorf("class %v", got)
		}
	})
}

func TestDelayThatTheServerAsksForIsKept(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		code       imap.CodeName
		least      time.Duration
		most       time.Duration
	}{
		{"milliseconds", "Request is throttled. Suggested Backoff Time: 600000 milliseconds", "", 10 * time.Minute, 12 * time.Minute},
		{"no delay", "slow down", imap.CodeThrottled, 30 * time.Second, 5 * time.Minute},
		{"too many", "Too many simultaneous connections", imap.CodeLimit, 30 * time.Second, 5 * time.Minute},
		{"an hour at most", "Suggested Backoff Time: 864000000 milliseconds", "", time.Hour, 62 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, nil, func(b *bench) {
				logins := b.attempts("LOGIN")
				b.opts.StaleAfter = 1000 * time.Hour
				b.start()
				logins.set(refusal(tt.code, tt.text))
				b.wait(time.Hour)
				b.session().Hangup()
				b.wait(24 * time.Hour)
				gaps := logins.gaps()
				if len(gaps) < 10 {
					t.Fatalf("%d attempts", len(gaps)+1)
				}
				for _, g := range gaps {
					if g < tt.least || g > tt.most {
						t.Errorf("pause of %v, want %v to %v", g, tt.least, tt.most)
					}
				}
			})
		})
	}
}

// A server that accepts and hangs up at once is not asked over and over; one session that lasted is forgiveness.
func TestStableSessionResetsTheBackoff(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		logins := b.attempts("LOGIN")
		b.opts.StaleAfter, b.opts.VerifyInterval = 1000*time.Hour, -1
		b.start()
		logins.set(nil)
		end := time.Now().Add(6 * time.Hour)
		for time.Now().Before(end) {
			for _, s := range b.server.Sessions() {
				s.Hangup()
			}
			b.wait(time.Second)
		}
		n := len(logins.gaps())
		if n > 6*60 {
			t.Errorf("%d logins in 6 hours with a server that hangs up at once", n)
		}
		b.wait(time.Hour) // it lasts
		logins.set(nil)
		b.session().Hangup()
		b.wait(2 * time.Second) // the first pause is at most one second
		if len(b.server.Sessions()) != 1 {
			t.Error("it is not back at once after a session that lasted")
		}
	})
}

// A session that ends with its token, as at Gmail: each login brings a fresh one.
func TestLoginAfterATokenHasEndedBringsAnother(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		token := 0
		b.opts.Login = func(ctx context.Context, c *imapclient.Conn) error {
			token++
			return c.Login(ctx, "jo", "secret")
		}
		b.start()
		b.take()
		for i := range 3 {
			b.wait(time.Hour)
			b.session().Bye("Session expired, please login again")
			b.box.Append(mail(fmt.Sprintf("mail-%d", i)))
			b.wait(10 * time.Second)
			b.expect("link up=false stale=false", "link up=true stale=false", fmt.Sprintf("open %d qresync idle", i+1), fmt.Sprintf("new %d mail-%d", i+1, i))
		}
		if token != 4 {
			t.Errorf("%d logins, want 4", token)
		}
	})
}

// Too many connections: followers are given up until half of them do, and come back one by one.
func TestTooManyConnectionsHalveTheBudget(t *testing.T) {
	inBubble(t, &imaptest.ServerOptions{Without: imap.Capabilities{imap.CapNotify}}, func(b *bench) {
		for _, name := range []string{"A", "B", "C"} {
			b.user.Mailbox(name)
		}
		b.account = &watch.AccountOptions{MaxConnections: 4, Hot: []string{"INBOX", "A", "B"}}
		b.start()
		b.wait(10 * time.Second)
		if n := len(b.server.Sessions()); n != 4 {
			t.Fatalf("%d connections", n)
		}
		logins := b.attempts("LOGIN")
		logins.set(refusal(imap.CodeLimit, "Too many connections"))
		for _, s := range b.server.Sessions() {
			if m := s.Mailbox(); m != nil && m.Name() == "B" {
				s.Hangup()
			}
		}
		b.wait(5 * time.Minute)
		if n := len(b.server.Sessions()); n != 2 {
			t.Errorf("%d connections, want 2", n)
		}
		logins.set(nil)
		b.wait(5 * time.Minute)
		if n := len(b.server.Sessions()); n != 2 {
			t.Errorf("%d connections after 10 minutes, want 2", n)
		}
		b.wait(time.Hour)
		if n := len(b.server.Sessions()); n != 3 {
			t.Errorf("%d connections after an hour, want 3", n)
		}
		// Nothing is lost meanwhile.
		b.take()
		b.user.Mailbox("B").Append(mail("late"))
		b.wait(5 * time.Minute)
		b.expect("new 1 late")
	})
}

// Logins at one host are spread, by all watchers that share Hosts.
func TestLoginsAreLimitedPerHost(t *testing.T) {
	inManager(t, watch.ManagerOptions{}, func(b *managed) {
		b.opts.Hosts = &watch.Hosts{LoginsPerSecond: 2, LoginBurst: 5}
		logins := b.attempts("LOGIN")
		for i := range 25 {
			b.add(fmt.Sprintf("user-%d", i), "INBOX")
		}
		b.wait(0)
		began := time.Now()
		check := func(after time.Duration, want int) {
			t.Helper()
			b.wait(after - time.Since(began))
			if n := len(logins.gaps()) + 1; n != want {
				t.Errorf("%d logins after %v, want %d", n, after, want)
			}
		}
		check(0, 5)
		check(100*time.Millisecond, 5)
		check(1100*time.Millisecond, 7)
		check(5*time.Second, 15)
		check(time.Minute, 25)
		// All come back at once: the same holds, and nobody is forgotten.
		b.wait(time.Hour)
		logins.set(nil)
		for _, s := range b.server.Sessions() {
			s.Hangup()
		}
		b.wait(5 * time.Second)
		if n := len(logins.gaps()) + 1; n > 5+10 {
			t.Errorf("%d logins in 5 seconds", n)
		}
		b.wait(time.Minute)
		if n := len(b.server.Sessions()); n != 25 {
			t.Errorf("%d are back, want 25", n)
		}
	})
}

// brokenStore fails when it is told to.
type brokenStore struct {
	watch.MemoryStore
	mu     sync.Mutex
	broken bool
	names  bool // only the list of names cannot be saved
	failed int
}

func (s *brokenStore) Save(ctx context.Context, key watch.Key, checkpoint []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken && (!s.names || key.Kind == watch.MailboxNames) {
		s.failed++
		return errors.New("the disk is full")
	}
	return s.MemoryStore.Save(ctx, key, checkpoint)
}

func (s *brokenStore) set(broken bool) (failed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = broken
	return s.failed
}

// A Store that fails for a time: events go on, nothing is reported twice by this watcher, and when it works again what was
// acknowledged meanwhile is saved, so that the next one does not report it either.
func TestStoreThatFailsForATime(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		store := &brokenStore{}
		b.opts.Store = store
		b.start()
		b.expect("open 0 initial idle")
		store.set(true)
		b.box.Append(mail("one"))
		b.expect("new 1 one")
		b.wait(time.Hour)
		b.session().Hangup()
		b.wait(time.Minute)
		b.expect("link up=false stale=false", "link up=true stale=false", "open 1 qresync idle")
		if store.set(false) == 0 {
			t.Error("it was not tried")
		}
		if !strings.Contains(b.trace.String(), "the disk is full") {
			t.Error("the log does not tell")
		}
		b.wait(15 * time.Minute)
		_ = b.stop()
		b.take()
		b.start()
		b.expect("open 1 qresync idle")
	})
}

// A mailbox that is opened only when it has changed is saved when the Store works again, not with its next event.
func TestStoreThatFailsForATimeHasAllMailboxesAfterwards(t *testing.T) {
	inAccount(t, nil, func(b *bench) {
		store := &brokenStore{}
		b.opts.Store, b.account.MaxConnections = store, 1
		b.start()
		b.expectAll("INBOX: open 0 initial idle", "Work: open 0 initial sweep")
		store.set(true)
		b.user.Mailbox("Work").Append(mail("one"))
		b.wait(3 * time.Minute)
		b.expectAll("Work: new 1 one")
		if store.set(false) == 0 {
			t.Error("it was not tried")
		}
		b.wait(15 * time.Minute)
		store.set(true) // a crash: nothing is saved at the end
		_ = b.stop()
		b.take()
		store.set(false)
		b.start()
		b.expectAll("INBOX: open 0 qresync idle")
	}, "Work")
}
