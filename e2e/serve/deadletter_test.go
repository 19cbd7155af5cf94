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

// An event that a receiver does not take holds up its mailbox. The command shows it and gives it up, and the next one comes at once; a
// status that was configured gives up by itself.
func TestEventsThatAreRefusedAreSkipped(t *testing.T) {
	t.Parallel()
	hook, strict := startReceiver(t), startReceiver(t)
	s := newSite(t, 2, "")
	s.add(webhook("hook", hook, `retry = ["1h"]`) + webhook("strict", strict, `retry = ["1h"]`+"\ngive_up_on = [422]") +
		"[[route]]\nwhere = 'type == \"mail.message.new\"'\nto = [\"hook\", \"strict\"]\n")
	hook.be(always(failsInside))
	strict.be(always(refuses))
	r := s.serve()
	s.awaitUp(r, "user0", "user1")
	first := s.flood("one", 1)
	eventually(t, r, func() string {
		if k, l := s.sinkNamed("hook"), s.sinkNamed("strict"); k.Failing != 2 || l.DeadLetters != 2 {
			return fmt.Sprintf("%+v, %+v", k, l)
		}
		return ""
	})
	hook.be(always(takes))
	strict.be(always(takes))
	next := s.flood("two", 1)
	s.awaitAll(r, next, map[string]func() log{"strict": strict.has})
	if n := hook.has().missing(next); n != 2 {
		t.Errorf("%d of 2 events have passed those before them", 2-n)
	}
	explained(t, "the sink", s.sinkNamed("hook").Trouble, "sink_mailbox_retrying", "skip")
	stdout, _ := s.run(0, "skip", "hook")
	if !strings.Contains(stdout, "user1") || !strings.Contains(stdout, "500") || strings.Count(stdout, "1 attempt, the next in") != 2 {
		t.Errorf("pushmail skip: %s", stdout)
	}
	id, _, _ := strings.Cut(stdout, " ")
	s.run(0, "skip", "hook", "--id", id)
	if _, stderr := s.run(1, "skip", "hook", "--id", id); !strings.Contains(stderr, "has not failed") {
		t.Errorf("skipping it again: %s", stderr)
	}
	if _, stderr := s.run(2, "skip", "hook", "--id", id, "--all"); !strings.Contains(stderr, "--all") {
		t.Errorf("skipping some and all: %s", stderr)
	}
	if stdout, _ := s.run(0, "skip", "hook", "--all"); !strings.Contains(stdout, "1 event given up") {
		t.Errorf("skipping all: %s", stdout)
	}
	s.awaitAll(r, next, map[string]func() log{"hook": hook.has})
	s.run(0, "replay", "hook", "--dead-letters")
	s.awaitAll(r, first, map[string]func() log{"hook": hook.has})
	if stdout, _ := s.run(0, "skip", "hook"); !strings.Contains(stdout, "no event") {
		t.Errorf("in the end: %s", stdout)
	}
	r.Stop(t)
}
