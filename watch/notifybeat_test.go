package watch_test

import (
	"testing"
	"time"

	"github.com/pushmail/pushmail/imaptest"
)

// A server that says something each 2 minutes under NOTIFY has gone without a word: that is noticed 30 seconds after it was
// silent for one and a half times as long, not at the next NOOP.
func TestDeadPeerIsNoticedUnderNotify(t *testing.T) {
	inAccount(t, &imaptest.ServerOptions{Capabilities: withNotify()}, func(b *bench) {
		b.opts.VerifyInterval, b.opts.Client.IdleRestart = time.Hour, 25*time.Minute
		b.start()
		b.take()
		if b.session(); b.dialed() != 1 {
			t.Fatalf("%d connections", b.dialed())
		}
		for range 3 {
			b.wait(2 * time.Minute)
			b.session().Inject("* OK Still here\r\n")
		}
		b.take()
		began := time.Now()
		b.session().Stall()
		b.wait(8 * time.Minute)
		got := b.take()
		if len(got) == 0 || got[0].Link == nil || got[0].Link.Up {
			t.Fatalf("%d events", len(got))
		}
		if took := got[0].Time.Sub(began); took > 3*time.Minute+30*time.Second {
			t.Errorf("noticed after %v", took)
		}
	}, "Work")
}

// One that lives and has just ceased to say so is asked by NOOP, twice, and left alone from then on.
func TestMissingWordUnderNotifyIsNoEvent(t *testing.T) {
	inAccount(t, &imaptest.ServerOptions{Capabilities: withNotify()}, func(b *bench) {
		b.opts.VerifyInterval, b.opts.Client.IdleRestart = 10*time.Hour, 10*time.Hour
		b.start()
		b.wait(2 * time.Minute)
		b.session().Inject("* OK Still here\r\n")
		b.take()
		noops := b.count("NOOP")
		b.wait(8 * time.Hour)
		b.expect()
		if n := noops(); n == 0 || n > 2 {
			t.Errorf("%d NOOPs, want 1 or 2", n)
		}
	}, "Work")
}
