package soak

import (
	"fmt"
	"slices"
	"time"

	"github.com/pushmail/pushmail/e2e/pushmail"
)

// tally is what came of a run.
type tally struct {
	ids     map[key]string   // the id of each message that was reported
	timed   map[string]bool  // subjects of messages that were reported: one that gets another UID is reported once more
	reused  int              // messages that were given the UID of another one
	first   map[string]event // what was reported under an id, and in which run of the program
	late    []time.Duration  // from the server's word that it has stored a message to the event
	again   int              // events told again after a crash, under the same id
	resets  int
	wrong   []string // two ids for one message, one id for two things, one id twice in one run
	servers int      // kills of the server
	network int      // faults of the network
	program int      // kills of the program
}

// key names a message: Courier gives a UID to another message when it was killed.
type key struct {
	validity, uid uint32
	subject       string
}

type event struct {
	content string
	run     int
}

func newTally() *tally {
	return &tally{ids: map[key]string{}, timed: map[string]bool{}, first: map[string]event{}}
}

// add takes the events of one run of the program.
func (c *tally) add(run int, events []pushmail.Event, stored map[string]time.Time) {
	for _, e := range events {
		switch e.Type {
		case pushmail.Reset:
			c.resets++
		case pushmail.New:
			c.message(run, e, stored)
		}
	}
}

func (c *tally) message(run int, e pushmail.Event, stored map[string]time.Time) {
	if was, told := c.first[e.ID]; told {
		c.again++
		if was.content != e.Content() {
			c.wrong = append(c.wrong, fmt.Sprintf("id %s is %s and %s", e.ID, was.content, e.Content()))
		}
		if was.run == run {
			c.wrong = append(c.wrong, "twice in one run of the program: "+e.Raw)
		}
		return
	}
	c.first[e.ID] = event{e.Content(), run}
	k := key{e.Data.UIDValidity, e.Data.UID, e.MessageSubject()}
	if id, told := c.ids[k]; told {
		c.wrong = append(c.wrong, fmt.Sprintf("message %v has the ids %s and %s", k, id, e.ID))
	}
	c.ids[k] = e.ID
	if e.Data.Reuse != "" {
		c.reused++
	}
	at, err := time.Parse(time.RFC3339Nano, e.Time)
	if err != nil {
		c.wrong = append(c.wrong, err.Error())
	}
	if when, ok := stored[e.MessageSubject()]; ok && !c.timed[e.MessageSubject()] {
		c.timed[e.MessageSubject()] = true
		c.late = append(c.late, max(0, at.Sub(when)))
	}
}

// lost returns the messages of the mailbox that were not reported: those that were before the mailbox was renumbered are known.
func (c *tally) lost(validity uint32, messages map[uint32]string) (lost []uint32) {
	before := map[string]bool{}
	for k := range c.ids {
		before[k.subject] = before[k.subject] || k.validity != validity
	}
	for uid, subject := range messages {
		if c.ids[key{validity, uid, subject}] == "" && !before[subject] {
			lost = append(lost, uid)
		}
	}
	slices.Sort(lost)
	return lost
}

// within is how late the given share of messages was at most.
func (c *tally) within(share float64) time.Duration {
	if len(c.late) == 0 {
		return 0
	}
	slices.Sort(c.late)
	return c.late[min(int(share*float64(len(c.late))), len(c.late)-1)].Round(time.Millisecond)
}

const heading = "| server | time | messages | kills of server, network, program | lost | wrong ids | told again | UIDs reused | resets | late p50 | p99 | max |"

func (c *tally) row(name string, took time.Duration, messages, lost int) string {
	return fmt.Sprintf("| %s | %v | %d | %d, %d, %d | %d | %d | %d | %d | %d | %v | %v | %v |", name, took.Round(time.Second), messages,
		c.servers, c.network, c.program, lost, len(c.wrong), c.again, c.reused, c.resets, c.within(0.5), c.within(0.99), c.within(1))
}
