package e2e

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

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

	a.deliver("the last one")
	r := a.watch()
	a.waitNew(r, "the last one")
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
	total := delivered[0] + delivered[1] + delivered[2] + 1
	if len(ids) != total {
		t.Errorf("%d messages are reported, want %d", len(ids), total)
	}
	t.Logf("%d messages, %d kills, %d events", total, kills, len(events))
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
