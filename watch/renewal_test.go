package watch_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/watch"
)

// mortal is a server that ends each session after an hour. most is how many sessions there were at most when another one
// logged in, that included, beside those that have said LOGOUT.
type mortal struct {
	mu    sync.Mutex
	most  int
	ended map[*imaptest.Session]bool
}

func (m *mortal) options() *imaptest.ServerOptions {
	m.ended = map[*imaptest.Session]bool{}
	return &imaptest.ServerOptions{OnSession: func(s *imaptest.Session) {
		time.AfterFunc(time.Hour, func() { s.Bye("session expired") })
	}}
}

func (m *mortal) observe(b *bench) {
	b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
		m.mu.Lock()
		defer m.mu.Unlock()
		switch c.Name {
		case "LOGIN":
			n := 0
			for _, s := range b.server.Sessions() {
				if !m.ended[s] {
					n++
				}
			}
			m.most = max(m.most, n)
		case "LOGOUT":
			m.ended[c.Session] = true
		}
		return imaptest.Pass
	})
}

// A session that is known to end is replaced before: mail is told of at once all the time, and no link is lost. The new
// connection is made before the old one is left, unless the budget has no room for both.
func TestSessionIsReplacedBeforeItsEnd(t *testing.T) {
	for _, tt := range []struct {
		name        string
		connections int // 0: one mailbox
		rows        string
		most        int
	}{
		{"mailbox", 0, ``, 2},
		{"mailbox, but one connection is allowed", 0, `, "connections": 2`, 1},
		{"account", 3, ``, 3},
		{"account without room", 2, ``, 2},
		{"account, one connection", 1, ``, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := &mortal{}
			inBubble(t, m.options(), func(b *bench) {
				b.opts.Provider = with(`"session_life": "1h"` + tt.rows)
				if tt.connections > 0 {
					b.account = &watch.AccountOptions{MaxConnections: tt.connections}
					b.user.Mailbox("Work")
				}
				b.start()
				b.take()
				m.observe(b)
				for i := range 150 {
					b.wait(7 * time.Minute)
					b.box.Append(mail(fmt.Sprint("m", i)))
					b.expect(fmt.Sprintf("new %d m%d", i+1, i))
				}
				m.mu.Lock()
				defer m.mu.Unlock()
				if n := len(m.ended); n < 17 || n > 60 {
					b.t.Errorf("%d sessions were replaced in 17.5 hours", n)
				}
				if m.most != tt.most {
					b.t.Errorf("up to %d sessions at once, want %d", m.most, tt.most)
				}
			})
		})
	}
}

// A connection that cannot be made is no reason to give up the one that works.
func TestSuccessorThatCannotBeMadeCostsNothing(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.opts.SessionLife = time.Hour
		b.start()
		b.expect("open 0 initial idle")
		b.setDown(true)
		b.wait(70 * time.Minute)
		b.box.Append(mail("by the old one"))
		b.expect("new 1 by the old one")
		if n := b.dialed(); n < 20 || n > 40 {
			b.t.Errorf("%d attempts in some 15 minutes", n-1)
		}
		b.setDown(false)
		b.wait(time.Minute)
		b.box.Append(mail("by the new one"))
		b.expect("new 2 by the new one")
		if s := b.session(); s == nil { // which says that there is one only
			b.t.Error("no session")
		}
	})
}

// Many sessions that began at the same moment are not replaced at the same moment.
func TestSessionsAreReplacedOneAfterTheOther(t *testing.T) {
	inManager(t, watch.ManagerOptions{}, func(b *managed) {
		const n = 100
		b.opts.SessionLife = time.Hour
		for i := range n {
			b.add(fmt.Sprint("user", i), "INBOX")
		}
		b.wait(53 * time.Minute)
		most, before := 0, b.dialed()
		for range 7 * 60 {
			was := b.dialed()
			b.wait(time.Second)
			most = max(most, b.dialed()-was)
		}
		if done := b.dialed() - before; done != n || most > 10 {
			b.t.Errorf("%d were replaced, up to %d in a second", done, most)
		}
	})
}

// Sessions that are replaced take their turns to log in as all do.
func TestReplacedSessionsTakeTheirTurns(t *testing.T) {
	inManager(t, watch.ManagerOptions{}, func(b *managed) {
		const n = 30
		b.opts.SessionLife = time.Hour
		b.opts.Hosts = &watch.Hosts{LoginsPerSecond: 0.2, LoginBurst: 1}
		for i := range n {
			b.add(fmt.Sprint("user", i), "INBOX")
		}
		b.wait(n * 5 * time.Second)
		most, before := 0, b.dialed()
		for range 12 * 60 {
			was := b.dialed()
			b.wait(5*time.Second - time.Millisecond)
			most = max(most, b.dialed()-was)
		}
		if done := b.dialed() - before; before != n || done != n || most > 1 {
			b.t.Errorf("%d connections, %d of which were replaced in an hour, up to %d in 5 seconds", before, done, most)
		}
	})
}
