package serve

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// deadLetter is what the API tells of an event that was given up.
type deadLetter struct {
	Sink     string `json:"sink"`
	Position int64  `json:"position"`
	Attempts int    `json:"attempts"`
	Error    string `json:"error"`
	Event    event  `json:"event"`
}

// At the end of the schedule an event is a dead letter: the API shows it with the reason, what comes after it goes on, and it can be
// sent once more, with its id, or dropped.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	hook := startReceiver(t)
	s := newSite(t, 2, "")
	s.add(webhook("hook", hook, `retry = ["10ms", "20ms", "40ms"]`) + "[[route]]\nwhere = 'type == \"mail.message.new\"'\nto = [\"hook\"]\n")
	hook.be(always(failsInside))
	r := s.serve()
	s.awaitUp(r, "user0", "user1")
	all := s.flood("dead", 2)
	letters := func(sink string) []deadLetter { return items[deadLetter](s, "/v1/deadletters?sink="+sink) }
	eventually(t, r, func() string {
		if n := len(letters("hook")); n != len(all) {
			return fmt.Sprintf("%d of %d events are dead letters", n, len(all))
		}
		return ""
	})
	for _, d := range letters("hook") {
		if d.Attempts != 4 || !strings.Contains(d.Error, "500") || !all[d.Event.Data.Envelope.Subject] || d.Sink != "hook" {
			t.Errorf("%+v", d)
		}
	}
	if n := hook.requests(); n != 4*len(all) {
		t.Errorf("%d requests for %d events, want 4 for each", n, len(all))
	}
	k := s.sinkNamed("hook")
	explained(t, "the sink", k.Trouble, "sink_dead_letters", "replay")
	if k.DeadLetters != len(all) || len(hook.has()) != 0 {
		t.Errorf("%+v, delivered %v", k, hook.has())
	}

	hook.be(always(takes))
	next := s.flood("alive", 1)
	s.awaitAll(r, next, map[string]func() log{"hook": hook.has})
	first := letters("hook")[0]
	s.ask(http.StatusOK, "POST", "/v1/deadletters/replay", map[string]any{"sink": "hook", "positions": []int64{first.Position}}, nil)
	s.awaitAll(r, set(first.Event.Data.Envelope.Subject), map[string]func() log{"hook": hook.has})
	if n := times(hook.has(), first.Event.ID); n != 1 {
		t.Errorf("the event came %d times under its id", n)
	}
	r.Stop(t)
	r = s.serve() // they are in the journal
	s.awaitUp(r, "user0", "user1")
	second := letters("hook")[0]
	s.ask(http.StatusOK, "POST", "/v1/deadletters/drop", map[string]any{"sink": "hook", "positions": []int64{second.Position}}, nil)
	delete(all, second.Event.Data.Envelope.Subject)
	if stdout, _ := s.run(0, "replay", "hook", "--dead-letters"); !strings.Contains(stdout, "2 events") {
		t.Errorf("pushmail replay: %s", stdout)
	}
	s.awaitAll(r, all, map[string]func() log{"hook": hook.has})
	eventually(t, r, func() string {
		if k := s.sinkNamed("hook"); k.DeadLetters != 0 || k.State != "up" || k.Trouble != nil {
			return fmt.Sprintf("%+v", k)
		}
		return ""
	})
	if n := hook.has().missing(set(second.Event.Data.Envelope.Subject)); n != 1 {
		t.Error("an event that was dropped came all the same")
	}
	r.Stop(t)
}
