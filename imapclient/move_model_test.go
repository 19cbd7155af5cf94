package imapclient_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
)

// A move without MOVE, while somebody else flags messages \Deleted, delivers new ones and takes flags off
// again at any moment between the steps, and while any step can be refused or the connection be cut:
// no message is lost, none but those to be moved is removed, and the result says what is true.
func TestMoveByHandLosesNothingAndRemovesNothingElse(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 8).Draw(rt, "messages")
		set := imap.SetOf(rapid.SliceOfNDistinct(rapid.Map(rapid.IntRange(1, n+3), func(n int) imap.UID { return imap.UID(n) }), 1, n+3, rapid.ID).Draw(rt, "set")...)
		if rapid.Bool().Draw(rt, "open end") {
			set.AddRange(set.Max(), 0)
		}
		plus := rapid.Bool().Draw(rt, "UIDPLUS")
		script := rapid.SliceOfN(rapid.SampledFrom([]string{"flag", "deliver", "unflag", "nothing", "expunge one"}), 8, 8).Draw(rt, "the other session")
		whom := rapid.SliceOfN(rapid.IntRange(0, n-1), 8, 8).Draw(rt, "to whom")
		fail := rapid.IntRange(0, 6).Draw(rt, "failing step")
		how := rapid.SampledFrom([]string{"refuse", "cut before", "cut after"}).Draw(rt, "how")

		m := newMoveModel(plus)
		defer m.srv.Close()
		for i := range n {
			m.deliver(fmt.Sprintf("message %d", i+1))
		}
		c := openOver(t, m.srv.Pipe(), plain())
		defer c.Close()
		step := -1
		m.srv.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
			m.mu.Lock()
			defer m.mu.Unlock()
			step++
			m.disturb(script[step%8], whom[step%8])
			switch {
			case step != fail:
			case how == "refuse":
				return imaptest.Refuse(imap.NO, imap.CodeCannot, "not today")
			case how == "cut before":
				return imaptest.Drop
			default:
				c.Session.CutAfter(1)
			}
			return imaptest.Pass
		})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		moved, err := c.Move(ctx, set, "Archive", &imapclient.MoveOptions{LeaveDeleted: true})
		m.check(rt, set, moved, err, plus)
	})
}

// moveModel is a server with what is known of its messages by their text.
type moveModel struct {
	srv     *imaptest.Server
	inbox   *imaptest.Mailbox
	archive *imaptest.Mailbox

	mu        sync.Mutex
	uids      map[string]imap.UID // in the inbox
	byOther   map[string]bool     // removed by the other session
	delivered int
}

func newMoveModel(plus bool) *moveModel {
	o := &imaptest.ServerOptions{Plain: true, Without: imap.Capabilities{imap.CapMove}}
	if !plus {
		o.Without = append(o.Without, imap.CapUIDPlus)
	}
	m := &moveModel{srv: imaptest.NewServer(o), uids: map[string]imap.UID{}, byOther: map[string]bool{}}
	user := m.srv.AddUser("jo", "secret")
	m.inbox, m.archive = user.Mailbox("INBOX"), user.Mailbox("Archive")
	return m
}

func (m *moveModel) deliver(text string) { m.uids[text] = m.inbox.Append([]byte(text)) }

// disturb is the other session.
func (m *moveModel) disturb(what string, whom int) {
	text := fmt.Sprintf("message %d", whom+1)
	uid := m.uids[text]
	switch what {
	case "flag":
		m.inbox.AddFlags(uid, imap.FlagDeleted)
	case "unflag":
		m.inbox.RemoveFlags(uid, imap.FlagDeleted)
	case "expunge one":
		if slices.Contains(texts(m.inbox), text) {
			m.byOther[text] = true
			m.inbox.Expunge(uid)
		}
	case "deliver":
		m.delivered++
		m.deliver(fmt.Sprintf("new message %d", m.delivered))
	}
}

func (m *moveModel) check(t *rapid.T, set imap.UIDSet, moved *imapclient.Moved, err error, plus bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	here, there := texts(m.inbox), texts(m.archive)
	story := fmt.Sprintf("set %v, UIDPLUS %v: %+v, %v; here %q, there %q", set, plus, moved, err, here, there)
	for text, uid := range m.uids {
		isHere, isThere := slices.Contains(here, text), slices.Contains(there, text)
		switch {
		case !isHere && !isThere && !m.byOther[text]:
			t.Fatalf("%q is lost: %s", text, story)
		case !isHere && !m.byOther[text] && !set.Contains(uid):
			t.Fatalf("%q was removed, and was not to be moved: %s", text, story)
		case isThere && !set.Contains(uid):
			t.Fatalf("%q was copied, and was not to be moved: %s", text, story)
		case !plus && !isHere && !m.byOther[text]:
			t.Fatalf("%q was removed without UIDPLUS: %s", text, story)
		case moved.LeftDeleted.Contains(uid) && !isThere && !m.byOther[text]:
			t.Fatalf("%q is said to be moved: %s", text, story)
		}
		dest, known := moved.UIDs.Dest(uid)
		if known && (!isThere || uidOf(m.archive, text) != dest) {
			t.Fatalf("%q is said to be %d: %s", text, dest, story)
		}
	}
	seen := map[string]int{}
	for _, text := range there {
		if seen[text]++; seen[text] > 1 {
			t.Fatalf("%q was copied twice: %s", text, story)
		}
	}
}

// texts returns the texts of the messages in a mailbox.
func texts(m *imaptest.Mailbox) (out []string) {
	for _, msg := range m.Snapshot().Messages {
		out = append(out, strings.TrimSpace(string(m.Raw(msg.UID))))
	}
	return out
}

func uidOf(m *imaptest.Mailbox, text string) imap.UID {
	for _, msg := range m.Snapshot().Messages {
		if strings.TrimSpace(string(m.Raw(msg.UID))) == text {
			return msg.UID
		}
	}
	return 0
}
