package e2e

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/dovecot"
	"github.com/pushmail/pushmail/e2e/pushmail"
	"github.com/pushmail/pushmail/e2e/rawimap"
)

var seed = flag.Uint64("seed", 0, "seed of the random tests; 0 means a new one, which is printed")

func newRand(t *testing.T) *rand.Rand {
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("repeat with: go test ./e2e -run '^%s$' -seed %d", t.Name(), s)
	return rand.New(rand.NewPCG(s, 0))
}

// TestNoMessageIsLostWhenPushmailIsKilled kills pushmail (-9) at random moments while three writers fill the mailbox. Each
// message must have been reported at least once, under one id with one content.
func TestNoMessageIsLostWhenPushmailIsKilled(t *testing.T) {
	t.Parallel()
	const kills, writers = 15, 3
	random := newRand(t)
	a := newAccount(t, shared.get(t))
	a.watch().Stop(t) // the first start knows of nothing: from here on nothing may be lost
	var events []pushmail.Event

	stop := make(chan struct{})
	var delivered [writers]int
	var running sync.WaitGroup
	for w := range writers {
		running.Go(func() { delivered[w] = a.write(w, stop) })
	}
	for range kills {
		r := a.start(a.url(a.server.IMAPS, "INBOX"))
		time.Sleep(time.Duration(50+random.IntN(750)) * time.Millisecond) // the moment of the crash, before or after it is ready
		r.Kill()
		events = append(events, r.Events()...)
	}
	close(stop)
	running.Wait()

	missing := map[string]bool{}
	for w, n := range delivered {
		for i := range n {
			missing[subjectOf(w, i)] = true
		}
	}
	for _, e := range events {
		if e.Type == pushmail.New {
			delete(missing, e.MessageSubject())
		}
	}
	// Dovecot's Maildir may show what LMTP has delivered long after what came later: a last message is no sign that all are there.
	r := a.watch()
	if len(missing) > 0 {
		r.WaitFor(t, patience, "the messages that are not reported yet", func(e pushmail.Event) bool {
			if e.Type == pushmail.New {
				delete(missing, e.MessageSubject())
			}
			return len(missing) == 0
		})
	}
	r.Stop(t)
	events = append(events, r.Events()...)

	ids := idsOfNew(t, events)
	for w, n := range delivered {
		for i := range n {
			if subject := subjectOf(w, i); len(ids[subject]) != 1 {
				t.Errorf("message %q was reported under %d ids, want 1", subject, len(ids[subject]))
			}
		}
	}
	total := delivered[0] + delivered[1] + delivered[2]
	if len(ids) != total {
		t.Errorf("%d messages are reported, want %d", len(ids), total)
	}
	t.Logf("%d messages, %d kills, %d events", total, kills, len(events))
}

// TestNoMessageIsLostBehindAStuckReader kills pushmail (-9) while it waits for a reader of its output that has stopped reading: what
// it could not hand over is not done.
func TestNoMessageIsLostBehindAStuckReader(t *testing.T) {
	t.Parallel()
	const messages = 400 // far more than a pipe holds
	a := newAccount(t, shared.get(t))
	a.watch().Stop(t)
	var mails [][]byte
	for i := range messages {
		mails = append(mails, mail(subjectOf(0, i)))
	}
	_, err := a.session("INBOX").AppendMany("INBOX", mails)
	check(t, err)

	var events []pushmail.Event
	for range 3 {
		r := pushmail.Start(t, pushmail.Options{
			Args: a.args(a.url(a.server.IMAPS, "INBOX")), Env: []string{"PUSHMAIL_PASSWORD=" + dovecot.Password}, StuckAfter: 2,
		})
		r.WaitFor(t, patience, "open event", pushmail.Is(pushmail.Open))
		time.Sleep(1500 * time.Millisecond) // it runs into the full pipe, and may save what it should not
		r.Kill()
		events = append(events, r.Events()...)
	}
	r := a.watch()
	a.waitNew(r, subjectOf(0, messages-1))
	r.Stop(t)
	ids := idsOfNew(t, append(events, r.Events()...))
	for i := range messages {
		if n := len(ids[subjectOf(0, i)]); n != 1 {
			t.Errorf("message %d was reported under %d ids, want 1", i, n)
		}
	}
}

// TestFirstStartThatIsKilledAtOnceIsRemembered: once pushmail has said that a mailbox is open, all that comes is new, even if it is
// killed that very moment.
func TestFirstStartThatIsKilledAtOnceIsRemembered(t *testing.T) {
	t.Parallel()
	a := newAccount(t, shared.get(t))
	a.watch().Kill()
	a.deliver("right after")
	r := a.watch()
	a.waitNew(r, "right after")
	r.Stop(t)
}

func subjectOf(writer, i int) string { return fmt.Sprintf("writer %d message %d", writer, i) }

// write stores messages until stop is closed and returns how many. Writer 0 uses LMTP, the others APPEND.
func (a *account) write(writer int, stop <-chan struct{}) int {
	store := func(subject string) error { return a.server.Deliver(a.user, mail(subject)) }
	if writer > 0 {
		s, err := a.login()
		if err != nil {
			a.t.Error(err)
			return 0
		}
		defer s.Close()
		store = func(subject string) error { return appendTo(s, subject) }
	}
	pause := time.NewTicker(15 * time.Millisecond)
	defer pause.Stop()
	for i := 0; ; i++ {
		select {
		case <-stop:
			return i
		case <-pause.C:
		}
		if err := store(subjectOf(writer, i)); err != nil {
			a.t.Error(err)
			return i
		}
	}
}

func appendTo(s *rawimap.Session, subject string) error {
	_, err := s.Append("INBOX", mail(subject))
	return err
}
