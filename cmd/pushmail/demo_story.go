package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/watch"
)

// story is what happens at the server during the demo. The same seed gives the same story: each step
// waits until the one before was reported.
type story struct {
	server  *imaptest.Server
	inbox   *imaptest.Mailbox
	line    *line
	tally   *tally
	tell    func(format string, args ...any)
	dice    *rand.Rand
	every   time.Duration // the mean pause between two steps
	sent    int
	there   []known       // messages that were reported and not deleted
	offline bool          // the line is cut
	patient time.Duration // how long a report may take
}

// known is a message in the mailbox.
type known struct {
	uid  imap.UID
	name string // “Lunch?” from Mia Okafor
}

// errNotReported ends a story that went wrong.
var errNotReported = errors.New("what happened was not reported in time")

// run plays until ctx ends.
func (s *story) run(ctx context.Context) error {
	if !s.tally.wait(ctx, s.patient, func() bool { return s.tally.opened > 0 }) {
		return unlessOver(ctx, errNotReported)
	}
	opening := []func(context.Context) error{s.arrive, s.arrive, s.read, s.arrive, s.outage, s.arrive, s.remove, s.burst}
	for i := 0; s.rest(ctx) == nil; i++ {
		act := s.next()
		if i < len(opening) {
			act = opening[i]
		}
		if err := act(ctx); err != nil {
			return unlessOver(ctx, err)
		}
	}
	return nil
}

// unlessOver forgets an error that came because ctx has ended.
func unlessOver(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// next throws the dice for what happens after the opening.
func (s *story) next() func(context.Context) error {
	switch n := s.dice.IntN(20); {
	case n < 10:
		return s.arrive
	case n < 13:
		return s.read
	case n < 15:
		return s.answer
	case n < 17:
		return s.remove
	case n < 18:
		return s.burst
	}
	return s.outage
}

// rest pauses between two steps, some longer than others.
func (s *story) rest(ctx context.Context) error {
	return sleep(ctx, s.every*7/10+time.Duration(s.dice.Int64N(int64(s.every*6/10)+1)))
}

// reported waits until all that was done was reported.
func (s *story) reported(ctx context.Context) error {
	if s.offline || s.tally.wait(ctx, s.patient, s.tally.settledLocked) {
		return nil
	}
	return errNotReported
}

// deliver puts n messages into the mailbox and returns their names.
func (s *story) deliver(n int) string {
	var names []string
	var raws [][]byte
	for range n {
		l := letters[s.sent%len(letters)]
		s.sent++
		names = append(names, fmt.Sprintf("“%s” from %s", l.subject, l.name))
		raws = append(raws, l.encode(time.Now(), s.sent, s.dice))
	}
	switch {
	case s.offline:
	case n > 2:
		s.tell("the server gets %d messages at once", n)
	default:
		s.tell("the server gets %s", enumerate(names))
	}
	for i, raw := range raws {
		s.tally.do(s.offline, func() []deed {
			uid := s.inbox.Append(raw)
			s.there = append(s.there, known{uid, names[i]})
			return []deed{{watch.MessageNew, uid, ""}}
		})
	}
	return enumerate(names)
}

// enumerate is "a, b and c".
func enumerate(names []string) string {
	if n := len(names) - 1; n > 0 {
		return strings.Join(names[:n], ", ") + " and " + names[n]
	}
	return names[0]
}

func (s *story) arrive(ctx context.Context) error {
	s.deliver(1)
	return s.reported(ctx)
}

func (s *story) burst(ctx context.Context) error {
	s.deliver(3)
	return s.reported(ctx)
}

func (s *story) read(ctx context.Context) error {
	return s.flag(ctx, "somebody reads %s", imap.FlagSeen)
}

func (s *story) answer(ctx context.Context) error {
	return s.flag(ctx, "somebody answers %s", imap.FlagSeen, imap.FlagAnswered)
}

// flag sets flags on a message that has none of them, as another mail program would.
func (s *story) flag(ctx context.Context, text string, flags ...imap.Flag) error {
	has := map[imap.UID][]imap.Flag{}
	for _, m := range s.inbox.Snapshot().Messages {
		has[m.UID] = m.Flags
	}
	fit := func(k known) bool {
		set, there := has[k.uid]
		return there && !slices.ContainsFunc(flags, func(f imap.Flag) bool { return imap.HasFlag(set, f) })
	}
	i, ok := s.pick(fit)
	if !ok {
		return s.arrive(ctx)
	}
	m := s.there[i]
	s.tell(text, m.name)
	s.tally.do(s.offline, func() (done []deed) {
		s.inbox.AddFlags(m.uid, flags...)
		for _, f := range flags {
			done = append(done, deed{watch.FlagChange, m.uid, f})
		}
		return done
	})
	return s.reported(ctx)
}

func (s *story) remove(ctx context.Context) error {
	i, ok := s.pick(func(known) bool { return true })
	if !ok {
		return s.arrive(ctx)
	}
	s.tell("somebody deletes %s", s.there[i].name)
	s.removeAt(i)
	return s.reported(ctx)
}

// removeAt removes the message s.there[i].
func (s *story) removeAt(i int) {
	uid := s.there[i].uid
	s.there = slices.Delete(s.there, i, i+1)
	s.tally.do(s.offline, func() []deed {
		if s.inbox.Expunge(uid) == 0 {
			return nil // somebody else was faster
		}
		return []deed{{watch.MessageExpunge, uid, ""}}
	})
}

// pick throws the dice among the messages that fit.
func (s *story) pick(fit func(known) bool) (int, bool) {
	var fitting []int
	for i, k := range s.there {
		if fit(k) {
			fitting = append(fitting, i)
		}
	}
	if len(fitting) == 0 {
		return 0, false
	}
	return fitting[s.dice.IntN(len(fitting))], true
}

// outage cuts all connections. What happens meanwhile is found when the line is back.
func (s *story) outage(ctx context.Context) error {
	s.tally.mu.Lock()
	before := s.tally.downs
	s.tally.mu.Unlock()
	s.tell("the demo cuts the line")
	s.line.cut(s.server)
	s.offline = true
	defer func() {
		s.offline = false
		s.line.mend()
	}()
	if !s.tally.wait(ctx, s.patient, func() bool { return s.tally.downs > before }) {
		return errNotReported
	}
	if err := sleep(ctx, s.every/2); err != nil {
		return err
	}
	names := s.deliver(1 + s.dice.IntN(2))
	s.tell("nobody is connected while the server gets %s", names)
	if i, ok := s.pick(func(k known) bool { return !strings.Contains(names, k.name) }); ok {
		s.tell("and somebody deletes %s", s.there[i].name)
		s.removeAt(i)
	}
	if err := sleep(ctx, s.every); err != nil {
		return err
	}
	s.tell("the line works again")
	s.offline = false
	s.line.mend()
	return s.reported(ctx)
}

// line is the line to the server. While it is cut, new connections get no answer.
type line struct {
	mu   sync.Mutex
	down chan struct{} // nil while the line works, else closed when it is mended; guarded by mu
}

// cut ends all connections.
func (l *line) cut(server *imaptest.Server) {
	l.mu.Lock()
	l.down = make(chan struct{})
	l.mu.Unlock()
	for _, session := range server.Sessions() {
		session.Cut()
	}
}

// mend lets connections in again. Mending what works is fine.
func (l *line) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down != nil {
		close(l.down)
		l.down = nil
	}
}

// pass is called with each new session and waits for the line to work.
func (l *line) pass(*imaptest.Session) {
	l.mu.Lock()
	down := l.down
	l.mu.Unlock()
	if down != nil {
		<-down
	}
}
