package account_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/internal/account"
	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/watch"
)

// disk is what a journal has written. It outlives the Set.
type disk struct {
	mu          sync.Mutex
	records     []journal.Record     // guarded by mu
	ids         map[string]bool      // guarded by mu
	checkpoints map[watch.Key][]byte // guarded by mu
	writes      []string             // guarded by mu: "3 events, checkpoint of jo/INBOX"
	fail        error                // guarded by mu: what writing comes to
	hung        chan struct{}        // guarded by mu: writing waits for it; nil is for nothing
	// deadAfter is the number of writes after which the program is dead: what comes then is lost, though it seems to
	// succeed, or fails with dying. -1 is never.
	deadAfter int   // guarded by mu
	dying     error // guarded by mu
	dead      bool  // guarded by mu
}

func newDisk() *disk {
	return &disk{ids: map[string]bool{}, checkpoints: map[watch.Key][]byte{}, deadAfter: -1}
}

func (d *disk) Append(_ context.Context, key watch.Key, events []journal.Record, checkpoint []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if hung := d.hung; hung != nil {
		d.mu.Unlock()
		<-hung
		d.mu.Lock()
	}
	if d.fail != nil {
		return d.fail
	}
	if d.deadAfter == len(d.writes) {
		d.dead = true
		return d.dying
	}
	what := fmt.Sprintf("%d events", len(events))
	if checkpoint != nil {
		what += fmt.Sprintf(", checkpoint of %s/%s%s", key.Account, key.Mailbox, key.Kind)
		d.checkpoints[key] = checkpoint
	}
	d.writes = append(d.writes, what)
	for _, r := range events {
		if !d.ids[r.ID] {
			d.ids[r.ID] = true
			d.records = append(d.records, r)
		}
	}
	return nil
}

func (d *disk) Save(ctx context.Context, key watch.Key, value []byte) error {
	return d.Append(ctx, key, nil, value)
}

func (d *disk) Load(_ context.Context, key watch.Key) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.checkpoints[key], nil
}

func (d *disk) alive() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.dead
}

func (d *disk) revive() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.deadAfter, d.dead = -1, false
}

// hang has writing wait until release is called, whoever waits for it.
func (d *disk) hang() (release func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	hung := make(chan struct{})
	d.hung = hung
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.hung = nil
		close(hung)
	}
}

func (d *disk) set(fail error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = fail
}

// of returns the records of some types as "jo INBOX mail.message.new ID", in order.
func (d *disk) of(types ...string) (out []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.records {
		if slices.Contains(types, r.Type) {
			out = append(out, strings.Join([]string{r.Account, r.Mailbox, r.Type, r.ID}, " "))
		}
	}
	return out
}

// take returns what was written since the last call.
func (d *disk) take() []string {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	out := d.writes
	d.writes = nil
	return out
}

// world is a server, a disk and a Set between them, in a bubble.
type world struct {
	t      *testing.T
	server *imaptest.Server
	disk   *disk
	set    *account.Set
	failed []string
}

func inWorld(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, server: imaptest.NewServer(nil), disk: newDisk()}
		defer w.server.Close()
		w.start()
		defer w.stop()
		test(w)
	})
}

func (w *world) start() {
	w.t.Helper()
	var mu sync.Mutex
	set, err := account.New(account.Options{Journal: w.disk, Failed: func(name string, err error) {
		mu.Lock()
		defer mu.Unlock()
		w.failed = append(w.failed, fmt.Sprint(name, ": ", err))
	}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.set = set
}

func (w *world) stop() {
	if err := w.set.Close(context.Background()); err != nil {
		w.t.Error(err)
	}
}

func (w *world) options(name, mailbox string) watch.AccountOptions {
	var a watch.AccountOptions
	a.Account, a.User, a.Mailbox = name, name, mailbox
	a.Client = imapclient.Options{Addr: "mail.example.org", Security: imapclient.InsecurePlaintext}
	a.Hosts = &watch.Hosts{}
	a.Dial = func(ctx context.Context, o *imapclient.Options) (*imapclient.Conn, error) {
		client, server := net.Pipe()
		go w.server.ServeConn(server)
		return imapclient.New(ctx, client, o)
	}
	a.Login = func(ctx context.Context, c *imapclient.Conn) error { return c.Login(ctx, name, "secret") }
	return a
}

func (w *world) jo() *imaptest.User { return w.server.AddUser("jo", "secret") }

// add adds a user with an account of INBOX alone, or of all mailboxes, and waits until all is quiet.
func (w *world) add(name, mailbox string) *imaptest.User {
	w.t.Helper()
	u := w.server.AddUser(name, "secret")
	w.addAgain(name, mailbox)
	return u
}

func (w *world) addAgain(name, mailbox string) {
	w.t.Helper()
	if err := w.set.Watch(context.Background(), w.options(name, mailbox)); err != nil {
		w.t.Fatal(err)
	}
	synctest.Wait()
}

func (w *world) wait(d time.Duration) {
	time.Sleep(d) // the clock of the bubble
	synctest.Wait()
}

func mail(subject string) []byte {
	return []byte("From: Ann <ann@example.org>\r\nSubject: " + subject + "\r\nMessage-ID: <" + subject + "@example.org>\r\n\r\nHello.\r\n")
}

var errFull = errors.New("no room for the journal")
