package e2e

import (
	"testing"

	"github.com/pushmail/pushmail/e2e/pushmail"
)

func TestMailWhileDownIsReportedOnceAtNextStart(t *testing.T) {
	t.Parallel()
	a := newAccount(t, shared.get(t))
	var all []pushmail.Event
	finish := func(r *pushmail.Run) {
		t.Helper()
		r.Stop(t)
		all = append(all, r.Events()...)
	}

	r := a.watch()
	a.deliver("while up")
	a.waitNew(r, "while up")
	finish(r)

	a.deliver("while down 1")
	a.deliver("while down 2")
	r = a.watch()
	if open := r.Events()[0]; !open.Data.Resumed {
		t.Errorf("the open event of the second start does not say that it resumed: %s", open.Raw)
	}
	a.waitNew(r, "while down 1")
	a.waitNew(r, "while down 2")
	finish(r)

	r = a.watch() // nothing happened in between
	a.deliver("up again")
	a.waitNew(r, "up again")
	finish(r)

	ids := idsOfNew(t, all)
	for _, subject := range []string{"while up", "while down 1", "while down 2", "up again"} {
		if n := len(ids[subject]); n != 1 {
			t.Errorf("%q was reported under %d ids, want 1", subject, n)
		}
	}
	repeated := 0
	for _, reports := range ids {
		for _, n := range reports {
			repeated += n - 1
		}
	}
	if repeated > 0 {
		t.Errorf("%d reports were repeated although pushmail was always stopped in peace", repeated)
	}
}

// idsOfNew counts the reports of each arrived message by event id, and wants equal ids to have equal contents.
func idsOfNew(t *testing.T, events []pushmail.Event) map[string]map[string]int {
	t.Helper()
	contents := map[string]string{}
	ids := map[string]map[string]int{}
	for _, e := range events {
		if e.Type != pushmail.New {
			continue
		}
		if before, known := contents[e.ID]; known && before != e.Content() {
			t.Errorf("id %s has two contents:\n%s\n%s", e.ID, before, e.Content())
		}
		contents[e.ID] = e.Content()
		if ids[e.MessageSubject()] == nil {
			ids[e.MessageSubject()] = map[string]int{}
		}
		ids[e.MessageSubject()][e.ID]++
	}
	return ids
}
