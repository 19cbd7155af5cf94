package watch_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/watch"
)

// The twenty ways in which watchers lose mail, invent mail or hang that are seen most often in the field.
// Each is a test whose comment says what the trap is.

// everyWay runs a test of INBOX with all that can watch it: watch.Mailbox, watch.Account with INBOX on a
// connection of its own and on the one connection that looks at all, by STATUS and IDLE or by NOTIFY, and watch.Manager.
func everyWay(t *testing.T, without imap.Capabilities, test func(t *testing.T, b *bench)) {
	t.Helper()
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			o := &imaptest.ServerOptions{Without: without}
			if way.notify {
				o.Capabilities = withNotify()
			}
			inBubble(t, o, func(b *bench) {
				way.use(b)
				if way.connections > 0 {
					b.user.Mailbox("Work")
				}
				test(b.t, b)
			})
		})
	}
}

// everyRung runs a test everyWay on servers with less and less.
func everyRung(t *testing.T, test func(t *testing.T, b *bench)) {
	t.Helper()
	for _, rung := range rungs[:3] {
		t.Run(rung.method, func(t *testing.T) { everyWay(t, rung.without, test) })
	}
}

// fill has n messages be in INBOX.
func (b *bench) fill(n int) {
	for i := range n {
		b.box.Append(mail(fmt.Sprint("m", i+1)))
	}
}

// outage loses all connections, has something happen meanwhile, and waits until the link must be back.
func (b *bench) outage(meanwhile func()) {
	b.setDown(true)
	b.cutAll()
	meanwhile()
	b.setDown(false)
	b.wait(2 * time.Second)
}

func (b *bench) cutAll() {
	for _, s := range b.server.Sessions() {
		s.Cut()
	}
}

// tells compares what was said of messages in INBOX since the last call, in any order.
func (b *bench) tells(want ...string) {
	b.t.Helper()
	got := b.told()
	slices.Sort(want)
	if !slices.Equal(got, want) {
		b.t.Errorf("told of messages:\n\t%s\nwant:\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func (b *bench) told() (lines []string) { return b.toldOf("INBOX") }

func (b *bench) toldOf(name string) (lines []string) {
	for _, ev := range b.take() {
		if ev.Mailbox == name && ev.Type != watch.MailboxOpen && ev.Type != watch.Link {
			lines = append(lines, line(ev))
		}
	}
	slices.Sort(lines)
	return lines
}

// asksContent reports whether a command fetches what messages are.
func asksContent(c imaptest.Command) bool {
	return c.Name == "UID FETCH" && strings.Contains(fmt.Sprint(c.Args), "ENVELOPE")
}

// TestTrap01OutageMailWaitsForTheNextPush: the mail that came while the link was down is only looked for when the
// next push comes.
func TestTrap01OutageMailWaitsForTheNextPush(t *testing.T) {
	everyRung(t, func(_ *testing.T, b *bench) {
		b.start()
		b.take()
		b.outage(func() { b.box.Append(mail("meanwhile")) })
		b.tells("new 1 meanwhile")
	})
}

// TestTrap02StaleCount: news is "the count has grown", so fewer messages than before means silence for ever.
func TestTrap02StaleCount(t *testing.T) {
	everyRung(t, func(_ *testing.T, b *bench) {
		b.fill(5)
		b.start()
		b.take()
		b.outage(func() {
			b.box.Expunge(1, 2, 3)
			b.box.Append(mail("the third now"))
		})
		b.tells("expunge 1", "expunge 2", "expunge 3", "new 6 the third now")
		b.box.Append(mail("the fourth"))
		b.tells("new 7 the fourth")
	})
}

// TestTrap03StaleSequenceNumbers: the list of messages is not renewed by a reconnect, and the next EXPUNGE n takes
// another one.
func TestTrap03StaleSequenceNumbers(t *testing.T) {
	everyRung(t, func(_ *testing.T, b *bench) {
		b.fill(5)
		b.start()
		b.take()
		b.outage(func() { b.box.Expunge(2) })
		b.tells("expunge 2")
		b.box.Expunge(4) // number 3 now
		b.box.AddFlags(5, imap.FlagFlagged)
		b.box.Append(mail("next"))
		b.tells("expunge 4", `flags 5 [+\Flagged]`, "new 6 next")
	})
}

// TestTrap04StarIsTheLastMessage: "n+1:*" with nothing beyond n returns the last message, which is told again.
func TestTrap04StarIsTheLastMessage(t *testing.T) {
	everyRung(t, func(t *testing.T, b *bench) {
		b.fill(3)
		b.start()
		b.take()
		release := make(chan struct{})
		b.on("UID FETCH", imaptest.DelayUntil(release))
		gone := b.box.Append(mail("came and went"))
		b.take()
		b.box.Expunge(gone)
		close(release)
		// To be told of it or not are both true.
		for _, l := range b.told() {
			if !strings.HasPrefix(l, "new 4") && !strings.HasPrefix(l, "expunge 4") {
				t.Errorf("invented: %s", l)
			}
		}
		b.server.SetOnCommand(nil)
		b.outage(func() {})
		b.wait(25 * time.Minute) // truth checks look beyond the last one, too
		b.tells()
		b.box.Append(mail("next"))
		b.tells("new 5 next")
	})
}

// TestTrap05UnsolicitedFetch: a flag change of an old message that comes among the rows of a FETCH is taken for a new one.
func TestTrap05UnsolicitedFetch(t *testing.T) {
	everyRung(t, func(_ *testing.T, b *bench) {
		b.fill(2)
		b.start()
		b.take()
		var once sync.Once
		b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
			if asksContent(c) {
				once.Do(func() {
					b.box.AddFlags(1, imap.FlagFlagged)
					c.Session.Inject("* 2 FETCH (FLAGS (\\Recent))\r\n") // says nothing new
				})
			}
			return imaptest.Pass
		})
		b.box.Append(mail("three"))
		b.tells(`flags 1 [+\Flagged]`, "new 3 three")
	})
}

// TestTrap06LostWakeUp: what arrives while the one before is fetched is noted, and the note is cleared after the FETCH.
func TestTrap06LostWakeUp(t *testing.T) {
	everyRung(t, func(_ *testing.T, b *bench) {
		b.start()
		b.take()
		var fetches atomic.Int32
		b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
			if n := fetches.Add(1); c.Name == "UID FETCH" && n < 10 {
				b.box.Append(mail(fmt.Sprint("during command ", n)))
			}
			return imaptest.Pass
		})
		b.box.Append(mail("first"))
		b.take() // no time passes
		b.server.SetOnCommand(nil)
		want := int(b.box.Snapshot().UIDNext) - 1
		b.stop()
		b.take()
		b.start()
		b.tells()
		if want < 3 {
			b.t.Errorf("only %d messages arrived in the middle", want)
		}
	})
}

// TestTrap07StartUpGap: what arrives between the first look and the first wait is in the count already and never pushed.
func TestTrap07StartUpGap(t *testing.T) {
	everyRung(t, func(t *testing.T, b *bench) {
		b.fill(1)
		for _, start := range []string{"first", "resumed"} {
			for k := int32(1); ; k++ {
				if start == "first" {
					b.opts.Store = &watch.MemoryStore{}
				}
				var n atomic.Int32
				subject := fmt.Sprintf("before command %d of a %s start", k, start)
				before := b.box.Snapshot()
				b.server.SetOnCommand(func(imaptest.Command) imaptest.Verdict {
					if n.Add(1) == k {
						b.box.Append(mail(subject))
					}
					return imaptest.Pass
				})
				b.start()
				if n.Load() < k { // those before were all
					b.server.SetOnCommand(nil)
					b.stop()
					break
				}
				exists, news := 0, 0
				for _, ev := range b.take() { // no time passes
					switch {
					case ev.Mailbox != "INBOX":
					case ev.Type == watch.MailboxOpen:
						exists = int(ev.Open.Exists)
					case ev.Type == watch.MessageNew:
						news++
					}
				}
				b.server.SetOnCommand(nil)
				b.stop()
				// At a first start it may be one of those that were there.
				if baseline := start == "first" && exists == len(before.Messages)+1; news != 1 && !(baseline && news == 0) {
					t.Errorf("%s: told of %d, with %d in the mailbox", subject, news, exists)
				}
			}
		}
	})
}

// TestTrap08HalfOpenConnection: the peer is gone without a word, and nobody asks.
func TestTrap08HalfOpenConnection(t *testing.T) {
	everyWay(t, nil, func(t *testing.T, b *bench) {
		b.opts.Client.IdleRestart = 2 * time.Minute
		b.start()
		b.take()
		for _, s := range b.server.Sessions() {
			s.Stall()
		}
		b.box.Append(mail("into the void"))
		began := time.Now()
		for time.Since(began) < time.Hour {
			b.wait(time.Second)
			if slices.Contains(b.told(), "new 1 into the void") {
				break
			}
		}
		if took := time.Since(began); took > 2*time.Minute+30*time.Second+10*time.Second { // a restart, half a minute, LOGOUT and the reconnect
			t.Errorf("it took %v", took)
		}
	})
}

// TestTrap09NoBackoff: a message that ends the connection whenever anything is asked of it makes a loop of logins.
func TestTrap09NoBackoff(t *testing.T) {
	everyWay(t, nil, func(t *testing.T, b *bench) {
		b.start()
		b.take()
		b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
			if c.Name == "UID FETCH" {
				return imaptest.Drop
			}
			return imaptest.Pass
		})
		before := b.dialed()
		b.box.Append(mail("poison"))
		b.wait(time.Hour)
		if n := b.dialed() - before; n < 5 || n > 60 {
			t.Errorf("%d connections in an hour", n)
		}
		b.server.SetOnCommand(nil)
		b.wait(6 * time.Minute)
		b.tells("new 1 poison")
	})
}

// TestTrap09AllAtOnce: all clients of a server that was restarted come back in the same moment.
func TestTrap09AllAtOnce(t *testing.T) {
	inManager(t, watch.ManagerOptions{}, func(b *managed) {
		const n = 50
		var mu sync.Mutex
		at := map[time.Duration]int{}
		var began time.Time
		b.opts.Dial = func(ctx context.Context, o *imapclient.Options) (*imapclient.Conn, error) {
			mu.Lock()
			at[time.Since(began)/(20*time.Millisecond)]++
			mu.Unlock()
			return b.dial(ctx, o)
		}
		for i := range n {
			b.add(fmt.Sprint("user", i), "INBOX")
		}
		b.wait(0)
		mu.Lock()
		clear(at)
		began = time.Now()
		mu.Unlock()
		b.cutAll()
		b.wait(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		total := 0
		for when, k := range at {
			if total += k; k > n/4 {
				t.Errorf("%d of %d came back within 20 ms, after %v", k, n, when*20*time.Millisecond)
			}
		}
		if total != n {
			t.Errorf("%d connections for %d accounts", total, n)
		}
	})
}

// TestTrap10ReconnectThatFails: the first reconnect that fails ends everything.
func TestTrap10ReconnectThatFails(t *testing.T) {
	dial := func(err error) func(*bench) { return func(b *bench) { b.failDials(2, err) } }
	answer := func(name string, v imaptest.Verdict) func(*bench) {
		return func(b *bench) { b.times(2, name, v) }
	}
	for name, fault := range map[string]func(*bench){
		"refused":           dial(&net.OpError{Op: "dial", Err: errors.New("connection refused")}),
		"no such host":      dial(&net.DNSError{Err: "no such host", IsNotFound: true}),
		"certificate":       dial(&tls.CertificateVerificationError{Err: errors.New("expired")}),
		"end of the stream": dial(io.ErrUnexpectedEOF),
		"too late":          dial(&imapclient.TimeoutError{Op: "connect", After: time.Minute}),
		"deadline":          dial(context.DeadlineExceeded),
		"canceled":          dial(context.Canceled),
		"proxy":             dial(errors.New("502 Bad Gateway")),
		"login refused":     answer("LOGIN", imaptest.Refuse(imap.NO, imap.CodeAuthenticationFailed, "no")),
		"login unavailable": answer("LOGIN", imaptest.Refuse(imap.NO, imap.CodeUnavailable, "not now")),
		"login bad":         answer("LOGIN", imaptest.Refuse(imap.BAD, "", "what?")),
		"login dropped":     answer("LOGIN", imaptest.Drop),
		"login ignored":     answer("LOGIN", imaptest.Ignore),
		"enable bad":        answer("ENABLE", imaptest.Refuse(imap.BAD, "", "what?")),
		"examine refused":   answer("EXAMINE", imaptest.Refuse(imap.NO, "", "not now")),
		"examine bad":       answer("EXAMINE", imaptest.Refuse(imap.BAD, "", "what?")),
		"examine dropped":   answer("EXAMINE", imaptest.Drop),
		"examine ignored":   answer("EXAMINE", imaptest.Ignore),
		"nonsense":          answer("EXAMINE", imaptest.Reply("* EXISTS EXISTS (((\r\n{tag} OK\r\n")),
	} {
		t.Run(name, func(t *testing.T) {
			everyWay(t, nil, func(_ *testing.T, b *bench) {
				b.start()
				b.take()
				b.setDown(true)
				b.cutAll()
				b.box.Append(mail("meanwhile"))
				fault(b)
				b.setDown(false)
				b.wait(time.Hour + time.Minute)
				b.tells("new 1 meanwhile")
			})
		})
	}
}

// failDials makes the next n connections fail.
func (b *bench) failDials(n int32, err error) {
	var left atomic.Int32
	left.Store(n)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fault = func() error {
		if left.Add(-1) >= 0 {
			return err
		}
		return nil
	}
}

// times does something else with the first n commands of a name.
func (b *bench) times(n int32, name string, v imaptest.Verdict) {
	var left atomic.Int32
	left.Store(n)
	b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
		if c.Name == name && left.Add(-1) >= 0 {
			return v
		}
		return imaptest.Pass
	})
}

// TestTrap11ErrorsNobodyExpects: in the middle of the watch something fails in a way that no handler names.
func TestTrap11ErrorsNobodyExpects(t *testing.T) {
	each := func(f func(*imaptest.Session)) func(*bench) {
		return func(b *bench) {
			for _, s := range b.server.Sessions() {
				f(s)
			}
		}
	}
	inject := func(raw string) func(*bench) { return each(func(s *imaptest.Session) { s.Inject(raw) }) }
	answer := func(name string, v imaptest.Verdict) func(*bench) {
		return func(b *bench) { b.times(2, name, v) }
	}
	for name, fault := range map[string]func(*bench){
		"BYE":                  each(func(s *imaptest.Session) { s.Bye("shutting down") }),
		"end of the stream":    each((*imaptest.Session).Hangup),
		"reset":                each((*imaptest.Session).Cut),
		"empty line":           inject("\r\n"),
		"nonsense":             inject("* )((} 7 \x00\r\n"),
		"number out of range":  inject("* 99999999999999999999 EXISTS\r\n"),
		"fewer than there are": inject("* 0 EXISTS\r\n"),
		"expunge of nothing":   inject("* 4711 EXPUNGE\r\n"),
		"tag of nobody":        inject("x999 OK done\r\n"),
		"literal without end":  inject("* 1 FETCH (BODY[] {99999}\r\nshort"),
		"IDLE refused":         answer("IDLE", imaptest.Refuse(imap.NO, "", "not now")),
		"IDLE bad":             answer("IDLE", imaptest.Refuse(imap.BAD, "", "what?")),
		"IDLE ignored":         answer("IDLE", imaptest.Ignore),
		"DONE ignored":         answer("DONE", imaptest.Ignore),
		"STATUS bad":           answer("STATUS", imaptest.Refuse(imap.BAD, "", "what?")),
		"LIST refused":         answer("LIST", imaptest.Refuse(imap.NO, "", "not now")),
		"FETCH refused":        answer("UID FETCH", imaptest.Refuse(imap.NO, "", "not now")),
		"FETCH empty":          answer("UID FETCH", imaptest.Reply("{tag} OK done\r\n")),
		"FETCH half":           answer("UID FETCH", imaptest.Reply("* 2 FETCH (UID 2 FLAGS (\r\n{tag} OK done\r\n")),
	} {
		t.Run(name, func(t *testing.T) {
			everyWay(t, nil, func(t *testing.T, b *bench) {
				b.fill(1)
				b.start()
				b.take()
				fault(b)
				b.wait(15 * time.Minute)
				b.box.Append(mail("after"))
				b.wait(15 * time.Minute)
				b.server.SetOnCommand(nil)
				b.box.Append(mail("later"))
				b.wait(time.Minute)
				// One that could not be read may come without what it is.
				if got := b.told(); len(got) != 2 || !strings.HasPrefix(got[0], "new 2") || got[1] != "new 3 later" {
					t.Errorf("told of %q", got)
				}
			})
		})
	}
}

// TestTrap12HalfReconnected: the login worked and SELECT did not, so there is a connection, and IDLE with nothing selected.
func TestTrap12HalfReconnected(t *testing.T) {
	everyRung(t, func(t *testing.T, b *bench) {
		b.start()
		b.take()
		refused := 0
		b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
			switch {
			case c.Name == "EXAMINE" && refused < 3:
				refused++
				return imaptest.Refuse(imap.NO, "", "server busy, try later")
			case c.Name == "IDLE" && c.Session.Mailbox() == nil && !b.notify: // NOTIFY tells of others in IDLE, too
				t.Error("IDLE with nothing selected")
			}
			return imaptest.Pass
		})
		b.outage(func() { b.box.Append(mail("meanwhile")) })
		b.wait(8 * time.Minute) // three sweeps, where the connection is shared
		b.tells("new 1 meanwhile")
		b.box.Append(mail("pushed"))
		b.tells("new 2 pushed")
	})
}

// TestTrap13UIDValidityIgnored: UIDs from before a renumbering are taken for messages of now.
func TestTrap13UIDValidityIgnored(t *testing.T) {
	everyRung(t, func(t *testing.T, b *bench) {
		b.start()
		b.fill(2)
		ids := map[string]string{}
		note := func() (lines []string) {
			for _, ev := range b.take() {
				if ev.Mailbox != "INBOX" || ev.Type == watch.Link || ev.Type == watch.MailboxOpen {
					continue
				}
				text := fmt.Sprint(ev.UIDValidity, " ", line(ev))
				if was, twice := ids[ev.ID]; twice {
					t.Errorf("id %s is %q and %q", ev.ID, was, text)
				}
				ids[ev.ID] = text
				lines = append(lines, text)
			}
			return lines
		}
		note()
		was := b.box.Snapshot().UIDValidity
		var now uint32
		b.outage(func() {
			b.box.Expunge(1)
			now = b.box.ResetUIDValidity()
			b.box.Append(mail("in the gap"))
		})
		b.wait(time.Minute)
		b.box.Expunge(1)
		got := note()
		want := []string{fmt.Sprintf("%d reset %d -> %d", now, was, now), fmt.Sprint(now, " new 2 in the gap"), fmt.Sprint(now, " expunge 1")}
		for i, l := range got { // what is gone may be told by its subject or not
			got[i] = strings.TrimSuffix(l, " m2")
		}
		if !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
	})
}

// TestTrap14VanishedInsteadOfExpunge: with QRESYNC, EXPUNGE never comes, and a list that waits for it only grows.
func TestTrap14VanishedInsteadOfExpunge(t *testing.T) {
	everyWay(t, nil, func(t *testing.T, b *bench) {
		b.fill(10)
		b.start()
		b.take()
		b.box.Expunge(3, 4, 5)
		b.box.Append(mail("the eighth"))
		b.tells("expunge 3", "expunge 4", "expunge 5", "new 11 the eighth")
		b.box.Expunge(11)
		b.box.Append(mail("the eighth again")) // EXISTS says the same number
		b.tells("expunge 11 the eighth", "new 12 the eighth again")
		if trace := b.trace.String(); !b.notify && !strings.Contains(trace, "* VANISHED 3:5") || strings.Contains(trace, " EXPUNGE") {
			t.Error("the server did not say VANISHED")
		}
	})
}

// TestTrap15NothingPersisted: what is known is in memory alone, and mail from while the program was down is "old".
func TestTrap15NothingPersisted(t *testing.T) {
	everyRung(t, func(t *testing.T, b *bench) {
		dir := t.TempDir()
		b.fill(2)
		for i := range 3 {
			b.opts.Store = watch.FileStore{Dir: dir} // nothing else outlives the sequence
			b.start()
			want := []string{}
			if i > 0 {
				want = append(want, fmt.Sprintf("new %d while down %d", i+2, i))
			}
			b.tells(want...)
			if err := b.stop(); !errors.Is(err, context.Canceled) {
				t.Errorf("ended with %v", err)
			}
			b.box.Append(mail(fmt.Sprint("while down ", i+1)))
		}
	})
}

// TestTrap16OneMailboxPerConnection: as many connections as mailboxes, until the server refuses.
func TestTrap16OneMailboxPerConnection(t *testing.T) {
	var names []string
	for i := range 53 {
		names = append(names, fmt.Sprint("box", i))
	}
	inAccount(t, nil, func(b *bench) {
		b.account.MaxConnections = 3
		b.account.Hot = names
		var mu sync.Mutex
		most := 0
		b.server.SetOnCommand(func(imaptest.Command) imaptest.Verdict {
			mu.Lock()
			defer mu.Unlock()
			most = max(most, len(b.server.Sessions()))
			return imaptest.Pass
		})
		b.start()
		if n := len(b.take()); n != 54 {
			t.Errorf("%d mailboxes were opened, want 54", n)
		}
		want := map[string]bool{}
		for _, n := range names {
			b.user.Mailbox(n).Append(mail("to " + n))
			want["new 1 to "+n] = true
		}
		b.wait(2*time.Minute + time.Second)
		for _, ev := range b.take() {
			if !want[line(ev)] {
				t.Errorf("unexpected or twice: %s", line(ev))
			}
			delete(want, line(ev))
		}
		mu.Lock()
		defer mu.Unlock()
		if len(want) > 0 || most > 3 {
			t.Errorf("%d messages missing, up to %d connections", len(want), most)
		}
	}, names...)
}

// TestTrap17EverythingIsFetchedAtTheStart: envelope and structure of the whole mailbox, before anything is watched.
func TestTrap17EverythingIsFetchedAtTheStart(t *testing.T) {
	const n = 2000
	everyWay(t, nil, func(t *testing.T, b *bench) {
		b.fill(n)
		b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
			if asksContent(c) {
				t.Error("what the old messages are was fetched")
			}
			return imaptest.Pass
		})
		sent := func() (bytes int64) {
			b.start()
			b.take()
			for _, s := range b.server.Sessions() {
				bytes += s.Sent()
			}
			b.stop()
			return bytes
		}
		if first := sent(); first > 80*n {
			t.Errorf("the first start cost %d bytes for %d messages", first, n)
		}
		if again := sent(); again > 5000 {
			t.Errorf("a start with nothing new cost %d bytes", again)
		}
	})
}

// TestTrap18CallThatDoesNotEnd: a call waits for the server, whatever happens to its context, and takes others with it.
func TestTrap18CallThatDoesNotEnd(t *testing.T) {
	for _, name := range []string{"LOGIN", "ENABLE", "LIST", "EXAMINE", "UID FETCH", "STATUS", "IDLE", "DONE"} {
		t.Run(name, func(t *testing.T) {
			everyWay(t, nil, func(t *testing.T, b *bench) {
				b.on(name, imaptest.DelayUntil(t.Context().Done()))
				b.fill(1)
				b.start()
				b.box.Append(mail("one"))
				b.wait(20 * time.Second)
				began := time.Now()
				b.stop()
				if took := time.Since(began); took > 11*time.Second {
					t.Errorf("the sequence ended %v after its context", took)
				}
			})
		})
	}
	t.Run("manager", func(t *testing.T) {
		inManager(t, watch.ManagerOptions{Active: 5}, func(b *managed) {
			for i := range 4 {
				b.add(fmt.Sprint("stuck", i), "INBOX")
			}
			fine := b.add("fine", "INBOX")
			b.wait(0)
			b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
				if u := c.Session.User(); u != nil && u.Name() != "fine" {
					return imaptest.Ignore
				}
				return imaptest.Pass
			})
			for i := range 4 {
				b.server.AddUser(fmt.Sprint("stuck", i), "secret").Mailbox("INBOX").Append(mail("stuck"))
			}
			b.wait(time.Second)
			b.mu.Lock()
			b.events = nil
			b.mu.Unlock()
			fine.Mailbox("INBOX").Append(mail("not held up"))
			b.expect("fine INBOX: new 1 not held up")
			b.server.SetOnCommand(nil)
		})
	})
}

// TestTrap19StaleCredentials: the token of the first login is used for all others, and is out of date by then.
func TestTrap19StaleCredentials(t *testing.T) {
	everyWay(t, nil, func(_ *testing.T, b *bench) {
		var n atomic.Int32 // tokens so far
		token := func() string { return fmt.Sprint("token", n.Load()) }
		renew := func() {
			n.Add(1)
			b.user.SetPassword(token())
		}
		renew()
		var fail atomic.Bool
		b.opts.Login = func(ctx context.Context, c *imapclient.Conn) error {
			if fail.CompareAndSwap(true, false) {
				return errors.New("the token endpoint cannot be reached")
			}
			return c.Login(ctx, "jo", token())
		}
		b.start()
		b.take()
		b.outage(func() {
			renew()
			b.box.Append(mail("with a new token"))
		})
		b.tells("new 1 with a new token")
		b.setDown(true)
		fail.Store(true)
		b.cutAll()
		renew()
		b.box.Append(mail("after the endpoint was back"))
		b.setDown(false)
		b.wait(10 * time.Minute)
		b.tells("new 2 after the endpoint was back")
	})
}

// TestTrap20PollingByNoop: once a minute whatever the user wants, and only what the server feels like saying.
func TestTrap20PollingByNoop(t *testing.T) {
	t.Run("interval", func(t *testing.T) {
		everyWay(t, imap.Capabilities{imap.CapIdle}, func(_ *testing.T, b *bench) {
			b.opts.Client.PollInterval = 10 * time.Second
			b.fill(2)
			b.start()
			b.take()
			b.box.Append(mail("polled"))
			b.box.AddFlags(1, imap.FlagSeen)
			b.box.Expunge(2)
			b.wait(10*time.Second + time.Millisecond)
			b.tells("expunge 2", `flags 1 [+\Seen]`, "new 3 polled")
		})
	})
	t.Run("NOOP says nothing", func(t *testing.T) {
		everyWay(t, imap.Capabilities{imap.CapIdle}, func(_ *testing.T, b *bench) {
			b.fill(2)
			b.start()
			b.take()
			// Commands are answered, but the selected mailbox stands still.
			mute := func(c imaptest.Command) imaptest.Verdict {
				switch c.Name {
				case "NOOP":
					return imaptest.Reply("{tag} OK done\r\n")
				case "STATUS":
					snap := b.box.Snapshot()
					return imaptest.Reply(fmt.Sprintf("* STATUS INBOX (MESSAGES %d UIDNEXT %d UIDVALIDITY %d)\r\n{tag} OK done\r\n",
						len(snap.Messages), snap.UIDNext, snap.UIDValidity))
				}
				return imaptest.Pass
			}
			b.server.SetOnCommand(mute)
			b.box.Append(mail("unheard"))
			b.box.Expunge(1)
			b.wait(10*time.Minute + time.Second)
			b.tells("expunge 1", "new 3 unheard")
			b.box.Append(mail("again"))
			b.wait(10*time.Minute + time.Second)
			b.tells("new 4 again")
		})
	})
}
