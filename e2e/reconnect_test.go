package e2e

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/dovecot"
	"github.com/pushmail/pushmail/e2e/netfault"
	"github.com/pushmail/pushmail/e2e/pushmail"
)

// TestServerCrashesWhileMailIsDelivered kills Dovecot (-9) twice in the middle of deliveries and starts it again each time.
func TestServerCrashesWhileMailIsDelivered(t *testing.T) {
	t.Parallel()
	const messages = 60
	a := newAccount(t, dovecot.Start(t, dovecot.Options{}))
	r := a.watch()

	progress := make(chan int, messages)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range messages {
			progress <- i
			if err := a.deliverUntilStored(fmt.Sprintf("message %d", i)); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for i := range progress {
		if i == 20 || i == 40 {
			check(t, a.server.Kill())
			check(t, a.server.Restart())
		}
		if i == messages-1 {
			break
		}
	}
	<-done

	// A delivery whose reply was lost in the crash is repeated, so the mailbox may have more than was sent: it is what counts.
	uids, err := a.session("INBOX").UIDs()
	check(t, err)
	if len(uids) < messages {
		t.Fatalf("the mailbox has %d messages, want at least %d", len(uids), messages)
	}
	ids := map[string]bool{}
	for _, uid := range uids {
		e := r.WaitFor(t, patience, "new message with UID "+strconv.Itoa(int(uid)), pushmail.About(pushmail.New, uid))
		ids[e.ID] = true
	}
	if len(ids) != len(uids) {
		t.Errorf("%d ids for %d messages", len(ids), len(uids))
	}
	r.WaitFor(t, patience, "link event that says it was down", func(e pushmail.Event) bool {
		return e.Type == pushmail.Link && e.Data.Up != nil && !*e.Data.Up && e.Data.Reason != ""
	})
	r.Stop(t)
}

// deliverUntilStored tries again as long as the server is down, as a mail server would.
func (a *account) deliverUntilStored(subject string) error {
	deadline := time.Now().Add(patience)
	for {
		err := a.server.Deliver(a.user, mail(subject))
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(20 * time.Millisecond) // between tries
	}
}

func TestServerRestartedInPeace(t *testing.T) {
	t.Parallel()
	a := newAccount(t, dovecot.Start(t, dovecot.Options{}))
	r := a.watch()
	check(t, a.server.Stop())
	check(t, a.server.Restart())
	a.deliver("after the restart")
	a.waitNew(r, "after the restart")
	r.Stop(t)
}

// TestDeadConnectionIsNoticed breaks the connection in ways that no packet tells of: only asking the server can find out.
func TestDeadConnectionIsNoticed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		fault func(*netfault.Proxy)
	}{
		{"nothing passes", func(p *netfault.Proxy) { p.Blackhole(netfault.Both) }},
		{"nothing reaches the server", func(p *netfault.Proxy) { p.Blackhole(netfault.ToServer) }},
		{"nothing reaches the client", func(p *netfault.Proxy) { p.Blackhole(netfault.ToClient) }},
		{"reset", (*netfault.Proxy).Cut},
		{"server ends its half", func(p *netfault.Proxy) { p.HalfClose(netfault.ToClient) }},
		{"client's half is ended", func(p *netfault.Proxy) { p.HalfClose(netfault.ToServer) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := newAccount(t, shared.get(t))
			p := netfault.Start(t, a.server.IMAPS)
			r := a.watchURL(a.url(p.Addr(), "INBOX"), "--idle-restart", "2s")
			a.deliver("before")
			a.waitNew(r, "before")

			test.fault(p)
			latency(t, "mail from the time in the dark", func() {
				a.deliver("meanwhile")
				// Nothing but the missing answer to DONE tells of a black hole: --idle-restart and half a minute.
				r.WaitFor(t, 2*patience, "mail from the time in the dark", pushmail.NewMessage("meanwhile"))
			})
			a.deliver("after")
			a.waitNew(r, "after")
			if p.Accepted() < 2 {
				t.Errorf("%d connections: the fault did not strike", p.Accepted())
			}
			r.Stop(t)
		})
	}
}

// TestNetworkGoneForAWhile refuses new connections too, so that pushmail has to try again.
func TestNetworkGoneForAWhile(t *testing.T) {
	t.Parallel()
	a := newAccount(t, shared.get(t))
	p := netfault.Start(t, a.server.IMAPS)
	r := a.watchURL(a.url(p.Addr(), "INBOX"))
	p.Refuse(true)
	p.Cut()
	a.deliver("meanwhile")
	r.WaitFor(t, patience, "link event that says it is down", func(e pushmail.Event) bool {
		return e.Type == pushmail.Link && e.Data.Up != nil && !*e.Data.Up
	})
	if !p.WaitLinks(0, patience) || !r.Running() {
		t.Error("pushmail gave up")
	}
	p.Pass()
	a.waitNew(r, "meanwhile")
	r.Stop(t)
}

func TestSlowNetwork(t *testing.T) {
	t.Parallel()
	a := newAccount(t, shared.get(t))
	p := netfault.Start(t, a.server.IMAPS)
	p.Delay(30 * time.Millisecond)
	p.Throttle(20_000)
	r := a.watchURL(a.url(p.Addr(), "INBOX"))
	a.deliver("through a thin line")
	a.waitNew(r, "through a thin line")
	r.Stop(t)
}
