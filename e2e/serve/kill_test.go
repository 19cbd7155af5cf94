package serve

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

var (
	seed  = flag.Uint64("seed", 0, "seed of the random tests; 0 means a new one, which is printed")
	kills = flag.Int("kills", 200, "how often pushmail is killed")
)

func newRand(t *testing.T) *rand.Rand {
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("repeat with: go test ./e2e/serve -run '^%s$' -seed %d", t.Name(), s)
	return rand.New(rand.NewPCG(s, 0))
}

// killSinks are a webhook whose receiver fails in every way, one that says that it is gone, and a file.
const killSinks = `
[[sink]]
name = "hook"
type = "webhook"
url = %q
secret = "env:PUSHMAIL_TEST_SECRET"
timeout = "500ms"
allow = ["127.0.0.0/8"]
retry = ["10ms", "20ms", "50ms", "100ms", "100ms", "100ms", "100ms", "200ms", "200ms", "200ms", "200ms", "200ms", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s"]

[[sink]]
name = "file"
type = "file"
path = %q
max_size = "64KiB"
`

// TestNothingIsLostWhenTheDaemonIsKilled kills pushmail (-9) at random moments, while mail arrives and while the webhook fails, stalls
// and hangs up. In the end each sink has every message, those of a mailbox in order, and repetitions under the same id.
func TestNothingIsLostWhenTheDaemonIsKilled(t *testing.T) {
	const users = 5
	random := newRand(t)
	hook := startReceiver(t)
	hook.be(moody(rand.New(rand.NewPCG(random.Uint64(), 1))))
	s := newSite(t, users, "")
	s.add(fmt.Sprintf(killSinks, hook.URL, filepath.Join(s.dir, "events.jsonl")))
	files := filepath.Join(s.dir, "events*.jsonl") // what is set aside is events-TIME.jsonl

	stop := make(chan struct{})
	sent := make([]map[string]bool, users)
	var writers sync.WaitGroup
	for i := range users {
		pace := rand.New(rand.NewPCG(random.Uint64(), uint64(i)))
		writers.Go(func() { sent[i] = s.writeMail(i, pace, stop) })
	}
	began := time.Now()
	for range *kills {
		r := s.serve()
		time.Sleep(time.Duration(20+random.IntN(400)) * time.Millisecond) // the moment of the crash, before or after it is ready
		if !r.Running() {
			t.Fatalf("pushmail has ended by itself: %s", r.Stderr())
		}
		r.Kill()
	}
	close(stop)
	writers.Wait()
	took := time.Since(began)

	all := map[string]bool{}
	for _, subjects := range sent {
		for subject := range subjects {
			all[subject] = true
		}
	}
	hook.be(always(takes))
	r := s.serve()
	s.awaitUp(r, "user0", "user1", "user2", "user3", "user4")
	eventually(t, r, func() string {
		if h, f := hook.has().missing(all), fileLog(t, files).missing(all); h+f > 0 {
			return fmt.Sprintf("of %d messages the webhook lacks %d, the file %d: %s", len(all), h, f, r.Stderr())
		}
		return ""
	})
	r.Stop(t)
	h := hook.has().check(t, "webhook", all)
	f := fileLog(t, files).check(t, "file", all)
	t.Logf("%d messages, %d kills in %v; repeated: webhook %d, file %d", len(all), *kills, took.Round(time.Second), h, f)
}

// writeMail fills the mailbox of a user until stop is closed, and returns the subjects.
func (s *site) writeMail(i int, pace *rand.Rand, stop <-chan struct{}) map[string]bool {
	sent := map[string]bool{}
	for n := 0; ; n++ {
		select {
		case <-stop:
			return sent
		case <-time.After(time.Duration(pace.IntN(200)) * time.Millisecond):
		}
		subject := fmt.Sprintf("%s no %d", user(i), n)
		s.inbox(i).Append(mail(subject))
		sent[subject] = true
	}
}
