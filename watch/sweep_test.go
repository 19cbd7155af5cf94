package watch_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/watch"
)

// An empty list at the first start: there is always INBOX, so it is not believed, and what is listed later is what was there. Where
// mailboxes were chosen, there may be none yet.
func TestFirstListIsEmpty(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    watch.AccountOptions
		want []string
	}{
		{"all", watch.AccountOptions{}, []string{"INBOX: open 0 initial idle", "Work: open 1 initial sweep"}},
		{"patterns", watch.AccountOptions{Patterns: []string{"W*"}}, []string{"Work: created Work", "Work: open 1 uid-diff sweep", "Work: new 1 one"}},
		{"all but one", watch.AccountOptions{Exclude: []string{"INBOX"}}, []string{"Work: created Work", "Work: open 1 uid-diff sweep", "Work: new 1 one"}},
		{"special uses", watch.AccountOptions{SpecialUses: []imap.Attr{imap.AttrSent}}, []string{"Work: created Work", "Work: open 1 uid-diff sweep", "Work: new 1 one"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inAccount(t, nil, func(b *bench) {
				b.account = &tt.o
				b.user.SetSpecialUse("Work", imap.AttrSent)
				b.user.Mailbox("Work").Append(mail("one"))
				b.on("LIST", imaptest.Reply("{tag} OK nothing\r\n"))
				b.start()
				b.expectAll()
				b.server.SetOnCommand(nil)
				b.wait(2*time.Minute + time.Second)
				b.expectAll(tt.want...)
			})
		})
	}
}

// Special uses are asked for where they decide what is watched, and nowhere else: it may cost a command.
func TestSpecialUsesAreAskedForWhereTheyMatter(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    watch.AccountOptions
		want bool
		more imap.Capabilities
	}{
		{name: "all"},
		{name: "Gmail", more: imap.Capabilities{imap.CapGmail}, want: true},
		{name: "names", o: watch.AccountOptions{Patterns: []string{"W*"}, Exclude: []string{"Work"}}},
		{name: "special uses", o: watch.AccountOptions{SpecialUses: []imap.Attr{imap.AttrSent}}, want: true},
		{name: "a use among patterns", o: watch.AccountOptions{Patterns: []string{"W*", `\Sent`}}, want: true},
		{name: "a use among what is left out", o: watch.AccountOptions{Exclude: []string{"Work", `\Sent`}}, want: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inAccount(t, &imaptest.ServerOptions{Capabilities: append(imaptest.DefaultCapabilities(), tt.more...)}, func(b *bench) {
				b.account = &tt.o
				var asked atomic.Bool
				b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
					if c.Name == "LIST" && strings.Contains(fmt.Sprint(c.Args), "SPECIAL-USE") {
						asked.Store(true)
					}
					return imaptest.Pass
				})
				b.start()
				if asked.Load() != tt.want {
					t.Errorf("asked: %v, want %v", asked.Load(), tt.want)
				}
			}, "Work")
		})
	}
}

// Of hot mailboxes that do not exist, none gets a connection, nor is any selected between sweeps; the first that exists is.
func TestOnlyConnectionStaysInTheFirstHotMailboxThatExists(t *testing.T) {
	for _, tt := range []struct{ hot, want []string }{
		{nil, []string{"INBOX: new 1 one"}},
		{[]string{"Missing", "Work", "INBOX"}, []string{"Work: new 1 one"}},
		{[]string{"Missing"}, nil},
		{[]string{}, nil},
	} {
		t.Run(fmt.Sprint(tt.hot), func(t *testing.T) {
			inAccount(t, nil, func(b *bench) {
				b.account.MaxConnections, b.account.Hot = 1, tt.hot
				b.start()
				b.take()
				b.box.Append(mail("one"))
				b.user.Mailbox("Work").Append(mail("one"))
				b.expectAll(tt.want...)
				b.wait(2*time.Minute + time.Second)
				if n := len(b.take()); n != 2-len(tt.want) {
					t.Errorf("%d events of the others", n)
				}
			}, "Work")
		})
	}
}

// The mailbox that stays selected is not opened anew while nothing happens.
func TestOnlyConnectionStaysWhereItIs(t *testing.T) {
	inAccount(t, nil, func(b *bench) {
		b.account.MaxConnections = 1
		b.start()
		examines := b.count("EXAMINE")
		b.wait(50 * time.Minute)
		if n := examines(); n != 0 {
			t.Errorf("%d times EXAMINE", n)
		}
	})
}

// With NOTIFY one connection is enough, and mailboxes that the user calls hot get one of their own.
func TestNotifyNeedsConnectionsOnlyForWhatTheUserCallsHot(t *testing.T) {
	for _, tt := range []struct {
		hot  []string
		want int
	}{{nil, 1}, {[]string{"INBOX", "Work"}, 3}, {[]string{}, 1}} {
		t.Run(fmt.Sprint(tt.hot), func(t *testing.T) {
			inAccount(t, &imaptest.ServerOptions{Capabilities: withNotify()}, func(b *bench) {
				b.account.MaxConnections, b.account.Hot = 4, tt.hot
				b.start()
				if n := len(b.server.Sessions()); n != tt.want {
					t.Errorf("%d connections, want %d", n, tt.want)
				}
			}, "Work")
		})
	}
}

// A server that refuses NOOP has answered: nothing is lost, and nothing is left undone.
func TestRefusedNoopIsAnAnswer(t *testing.T) {
	everyWay(t, nil, func(t *testing.T, b *bench) {
		b.start()
		b.wait(2 * time.Minute)
		b.take()
		for _, s := range b.server.Sessions() {
			s.Inject("* OK Still here\r\n") // each two minutes, as it seems: what is missing then is asked for
		}
		b.on("NOOP", imaptest.Refuse(imap.BAD, "", "no such command"))
		b.wait(time.Hour)
		b.user.Mailbox("Work").Append(mail("one"))
		b.box.Append(mail("one"))
		b.wait(10 * time.Minute)
		var told []string
		for _, ev := range b.take() {
			if ev.Mailbox == "INBOX" || ev.Type == watch.Link {
				told = append(told, line(ev))
			}
		}
		if !slices.Equal(told, []string{"new 1 one"}) {
			t.Errorf("told of %q", told)
		}
	})
}

// A visit costs no STATUS where all mailboxes are swept. With NOTIFY it costs one, and a server that refuses that loses nothing thereby.
func TestStatusAfterAVisit(t *testing.T) {
	for name, caps := range map[string]imap.Capabilities{"STATUS": nil, "NOTIFY": withNotify()} {
		t.Run(name, func(t *testing.T) {
			inAccount(t, &imaptest.ServerOptions{Capabilities: caps}, func(b *bench) {
				b.account.MaxConnections, b.opts.VerifyInterval = 2, -1
				b.start()
				b.take()
				var asked atomic.Int32
				b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
					if c.Name != "STATUS" {
						return imaptest.Pass
					}
					asked.Add(1)
					return imaptest.Refuse(imap.NO, "", "not now")
				})
				for i := range 3 {
					b.user.Mailbox("Work").Append(mail("one"))
					b.wait(2*time.Minute + time.Second)
					b.expectAll(fmt.Sprintf("Work: new %d one", i+1))
				}
				if n := asked.Load(); (n > 0) != (caps != nil) {
					t.Errorf("%d times STATUS", n)
				}
			}, "Work")
		})
	}
}
