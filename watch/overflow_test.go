package watch_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/watch"
)

// overflow ends the notifications of the only session; what happens is not told, and the watcher hears of the end afterwards.
func (b *bench) overflow(happens func()) {
	b.t.Helper()
	s := b.session()
	s.Stall()
	s.Overflow()
	happens()
	s.Resume()
}

// A server that finds NOTIFY too much three times says nothing at all on that connection from then on, of the selected mailbox
// either, not even in IDLE (RFC 5465 section 5.8). Another connection takes over, which goes without NOTIFY: INBOX is told of
// at once, other mailboxes are looked at in turn, and nobody spins or hears of a lost link.
func TestRepeatedOverflowEndsInAConnectionWithoutNotify(t *testing.T) {
	for _, connections := range []int{1, 2, 4} {
		t.Run(fmt.Sprint(connections, " connections"), func(t *testing.T) {
			inAccount(t, &imaptest.ServerOptions{Capabilities: withNotify()}, func(b *bench) {
				b.account.MaxConnections = connections
				b.start()
				b.take()
				notify := b.count("NOTIFY")
				dialed := b.dialed()
				for i := range 3 {
					b.overflow(func() { b.user.Mailbox("Work").Append(mail(fmt.Sprint("w", i))) })
					b.wait(time.Second)
					if got := b.toldOf("Work"); len(got) != 1 || got[0] != fmt.Sprintf("new %d w%d", i+1, i) {
						t.Errorf("told of %q after overflow %d", got, i+1)
					}
				}
				b.wait(time.Minute)
				for _, ev := range b.take() {
					if ev.Type == watch.Link {
						t.Errorf("link: %+v", ev.Link)
					}
				}
				if notify() != 2 {
					t.Errorf("%d times NOTIFY, want 2", notify())
				}
				b.box.Append(mail("hello"))
				b.wait(time.Second)
				b.expectAll("INBOX: new 1 hello")
				b.user.Mailbox("Work").Append(mail("w3"))
				b.wait(3 * time.Minute)
				b.expectAll("Work: new 4 w3")
				if n := b.dialed() - dialed; n > 2 || len(b.server.Sessions()) > min(connections, 2) {
					t.Errorf("%d connections were made, %d are left", n, len(b.server.Sessions()))
				}
			}, "Work")
		})
	}
}

// One that refuses to begin notifications again after it has ended them is as silent.
func TestNotifyRefusedAfterAnOverflow(t *testing.T) {
	inAccount(t, &imaptest.ServerOptions{Capabilities: withNotify()}, func(b *bench) {
		b.account.MaxConnections = 1
		b.start()
		b.take()
		b.on("NOTIFY", imaptest.Refuse(imap.NO, "", "not now"))
		b.overflow(func() { b.user.Mailbox("Work").Append(mail("one")) })
		b.wait(time.Minute)
		b.expectAll("Work: new 1 one")
		b.box.Append(mail("hello"))
		b.wait(time.Second)
		b.expectAll("INBOX: new 1 hello")
	}, "Work")
}

// Notifications that end before the server has said that they have begun are not relied upon.
func TestOverflowInTheAnswerToNotify(t *testing.T) {
	inAccount(t, &imaptest.ServerOptions{Capabilities: withNotify()}, func(b *bench) {
		b.account.MaxConnections = 1
		b.times(3, "NOTIFY", imaptest.Reply("* OK [NOTIFICATIONOVERFLOW] too much\r\n{tag} OK\r\n"))
		b.start()
		b.wait(time.Minute)
		b.take()
		b.box.Append(mail("hello"))
		b.wait(time.Second)
		b.expectAll("INBOX: new 1 hello")
	}, "Work")
}

// An overflow is no reason to do without NOTIFY for ever: a connection that is made an hour later tries it.
func TestNotifyIsTriedAgainAfterAnHour(t *testing.T) {
	inAccount(t, &imaptest.ServerOptions{Capabilities: withNotify()}, func(b *bench) {
		b.account.MaxConnections = 1
		b.start()
		b.take()
		for range 3 {
			b.overflow(func() { b.user.Mailbox("Work").Append(mail("more")) })
			b.wait(time.Minute)
		}
		notify := b.count("NOTIFY")
		b.cutAll()
		b.wait(time.Minute)
		if notify() != 0 {
			t.Error("NOTIFY within the hour")
		}
		b.wait(time.Hour)
		b.cutAll()
		b.wait(time.Minute)
		if notify() != 1 {
			t.Errorf("%d times NOTIFY after an hour, want 1", notify())
		}
	}, "Work")
}

// Notifications that end while one IDLE is exchanged for the next leave a Poller nothing to wait for: it says ErrNotNotified. The
// connection is as good as before, and asks for them anew. It is a real one, since only those wait in a Poller.
func TestOverflowWhileIdleIsBegunAnew(t *testing.T) {
	server := imaptest.NewServer(&imaptest.ServerOptions{Plain: true, Capabilities: withNotify()})
	if err := server.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	work := server.AddUser("jo", "secret").Mailbox("Work")
	var mu sync.Mutex
	exchanged, said := 0, false
	server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case said:
			server.SetDeafIdle(false)
		case c.Name != "IDLE" && c.Name != "DONE":
			exchanged = 0
		case c.Name == "DONE":
			if exchanged++; exchanged == 3 { // nothing else goes on by now
				said = true
				c.Session.Overflow()
				server.SetDeafIdle(true) // so it is said before the answer to DONE
				work.Append(mail("one"))
			}
		}
		return imaptest.Pass
	})
	events := make(chan watch.Event, 100)
	m, err := watch.NewManager(watch.ManagerOptions{Handler: func(_ context.Context, ev watch.Event) error {
		events <- ev
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(context.Background())
	err = m.Add(watch.AccountOptions{MaxConnections: 1, Options: watch.Options{
		Account: "jo", Login: loginAs("jo"), Hosts: &watch.Hosts{}, VerifyInterval: time.Hour,
		Client: imapclient.Options{Addr: server.Addr().String(), Security: imapclient.InsecurePlaintext, IdleRestart: 20 * time.Millisecond},
	}})
	if err != nil {
		t.Fatal(err)
	}
	expect := func(want string) {
		t.Helper()
		for {
			select {
			case ev := <-events:
				if ev.Type == watch.Link {
					t.Fatalf("link: %+v", ev.Link)
				}
				if line(ev) == want {
					return
				}
			case <-time.After(time.Minute):
				t.Fatalf("not told of %q", want)
			}
		}
	}
	expect("new 1 one")
	work.Append(mail("two"))
	expect("new 2 two")
}
