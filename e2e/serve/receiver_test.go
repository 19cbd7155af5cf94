package serve

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// signingSecret is what webhooks are signed with: 24 bytes, as Standard Webhooks wants them at least.
const signingSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// mood says how a receiver answers a request.
type mood int

const (
	takes        mood = iota // 200
	takesAndDies             // it has the event, and the connection ends without an answer
	dies                     // the connection ends, and the event is lost
	failsInside              // 500
	refuses                  // 422
	isBusy                   // 429
	hangs                    // no answer in time
	isGone                   // 410
)

// receiver is the endpoint of a webhook: it believes only what is signed, answers as its mood is, and notes what it has taken.
type receiver struct {
	*httptest.Server
	t     *testing.T
	wh    *standardwebhooks.Webhook
	quit  chan struct{}
	mu    sync.Mutex
	moods func() mood     // guarded by mu
	taken log             // guarded by mu
	asked int             // guarded by mu: how many requests have come
	hold  <-chan struct{} // guarded by mu: answers wait for it; nil is nothing
}

// startReceiver starts a receiver that takes everything.
func startReceiver(t *testing.T) *receiver {
	wh, err := standardwebhooks.NewWebhook(signingSecret)
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{t: t, wh: wh, quit: make(chan struct{}), moods: always(takes)}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(func() {
		close(r.quit)
		r.CloseClientConnections()
		r.Close()
	})
	return r
}

// be changes how the receiver answers. moods is not called by two requests at the same time.
func (r *receiver) be(moods func() mood) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.moods = moods
}

// moody returns moods at random: one in three is good.
func moody(random *rand.Rand) func() mood {
	all := []mood{takes, takes, takes, takesAndDies, dies, failsInside, isBusy, hangs}
	return func() mood { return all[random.IntN(len(all))] }
}

func (r *receiver) serve(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // it was killed in the middle of a request
	}
	if err := r.wh.Verify(body, req.Header); err != nil {
		r.t.Errorf("webhook: not signed as it should be: %v", err)
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var ev event
	if err := json.Unmarshal(body, &ev); err != nil {
		r.t.Errorf("webhook: %v: %s", err, body)
		return
	}
	if id := req.Header.Get("webhook-id"); id != ev.ID {
		r.t.Errorf("webhook-id is %q, the id of the event %q", id, ev.ID)
	}
	m, hold := r.react(ev)
	if hold != nil {
		select {
		case <-hold:
		case <-r.quit: // a test that failed does not release it
		}
	}
	switch m {
	case takes:
		w.WriteHeader(http.StatusNoContent)
	case failsInside:
		http.Error(w, "out of order", http.StatusInternalServerError)
	case refuses:
		http.Error(w, "no such customer", http.StatusUnprocessableEntity)
	case isBusy:
		http.Error(w, "later", http.StatusTooManyRequests)
	case isGone:
		http.Error(w, "gone", http.StatusGone)
	case hangs:
		select {
		case <-req.Context().Done():
		case <-r.quit:
		}
		panic(http.ErrAbortHandler)
	default:
		panic(http.ErrAbortHandler) // closes the connection
	}
}

// react notes the event, if it is taken.
func (r *receiver) react(ev event) (mood, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	m := r.moods()
	if m == takes || m == takesAndDies {
		r.taken.add(ev)
	}
	return m, r.hold
}

// after has all answers from now on wait until the channel is closed.
func (r *receiver) after(hold <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hold = hold
}

// requests is how many have come.
func (r *receiver) requests() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

// always is a mood that stays.
func always(m mood) func() mood { return func() mood { return m } }

// has returns a copy of what was taken.
func (r *receiver) has() log {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append(log(nil), r.taken...)
}

// event is what a receiver reads of an event.
type event struct {
	ID     string `json:"id"`
	Type   string `json:"type"`
	Source string `json:"source"`
	Data   struct {
		Account  string `json:"account"`
		UID      uint32 `json:"uid"`
		Envelope struct {
			Subject string `json:"subject"`
		} `json:"envelope"`
	} `json:"data"`
}

// log is what a sink was given, in the order in which it came.
type log []event

func (l *log) add(ev event) { *l = append(*l, ev) }

// missing returns how many of the subjects are not in the log.
func (l log) missing(subjects map[string]bool) int {
	seen := map[string]bool{}
	for _, ev := range l {
		if ev.Type == "mail.message.new" && subjects[ev.Data.Envelope.Subject] {
			seen[ev.Data.Envelope.Subject] = true
		}
	}
	return len(subjects) - len(seen)
}

// check wants every subject in the log, under one id each, and the messages of each mailbox in the order of their UIDs, repetitions
// left aside. It returns how many repetitions there were.
func (l log) check(t *testing.T, sink string, subjects map[string]bool) (repeated int) {
	t.Helper()
	ids, last := map[string]string{}, map[string]uint32{}
	for _, ev := range l {
		if ev.Type != "mail.message.new" {
			continue
		}
		subject := ev.Data.Envelope.Subject
		if id, ok := ids[subject]; ok {
			repeated++
			if id != ev.ID {
				t.Errorf("%s: %q came under the ids %s and %s", sink, subject, id, ev.ID)
			}
			continue
		}
		ids[subject] = ev.ID
		if !subjects[subject] {
			t.Errorf("%s: %q was never sent", sink, subject)
		}
		if ev.Data.UID <= last[ev.Source] {
			t.Errorf("%s: UID %d of %s came after UID %d", sink, ev.Data.UID, ev.Source, last[ev.Source])
		}
		last[ev.Source] = ev.Data.UID
	}
	if n := len(subjects) - len(ids); n > 0 {
		t.Errorf("%s: %d of %d messages never came, such as %s", sink, n, len(subjects), example(subjects, ids))
	}
	return repeated
}

func example(subjects map[string]bool, have map[string]string) string {
	for s := range subjects {
		if have[s] == "" {
			return fmt.Sprintf("%q", s)
		}
	}
	return "none"
}
