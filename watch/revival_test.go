package watch_test

import (
	"context"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/watch"
)

// What a handler did not take of a connection that was lost is said again with the next attempt. That it works again is said
// to who knows that it did not, and to nobody else.
func TestLossThatTheHandlerDoesNotTake(t *testing.T) {
	for _, tt := range []struct {
		name   string
		refuse []string // classes of Link events, each once; "all" of them while it is down
		login  bool     // the password is refused from the second attempt on
		down   time.Duration
		want   []string
	}{
		{"all is taken", nil, true, 8 * time.Minute, []string{"transient", "auth", "up"}},
		{"that it is lost", []string{"transient"}, false, 8 * time.Minute, []string{"transient", "up"}},
		{"that it is lost, at first", []string{"transient"}, true, 8 * time.Minute, []string{"auth", "up"}},
		{"that the password is refused", []string{"auth"}, true, 4 * time.Minute, []string{"transient", "up"}},
		{"that the password is refused, at first", []string{"auth"}, true, 20 * time.Minute, []string{"transient", "auth", "up"}},
		{"all", []string{"all"}, true, 20 * time.Minute, nil},
		{"all but that it is stale", []string{"all"}, true, 40 * time.Minute, []string{"stale auth", "up"}},
		{"that it is stale, at first", []string{"stale auth"}, true, 2 * time.Hour, []string{"transient", "auth", "stale auth", "up"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inManager(t, watch.ManagerOptions{}, func(b *managed) {
				var told []string
				refuse := slices.Clone(tt.refuse)
				b.handle = func(_ context.Context, ev watch.Event) error {
					if ev.Link == nil {
						return nil
					}
					is := ev.Link.Class
					switch {
					case ev.Link.Up:
						is = "up"
					case ev.Link.Stale:
						is = "stale " + is
					case slices.Contains(refuse, "all"):
						return errors.New("the disk is full")
					}
					if i := slices.Index(refuse, is); i >= 0 {
						refuse = slices.Delete(refuse, i, i+1)
						return errors.New("the disk is full")
					}
					told = append(told, is)
					return nil
				}
				if b.opts.StaleAfter = 24 * time.Hour; strings.Contains(tt.name, "stale") {
					b.opts.StaleAfter = 30 * time.Minute
				}
				b.add("jo2", "INBOX")
				b.wait(9 * time.Minute)
				if tt.login {
					b.on("LOGIN", *refusal(imap.CodeAuthenticationFailed, "wrong"))
				} else {
					b.on("LOGIN", imaptest.Refuse(imap.NO, imap.CodeUnavailable, "not now"))
				}
				b.cutAll()
				b.wait(tt.down)
				b.server.SetOnCommand(nil)
				b.wait(3 * time.Hour)
				if !slices.Equal(told, tt.want) {
					t.Errorf("told of %q, want %q", told, tt.want)
				}
			})
		})
	}
}

// That a mailbox is stale is said when it is, not with the next attempt after that.
func TestStaleIsSaidInTime(t *testing.T) {
	everyWay(t, nil, func(t *testing.T, b *bench) {
		b.opts.StaleAfter = 30 * time.Minute
		b.start()
		b.take()
		began := time.Now()
		b.on("LOGIN", *refusal(imap.CodeAuthenticationFailed, "wrong"))
		b.cutAll()
		b.wait(3 * time.Hour)
		stale := 0
		for _, ev := range b.take() {
			if ev.Link != nil && ev.Link.Stale {
				stale++
				if after := ev.Time.Sub(began); after != 30*time.Minute {
					t.Errorf("%q is stale after %v, want 30 minutes", ev.Mailbox, after)
				}
			}
		}
		if stale == 0 {
			t.Error("it was not said")
		}
	})
}

// Attempts that take long are no sessions that worked: the pauses between them grow all the same.
func TestSlowAttemptsAreAttempts(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		dial := b.opts.Dial
		b.opts.Dial = func(ctx context.Context, o *imapclient.Options) (*imapclient.Conn, error) {
			if b.dialed() > 0 {
				time.Sleep(time.Minute)
			}
			return dial(ctx, o)
		}
		b.start()
		b.setDown(true)
		before := b.dialed()
		b.cutAll()
		b.wait(24 * time.Hour)
		if n := b.dialed() - before; n > 24*60/2 {
			t.Errorf("%d attempts in a day", n)
		}
		b.setDown(false)
	})
}

// A loop can be left at whatever is said of a link.
func TestLoopIsLeftAtAWordOfTheLink(t *testing.T) {
	for name, at := range map[string]func(l *watch.LinkInfo) bool{
		"lost":  func(l *watch.LinkInfo) bool { return !l.Up && !l.Stale },
		"stale": func(l *watch.LinkInfo) bool { return l.Stale },
		"back":  func(l *watch.LinkInfo) bool { return l.Up },
	} {
		t.Run(name, func(t *testing.T) {
			everyWay(t, nil, func(t *testing.T, b *bench) {
				b.stopAt = func(ev watch.Event) bool { return ev.Link != nil && at(ev.Link) }
				b.start()
				b.setDown(true)
				b.cutAll()
				b.wait(time.Hour)
				b.setDown(false)
				b.wait(10 * time.Minute)
				select {
				case <-b.stopped:
				default:
					t.Error("the watcher goes on")
				}
			})
		})
	}
}

// A server that cannot be trusted any more is something that somebody has to change: it is said once more.
func TestCertificateThatIsNotTrustedIsTold(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.start()
		b.take()
		tries := 0
		b.fault = func() error {
			if tries++; tries == 1 {
				return errors.New("connection refused")
			}
			return &imapclient.CertificateError{Addr: "mail.example.org:993", Err: x509.UnknownAuthorityError{}}
		}
		b.cutAll()
		b.wait(20 * time.Minute)
		var classes []string
		for _, ev := range b.take() {
			classes = append(classes, ev.Link.Class)
			if ev.Link.Reason == "" || ev.Link.RetryIn <= 0 {
				t.Errorf("it says not why, or not until when: %+v", ev.Link)
			}
		}
		if !slices.Equal(classes, []string{"transient", "config"}) {
			t.Errorf("classes %q", classes)
		}
	})
}
