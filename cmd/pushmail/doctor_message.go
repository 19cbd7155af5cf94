package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
)

// messageFacts are what --test-message found.
type messageFacts struct {
	// Skipped is why no message was sent, "" if one was.
	Skipped   string `json:"skipped,omitempty"`
	MessageID string `json:"message_id,omitempty"`
	UID       uint32 `json:"uid,omitempty"`
	// Arrival and Removal are how long after its OK the server told the other connection: 0 if it told before.
	Arrival *pushTime `json:"arrival,omitempty"`
	Removal *pushTime `json:"removal,omitempty"`
	// Removed says that the message is not there any more.
	Removed bool `json:"removed"`
	// Trashed says that it was moved to the trash.
	Trashed bool   `json:"trashed,omitempty"`
	Error   string `json:"error,omitempty"`
}

// pushTime is how soon something was told.
type pushTime struct {
	// Pushed says that it was told in IDLE; otherwise Asked says that it was when asked by NOOP.
	Pushed bool         `json:"pushed"`
	Asked  bool         `json:"told_when_asked,omitempty"`
	Deaf   bool         `json:"deaf,omitempty"` // it was in IDLE, and not told
	After  milliseconds `json:"after_ms"`
}

// pushPatience is how long a push may take until it is taken for none, usually.
const pushPatience = 30 * time.Second

// cleanUpTime bounds how long it may take to remove the message when all else has ended.
const cleanUpTime = 20 * time.Second

// testMessage puts a message into the mailbox from a second connection, while the first one is in IDLE.
func (d *examination) testMessage(ctx context.Context) *messageFacts {
	facts := &messageFacts{}
	if !d.conn.Capabilities().Has(imap.CapUIDPlus) {
		facts.Skipped = "the server has no UIDPLUS, without which a message cannot be removed alone"
		return facts
	}
	writer, err := d.secondConnection(ctx)
	if err != nil {
		facts.Skipped = "no second connection: " + oneLine(reworded(err))
		return facts
	}
	defer func() { _ = writer.Logout(context.WithoutCancel(ctx)) }()
	t := &testMessage{d: d, writer: writer, facts: facts}
	if err := t.run(ctx); err != nil && ctx.Err() == nil {
		facts.Error = oneLine(err)
	}
	return facts
}

func (d *examination) secondConnection(ctx context.Context) (*imapclient.Conn, error) {
	conn, err := d.dial(ctx, "(2)", nil)
	if err != nil {
		return nil, err
	}
	if conn.State() == imapclient.StateNotAuthenticated {
		err = d.c.login(ctx, conn)
	}
	if err == nil && conn.Capabilities().Has(imap.CapID) {
		if _, idErr := conn.ID(ctx, clientID()...); idErr != nil && !refused(idErr) {
			err = idErr
		}
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// testMessage is a message that is there for a moment.
type testMessage struct {
	d      *examination
	writer *imapclient.Conn
	facts  *messageFacts
	id     string
}

func (t *testMessage) run(ctx context.Context) error {
	box, err := t.writer.Select(ctx, t.d.c.mailbox, nil)
	if err != nil {
		return fmt.Errorf("open the mailbox for writing: %w", err)
	}
	if box.ReadOnly {
		t.facts.Skipped = "the mailbox is read-only"
		return nil
	}
	if err := t.d.conn.Noop(ctx); err != nil { // what came before is not the test message
		return err
	}
	t.id = rand.Text() + "@pushmail.invalid"
	t.facts.MessageID = "<" + t.id + ">"
	text := testMail(t.id, t.d.c.url.User, time.Now())
	var done *imapclient.Appended
	t.facts.Arrival, err = t.d.pushOf(ctx, soundExists, func() (err error) {
		done, err = t.writer.Append(ctx, t.d.c.mailbox, bytes.NewReader(text), int64(len(text)), &imapclient.AppendOptions{Flags: []imap.Flag{imap.FlagSeen}})
		return err
	})
	// Whatever ended, the message is not to stay.
	cctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTime+t.d.patience)
	defer cancel()
	return errors.Join(err, t.remove(cctx, box, done))
}

func testMail(id, user string, now time.Time) []byte {
	return fmt.Appendf(nil, "From: pushmail doctor <doctor@pushmail.invalid>\r\nTo: undisclosed-recipients:;\r\n"+
		"Date: %s\r\nMessage-ID: <%s>\r\nSubject: Test of pushmail doctor\r\nMIME-Version: 1.0\r\n"+
		"Content-Type: text/plain; charset=utf-8\r\nAuto-Submitted: auto-generated\r\n\r\n"+
		"\"pushmail doctor --test-message\" measures with this how soon the server tells of new mail.\r\n"+
		"It is removed again at once. If you can read it, you may delete it.\r\n", now.Format(time.RFC1123Z), id)
}

// remove removes the message and nothing else.
func (t *testMessage) remove(ctx context.Context, box *imapclient.Selected, done *imapclient.Appended) error {
	uid, err := t.find(ctx, box, done)
	if err != nil || uid == 0 {
		return err
	}
	t.facts.UID = uint32(uid)
	uids := imap.UIDs(uid)
	trash := t.trash()
	t.facts.Trashed = trash != ""
	tried := false
	remove := func() error {
		tried = true
		if trash != "" {
			_, err := t.writer.Move(ctx, uids, trash, nil)
			return err
		}
		if _, err := t.writer.Store(ctx, uids, &imap.StoreOptions{Mode: imap.StoreAdd, Flags: []imap.Flag{imap.FlagDeleted}, Silent: true}); err != nil {
			return err
		}
		return t.writer.ExpungeUIDs(ctx, uids)
	}
	t.facts.Removal, err = t.d.pushOf(ctx, soundGone, remove)
	if !tried { // the other connection has failed
		err = errors.Join(err, remove())
	}
	left, findErr := t.writer.Search(ctx, imap.UIDIn(uids))
	t.facts.Removed = findErr == nil && len(left.UIDs) == 0
	return errors.Join(err, findErr)
}

// find returns the UID of the message, 0 if it is not there.
func (t *testMessage) find(ctx context.Context, box *imapclient.Selected, done *imapclient.Appended) (imap.UID, error) {
	// Until Courier has told a session of a message, STORE and EXPUNGE of its UID do nothing there, and say OK.
	if err := t.writer.Noop(ctx); err != nil {
		return 0, err
	}
	if done != nil && done.UID != 0 && done.UIDValidity == box.UIDValidity {
		return done.UID, nil
	}
	found, err := t.writer.Search(ctx, imap.Header("Message-ID", t.id))
	if err != nil {
		return 0, err
	}
	uids := found.UIDs
	if uids.Len() > 1 {
		return 0, fmt.Errorf("several messages have the Message-ID <%s>: none is removed", t.id)
	}
	for uid := range uids.All() {
		return uid, nil
	}
	return 0, nil
}

// trash is where Gmail wants what is to be deleted: an expunged message stays in All Mail. "" elsewhere.
func (t *testMessage) trash() string {
	if !t.writer.Capabilities().Has(imap.CapGmail) {
		return ""
	}
	return t.d.uses.Mailbox(imap.AttrTrash)
}

// pushOf does something on another connection while the first one is in IDLE, and measures how long after it a
// sound is heard there. Its error is that of do, or of the first connection.
func (d *examination) pushOf(ctx context.Context, kind soundKind, do func() error) (*pushTime, error) {
	ictx, stop := context.WithCancel(ctx)
	defer stop()
	heard := make(chan time.Time, 1)
	d.ears.on(func(s sound) {
		if s.kind == kind {
			select {
			case heard <- s.at:
			default:
			}
		}
	})
	defer d.ears.on(nil)
	if !d.facts.Push.Idles {
		return d.askedOf(ctx, heard, do)
	}
	idling, ended := make(chan struct{}), make(chan error, 1)
	d.script.onPlus(func() { close(idling) })
	go func() { ended <- d.conn.Idle(ictx) }()
	defer func() {
		stop()
		if ended != nil {
			<-ended
		}
	}()
	select {
	case <-idling:
	case err := <-ended:
		ended = nil
		return nil, errors.Join(err, context.Cause(ctx))
	case <-time.After(idlePatience):
		return nil, errors.New("the server does not go into IDLE again")
	}
	if err := do(); err != nil {
		return nil, err
	}
	accepted := time.Now()
	select {
	case at := <-heard:
		return &pushTime{Pushed: true, After: inMilliseconds(max(0, at.Sub(accepted)))}, nil
	case err := <-ended:
		ended = nil
		return nil, errors.Join(err, context.Cause(ctx))
	case <-time.After(d.patience):
	}
	stop()
	err := <-ended
	ended = nil
	if err != nil {
		return nil, err
	}
	told, err := d.ask(ctx, heard, accepted)
	if err == nil {
		told.Deaf = true
	}
	return told, err
}

// askedOf is pushOf for a server without IDLE.
func (d *examination) askedOf(ctx context.Context, heard <-chan time.Time, do func() error) (*pushTime, error) {
	if err := do(); err != nil {
		return nil, err
	}
	return d.ask(ctx, heard, time.Now())
}

func (d *examination) ask(ctx context.Context, heard <-chan time.Time, accepted time.Time) (*pushTime, error) {
	if err := d.conn.Noop(ctx); err != nil {
		return nil, err
	}
	select {
	case at := <-heard:
		return &pushTime{Asked: true, After: inMilliseconds(max(0, at.Sub(accepted)))}, nil
	default:
		return &pushTime{After: inMilliseconds(time.Since(accepted))}, nil
	}
}
