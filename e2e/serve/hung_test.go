package serve

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// flood has messages arrive in all mailboxes and returns their subjects.
func (s *site) flood(word string, each int) map[string]bool {
	all := map[string]bool{}
	for n := range each {
		for i := range s.users {
			subject := fmt.Sprintf("%s %s no %d", user(i), word, n)
			s.inbox(i).Append(mail(subject))
			all[subject] = true
		}
	}
	return all
}

// A webhook that takes connections and never answers holds up nobody else; when it answers again it gets everything.
func TestHungEndpointDelaysOnlyItself(t *testing.T) {
	t.Parallel()
	hung, well := startReceiver(t), startReceiver(t)
	hung.be(always(hangs))
	s := newSite(t, 4, "")
	s.add(webhook("hung", hung, "timeout = \"2s\"\nretry = [\"100ms\", \"1s\", \"1s\", \"1s\", \"10m\", \"10m\"]") + webhook("well", well, "") + s.fileSink("file"))
	r := s.serve()
	all := s.flood("first", 20)
	s.awaitAll(r, all, map[string]func() log{"the other webhook": well.has, "the file": s.lines("file")})
	if n := len(hung.has()); n > 0 || hung.requests() == 0 {
		t.Fatalf("the webhook that hangs has %d events of %d requests: it does not hang", n, hung.requests())
	}
	s.awaitUp(r, "user0", "user1", "user2", "user3") // neither does it hold up the mailboxes
	eventually(t, r, func() string {
		if k := s.sinkNamed("hung"); k.State != "retrying" || k.Backlog == 0 && k.Trouble == nil {
			return fmt.Sprintf("the sink that hangs is %+v", k)
		}
		return ""
	})
	hung.be(always(takes))
	s.awaitAll(r, all, map[string]func() log{"the webhook that hung": hung.has})
	hung.has().check(t, "hung", all)
	well.has().check(t, "well", all)
	r.Stop(t)
}

// A webhook that answers 410 gets nothing more, over a restart too, until somebody resumes it; then it gets the rest.
func TestGoneEndpointIsDisabledUntilResumed(t *testing.T) {
	t.Parallel()
	gone, well := startReceiver(t), startReceiver(t)
	s := newSite(t, 3, "")
	s.add(webhook("gone", gone, `retry = ["10ms", "10ms", "10ms"]`) + webhook("well", well, ""))
	r := s.serve()
	all := s.flood("before", 3)
	s.awaitAll(r, all, map[string]func() log{"gone": gone.has, "well": well.has})
	gone.be(always(isGone))
	for subject := range s.flood("after", 5) {
		all[subject] = true
	}
	s.awaitAll(r, all, map[string]func() log{"well": well.has})
	disabled := func() string {
		if k := s.sinkNamed("gone"); k.State != "disabled" {
			return fmt.Sprintf("the sink is %+v", k)
		}
		return ""
	}
	eventually(t, r, disabled)
	explained(t, "the sink", s.sinkNamed("gone").Trouble, "sink_disabled", "410", "resume")
	if s.sinkNamed("well").State != "up" {
		t.Errorf("the other sink: %+v", s.sinkNamed("well"))
	}
	r.Stop(t)
	was := gone.requests()
	gone.be(always(takes))
	r = s.serve()
	s.awaitUp(r, "user0", "user1", "user2")
	if why := disabled(); why != "" {
		t.Errorf("after a restart %s", why)
	}
	time.Sleep(quiet)
	if n := gone.requests(); n != was {
		t.Errorf("%d requests to a webhook that is disabled", n-was)
	}
	s.ask(http.StatusNoContent, "POST", "/v1/sinks/gone/resume", nil, nil)
	s.awaitAll(r, all, map[string]func() log{"gone": gone.has})
	gone.has().check(t, "gone", all)
	if k := s.sinkNamed("gone"); k.State != "up" {
		t.Errorf("resumed, the sink is %+v", k)
	}
	r.Stop(t)
}
