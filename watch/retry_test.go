package watch_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pushmail/pushmail/watch"
)

// takes has the handler take events, or refuse them.
func (b *managed) takes(takes bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.handle = nil
	if !takes {
		b.handle = func(context.Context, watch.Event) error { return errors.New("no room") }
	}
}

// inRetry runs a test with an account of one mailbox, and one of two, whose pauses are long.
func inRetry(t *testing.T, test func(b *managed)) {
	t.Helper()
	inManager(t, watch.ManagerOptions{}, func(b *managed) {
		b.opts.Backoff, b.opts.MaxBackoff = 1000*time.Hour, 1000*time.Hour
		b.opts.StaleAfter = 10_000 * time.Hour
		b.add("jo", "INBOX")
		b.add("al", "").Mailbox("Work")
		b.wait(3 * time.Minute)
		test(b)
	})
}

func (b *managed) mail(subject string) {
	b.t.Helper()
	for _, name := range []string{"jo", "al"} {
		b.server.AddUser(name, "secret").Mailbox("INBOX").Append(mail(subject))
	}
}

func (b *managed) expectMail(subject string, uid string) {
	b.t.Helper()
	var got []string
	b.mu.Lock()
	for _, line := range b.events {
		if line == "jo INBOX: new "+uid+" "+subject || line == "al INBOX: new "+uid+" "+subject {
			got = append(got, line)
		}
	}
	b.mu.Unlock()
	if len(got) != 2 {
		b.t.Errorf("%q was told as %q, want it from both accounts", subject, got)
	}
}

func TestWhatWasRefusedIsTriedAgainSoonAfterRetry(t *testing.T) {
	inRetry(t, func(b *managed) {
		b.takes(false)
		b.mail("one")
		b.wait(5 * time.Minute)
		b.takes(true)
		b.m.Retry()
		b.wait(time.Second)
		b.expectMail("one", "1")
	})
}

// However often the handler comes and goes, a server is asked each half a minute at most.
func TestRetryDoesNotHammer(t *testing.T) {
	inRetry(t, func(b *managed) {
		b.takes(false)
		b.mail("one")
		b.wait(5 * time.Minute)
		dialed := b.dialed()
		for range 600 {
			b.m.Retry()
			b.wait(time.Second)
		}
		if n := b.dialed() - dialed; n < 30 || n > 42 {
			t.Errorf("%d connections of two accounts in ten minutes, want one each half a minute", n)
		}
		b.takes(true)
		b.m.Retry()
		b.wait(31 * time.Second)
		b.expectMail("one", "1")
	})
}

// What is under way when Retry is called, and fails since it began before, is tried again, too.
func TestRetryWhileAnAttemptIsUnderWay(t *testing.T) {
	inRetry(t, func(b *managed) {
		refused := make(chan struct{})
		b.mu.Lock()
		b.handle = func(context.Context, watch.Event) error {
			<-refused
			return errors.New("no room")
		}
		b.mu.Unlock()
		b.mail("one")
		b.wait(time.Minute)
		b.m.Retry()
		b.takes(true)
		close(refused)
		b.wait(time.Minute)
		b.expectMail("one", "1")
	})
}

// A server that is gone is not asked sooner because the handler is back.
func TestRetryIsNotForWhatTheServerHasRefused(t *testing.T) {
	inRetry(t, func(b *managed) {
		b.setDown(true)
		b.cutAll()
		b.wait(time.Minute)
		dialed := b.dialed()
		b.setDown(false)
		b.m.Retry()
		b.wait(time.Minute)
		if n := b.dialed() - dialed; n != 0 {
			t.Errorf("%d connections", n)
		}
	})
}
