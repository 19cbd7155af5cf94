package watch_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/watch"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "seed of the model test; 0 takes the clock")
	stepsFlag = flag.Int("steps", 400, "steps of the model test")
	wayFlag   = flag.String("way", "", "what watches in the model test; empty takes one after the other")
)

// ways are what watches in the model.
var modelWays = []modelWay{
	{name: "mailbox"},
	{name: "account", connections: 2},
	{name: "account on one connection", connections: 1},
	{name: "account with NOTIFY", connections: 1, notify: true},
	{name: "account with NOTIFY and a hot mailbox", connections: 2, notify: true, hot: []string{"INBOX"}},
	{name: "manager, mailbox", manager: true},
	{name: "manager, account", manager: true, connections: 3},
	{name: "manager, account with NOTIFY", manager: true, connections: 2, notify: true},
}

type modelWay struct {
	name        string
	manager     bool
	connections int // of an account; 0: one mailbox
	notify      bool
	hot         []string
}

// TestModel has random things happen to mailboxes while a watcher meets random faults. Whenever the faults end, what the
// watcher has told must soon make up what the server has: nothing lost, nothing invented, nothing told twice but what was not
// acknowledged, and that under the id that it had.
//
// What happens follows from the seed; how goroutines and pauses fall does not.
func TestModel(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	// A watcher that spins does not let time pass in its bubble.
	var spinning atomic.Pointer[world]
	defer dogWatch(&spinning, seed)()
	for steps, n := 0, uint64(0); steps < *stepsFlag && !t.Failed(); n++ {
		way := modelWays[(seed+n)%uint64(len(modelWays))]
		if *wayFlag != "" {
			way = modelWays[slices.IndexFunc(modelWays, func(w modelWay) bool { return w.name == *wayFlag })]
		}
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, seed+n, way)
			spinning.Store(w)
			steps += w.play()
			if w.failed() != "" {
				t.Errorf("%s: %s, after %d steps\nrepeat with -run 'TestModel$' -seed=%d -steps=1 -way=%q\n%s", way.name, w.failed(), steps, seed+n, *wayFlag, w.history())
			}
		})
	}
}

// longestMinute is how long a minute of a world may take, of which there are thousands in a second on an idle core.
const longestMinute = 30 * time.Second

// dogWatch ends the program when a world's clock stands still for too long.
func dogWatch(now *atomic.Pointer[world], seed uint64) (stop func()) {
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		last, at, since := now.Load(), int64(-1), time.Now()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			w := now.Load()
			if w == nil {
				continue
			}
			if minutes := w.minutes.Load(); w != last || minutes != at {
				last, at, since = w, minutes, time.Now()
			} else if time.Since(since) > longestMinute {
				fmt.Fprintf(os.Stderr, "model_test.go: %s: time stands still, somebody spins; some world from -seed=%d on\n%s\n", w.way.name, seed, w.history())
				os.Exit(1)
			}
		}
	}()
	return func() { close(done) }
}

// world is a server, its user's mailboxes, a watcher, and the consumer of its events.
type world struct {
	t      *testing.T
	way    modelWay
	server *imaptest.Server
	user   *imaptest.User
	opts   watch.Options
	store  *modelStore
	told   *consumer

	rngMu sync.Mutex
	rng   *rand.Rand
	mails int    // counts messages; guarded by rngMu
	token string // the password of now; guarded by mu

	mu    sync.Mutex
	chaos bool // faults happen
	down  bool // nobody can connect
	// unasked is a mailbox whose STATUS is refused.
	unasked string
	log     []string
	fault   string

	dialedAt time.Time
	dials    int // within a minute of that moment, since the watcher was started

	noModSeqs bool // of the server
	// flagsHide: STATUS does not show that flags have changed, so that may take an hour to be told.
	flagsHide bool

	minutes atomic.Int64 // that have passed in it

	overflows int // after a few of which, or a refused NOTIFY, the watcher does without; guarded by mu

	steps   int
	cancel  context.CancelFunc
	stopped chan struct{}
}

const historyLines = 4000

// mostDials is how many connections may be tried in a minute: three that fail all the time try some ten times each.
const mostDials = 100

func (w *world) logf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fault != "" {
		return // what comes after is no clue
	}
	w.log = append(w.log, time.Now().Format("02 15:04:05.000 ")+strings.TrimSuffix(fmt.Sprintf(format, args...), "\n"))
	if len(w.log) > 2*historyLines {
		w.log = slices.Clone(w.log[historyLines:])
	}
}

func (w *world) history() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.log[max(0, len(w.log)-historyLines):], "\n")
}

// Write takes the protocol and the log.
func (w *world) Write(p []byte) (int, error) {
	w.logf("%s", p)
	return len(p), nil
}

// fail notes the first thing that is wrong.
func (w *world) fail(format string, args ...any) {
	w.logf("WRONG: "+format, args...)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fault == "" {
		w.fault = fmt.Sprintf(format, args...)
	}
}

func (w *world) failed() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fault
}

func (w *world) isChaos() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.chaos
}

func (w *world) intn(n int) int {
	w.rngMu.Lock()
	defer w.rngMu.Unlock()
	return w.rng.IntN(n)
}

// oneIn is true once in n times.
func (w *world) oneIn(n int) bool { return w.intn(n) == 0 }

func newWorld(t *testing.T, seed uint64, way modelWay) *world {
	w := &world{t: t, way: way, rng: rand.New(rand.NewPCG(seed, 1))}
	o := &imaptest.ServerOptions{Capabilities: imaptest.DefaultCapabilities()}
	if way.notify {
		o.Capabilities = withNotify()
	}
	o.Without = slices.Clone(rungs[w.intn(3)].without)
	for _, c := range []imap.Capability{imap.CapESearch, imap.CapListStatus, imap.CapObjectID, imap.CapUnselect} {
		if w.oneIn(3) {
			o.Without = append(o.Without, c)
		}
	}
	if w.oneIn(5) && !way.notify {
		o.Without = append(o.Without, imap.CapIdle)
	}
	w.noModSeqs = slices.Contains(o.Without, imap.CapCondStore)
	w.flagsHide = slices.Contains(o.Without, imap.CapCondStore) && way.connections > 0
	w.logf("%s, without %v", way.name, o.Without)
	w.server = imaptest.NewServer(o)
	w.user = w.server.AddUser("jo", "")
	w.renewToken()
	w.told = newConsumer(w)
	w.store = &modelStore{w: w, m: map[watch.Key][]byte{}}
	w.opts = watch.Options{
		Client: imapclient.Options{
			Addr: "mail.example.org", Security: imapclient.InsecurePlaintext, Trace: &imapclient.Trace{W: w, Timestamps: true},
		},
		Account: "jo", Dial: w.dial, Login: w.login, Hosts: &watch.Hosts{}, Store: w.store, KeepTrying: true,
		Logger: slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if w.oneIn(4) {
		w.opts.Content.Brief = true
	}
	return w
}

func (w *world) dial(ctx context.Context, o *imapclient.Options) (*imapclient.Conn, error) {
	w.mu.Lock()
	down := w.down
	if now := time.Now(); now.Sub(w.dialedAt) > time.Minute {
		w.dialedAt, w.dials = now, 0
	}
	w.dials++
	tooMany := w.dials > mostDials
	w.mu.Unlock()
	if tooMany {
		w.fail("more than %d connections in a minute", mostDials)
		time.Sleep(time.Hour)
	}
	if down {
		return nil, &imapclient.DialError{Addr: "mail.example.org:993", Stage: "connect", Err: errors.New("connection refused")}
	}
	client, server := net.Pipe()
	go w.server.ServeConn(server)
	if w.isChaos() && w.oneIn(4) {
		how := []string{cut, stalled, halfClosed, duplicated, forgetful}[w.intn(5)]
		w.logf("this connection is to be %s", how)
		client = &struck{Conn: client, r: bufio.NewReader(client), how: how, at: int64(1 + w.intn(6000)), mayBe: w.isChaos}
	}
	return imapclient.New(ctx, client, o)
}

// renewToken has the password be another one.
func (w *world) renewToken() {
	token := fmt.Sprint("token", w.intn(1000))
	w.logf("-- the password is %s", token)
	w.user.SetPassword(token)
	w.set(func() { w.token = token })
}

// login uses the password of now, as it is to do for each connection.
func (w *world) login(ctx context.Context, c *imapclient.Conn) error {
	w.mu.Lock()
	token := w.token
	w.mu.Unlock()
	return c.Login(ctx, "jo", token)
}

// play runs the world and returns how many steps it had.
func (w *world) play() int {
	over := make(chan struct{})
	defer close(over)
	go w.tick(over)
	for range w.intn(6) {
		w.append("INBOX")
	}
	if w.way.connections > 0 {
		for range w.intn(4) {
			w.append("Work")
		}
	}
	w.told.baseline()
	w.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
		if asksContent(c) {
			w.fail("messages that were there are fetched")
		}
		return imaptest.Pass
	})
	w.start()
	time.Sleep(time.Minute)
	w.server.SetOnCommand(w.onCommand)
	for range 2 + w.intn(4) {
		w.set(func() { w.chaos = true })
		for range 1 + w.intn(10) {
			w.steps++
			w.step()
			if w.failed() != "" {
				break
			}
		}
		w.heal()
		w.agree()
		if w.failed() == "" {
			w.news()
		}
		if w.failed() == "" && w.oneIn(3) {
			w.reuse()
			w.agree()
		}
		if w.failed() != "" {
			break
		}
	}
	w.stop()
	w.server.Close()
	return w.steps
}

// tick counts the minutes.
func (w *world) tick(over <-chan struct{}) {
	for {
		select {
		case <-time.After(time.Minute):
			w.minutes.Add(1)
		case <-over:
			return
		}
	}
}

func (w *world) set(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// heal ends all faults.
func (w *world) heal() {
	w.logf("-- all is well from now on")
	w.set(func() { w.chaos, w.down, w.unasked = false, false, "" })
	w.store.set(false, false)
	w.server.SetDeafIdle(false)
	w.server.SetLossyNotify(false)
	for _, s := range w.server.Sessions() {
		s.Resume()
	}
}

// agree waits for as long as it may take for everything to be told and compares.
func (w *world) agree() {
	// A connection that is dead, a pause before the next one, a truth check.
	for range 50 {
		time.Sleep(time.Minute)
		synctest.Wait()
	}
	if most := max(w.way.connections, 1); len(w.server.Sessions()) > most {
		w.fail("%d connections, %d are allowed", len(w.server.Sessions()), most)
	}
	w.told.compare(!w.flagsHide)
	if w.failed() == "" && w.flagsHide && w.oneIn(3) {
		time.Sleep(90 * time.Minute) // each mailbox is opened once an hour
		synctest.Wait()
		w.told.compare(true)
	}
}

// news has something happen while all is well, and wants it to be told as soon as that way of watching can: a watcher that
// finds things only when it looks at everything again is deaf.
func (w *world) news() {
	soon := 4 * time.Minute // a sweep is each 2 minutes
	name := w.anyMailbox()
	w.logf("-- news of %s", name)
	switch w.intn(10) {
	case 0:
		w.append(name)
	case 1:
		w.append(name)
		w.expungeSome(name)
		w.append(name)
	case 2:
		which := [][]string{{"UID FETCH"}, {"UNSELECT", "CLOSE"}, {"EXAMINE", "STATUS", "LIST", "UNSELECT"}}[w.intn(3)]
		w.moreDuring(name, func(c imaptest.Command) bool { return slices.Contains(which, c.Name) })
		w.append(name)
		soon *= w.sweeps() // each of them can be one for the next sweep
	case 3: // while the connection is down, and while another one begins
		w.set(func() { w.down = true })
		for _, s := range w.server.Sessions() {
			s.Cut()
		}
		synctest.Wait()
		w.append(name)
		w.expungeSome(name)
		w.moreDuring(name, func(imaptest.Command) bool { return w.oneIn(2) })
		soon *= w.sweeps()
		w.set(func() { w.down = false })
	case 4: // up to where NOTIFY is given up
		for range 1 + w.intn(3) {
			for _, s := range w.server.Sessions() {
				w.overflow(s)
			}
			synctest.Wait()
		}
		w.append(name)
	case 5: // to a peer that is gone
		for _, s := range w.server.Sessions() {
			s.Stall()
		}
		w.append(name)
		soon = 13 * time.Minute // it is noticed when IDLE is begun anew
	case 6: // by a server that tells nothing unless it is asked
		w.server.SetDeafIdle(true)
		w.server.SetLossyNotify(true)
		w.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
			if c.Name == "NOOP" {
				return imaptest.Reply("{tag} OK mute\r\n")
			}
			return imaptest.Pass
		})
		w.append(name)
		w.expungeSome(name)
		soon = 13 * time.Minute // a truth check is each 10 minutes
	case 7: // to one that the server does not give up
		w.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
			if c.Name == "UNSELECT" || c.Name == "CLOSE" {
				return imaptest.Refuse(imap.NO, "", "not now")
			}
			return imaptest.Pass
		})
		w.append(name)
		synctest.Wait()
		w.append(name)
	case 8:
		soon = w.newsDuring("LIST", "STATUS", "NOOP", "DONE")
	case 9: // to one that cannot be opened at first, and then the connection is lost
		var tried atomic.Int32
		w.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
			if c.Name != "EXAMINE" || string(c.Args[0].Text) != name {
				return imaptest.Pass
			}
			switch tried.Add(1) {
			case 1:
				return imaptest.Refuse(imap.NO, "", "not now")
			case 2:
				return imaptest.Drop
			}
			return imaptest.Pass
		})
		w.append(name)
		soon = 6 * time.Minute // a sweep, and another attempt after a minute
	}
	time.Sleep(soon)
	synctest.Wait()
	w.server.SetDeafIdle(false)
	w.server.SetLossyNotify(false)
	w.told.compare(!w.flagsHide)
	w.server.SetOnCommand(w.onCommand)
	for _, s := range w.server.Sessions() {
		s.Resume()
	}
}

// newsDuring has a message arrive in INBOX in the middle of one of the commands that are sent while nothing happens, and returns how
// soon it must be told: it was pushed.
func (w *world) newsDuring(commands ...string) (soon time.Duration) {
	came := make(chan struct{})
	var once sync.Once
	w.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
		if slices.Contains(commands, c.Name) && w.oneIn(3) {
			once.Do(func() {
				w.append("INBOX")
				close(came)
			})
		}
		return imaptest.Pass
	})
	<-came
	return 90 * time.Second // a poll is each minute, where IDLE is missing or was refused; a sweep each 2 minutes
}

// moreDuring has messages arrive in the middle of some commands, a few at most, and none so late that it need not be told before news ends.
func (w *world) moreDuring(name string, which func(imaptest.Command) bool) {
	left := 1 + w.intn(3)
	late := time.Now().Add(2*time.Minute*w.sweeps() + time.Second)
	w.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
		if !which(c) {
			return imaptest.Pass
		}
		w.mu.Lock()
		more := left > 0 && time.Now().Before(late)
		left--
		w.mu.Unlock()
		if more {
			w.append(name)
		}
		return imaptest.Pass
	})
}

// anyMailbox is one of those that are watched.
func (w *world) anyMailbox() string {
	if w.way.connections == 0 {
		return "INBOX"
	}
	names := w.user.Mailboxes()
	return names[w.intn(len(names))]
}

// expungeSome expunges a message or more, if there are any.
func (w *world) expungeSome(name string) {
	m := w.user.Mailbox(name)
	for range 1 + w.intn(3) {
		if is := m.Snapshot(); len(is.Messages) > 0 {
			uid := is.Messages[w.intn(len(is.Messages))].UID
			w.logf("-- expunge %d in %s", uid, name)
			m.Expunge(uid)
		}
	}
}

// start runs the watcher until stop.
func (w *world) start() {
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel, w.stopped = cancel, make(chan struct{})
	w.logf("-- start")
	go func() {
		defer close(w.stopped)
		for ctx.Err() == nil {
			w.set(func() { w.dials = 0 })
			err := w.watch(ctx)
			w.logf("-- the watcher has ended: %v", err)
			w.told.restarted()
			if ctx.Err() == nil && !errors.Is(err, errNotTaken) && !errors.As(err, new(*watch.CheckpointError)) && !strings.Contains(fmt.Sprint(err), "cannot load") {
				w.fail("the watcher ended: %v", err)
				return
			}
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
		}
	}()
	synctest.Wait()
}

func (w *world) stop() {
	w.cancel()
	select {
	case <-w.stopped:
	case <-time.After(20 * time.Second):
		w.fail("the watcher does not end")
		for _, s := range w.server.Sessions() {
			s.Cut()
		}
		<-w.stopped
	}
}

// errNotTaken is what a consumer says that could not take an event.
var errNotTaken = errors.New("not taken")

func (w *world) watch(ctx context.Context) error {
	o := watch.AccountOptions{Options: w.opts, MaxConnections: w.way.connections, Hot: w.way.hot}
	if w.way.manager {
		return w.manage(ctx, o)
	}
	events := watch.Mailbox(ctx, w.opts)
	if w.way.connections > 0 {
		events = watch.Account(ctx, o)
	}
	for ev, err := range events {
		if err != nil {
			return err
		}
		if err := w.told.take(ev); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) manage(ctx context.Context, o watch.AccountOptions) error {
	failed := make(chan error, 1)
	m, err := watch.NewManager(watch.ManagerOptions{
		Handler: func(_ context.Context, ev watch.Event) error { return w.told.take(ev) },
		Failed:  func(_ string, err error) { failed <- err },
	})
	if err != nil {
		return err
	}
	if w.way.connections == 0 {
		o.Mailbox = "INBOX"
	}
	if err := m.Add(o); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		err = ctx.Err()
	case err = <-failed:
	}
	return errors.Join(err, m.Close(context.Background()))
}

// step does one thing.
func (w *world) step() {
	switch n := w.intn(40); {
	case n < 20:
		w.happen()
	case n < 22:
		w.eachSession("cut", (*imaptest.Session).Cut)
	case n < 23:
		w.eachSession("stall", (*imaptest.Session).Stall)
	case n < 24:
		w.eachSession("hang up", (*imaptest.Session).Hangup)
	case n < 25:
		w.eachSession("overflow", w.overflow)
	case n < 26:
		w.eachSession("cut soon", func(s *imaptest.Session) { s.CutAfter(int64(w.intn(500))) })
	case n < 27:
		deaf := w.oneIn(2)
		w.logf("-- deaf: %v", deaf)
		w.server.SetDeafIdle(deaf)
	case n < 28:
		lossy := w.oneIn(2)
		w.logf("-- notifications get lost: %v", lossy)
		w.server.SetLossyNotify(lossy)
	case n < 29:
		down := w.oneIn(2)
		w.logf("-- down: %v", down)
		w.set(func() { w.down = down })
	case n < 31:
		if w.oneIn(3) {
			w.eachSession("stall", (*imaptest.Session).Stall)
		}
		w.logf("-- stop")
		w.stop()
		w.happen()
		w.start()
	case n < 33:
		w.logf("-- kill")
		w.store.freeze(true)
		w.stop()
		w.store.freeze(false)
		for range w.intn(3) {
			w.happen()
		}
		w.start()
	case n < 34:
		save, load := w.oneIn(2), w.oneIn(4)
		w.logf("-- Store fails to save: %v, to load: %v", save, load)
		w.store.set(save, load)
		if save && w.way.connections > 0 && w.oneIn(2) { // and what is told meanwhile moves
			name := w.anyMailbox()
			w.append(name)
			time.Sleep(3 * time.Minute)
			w.rename(name)
			time.Sleep(3 * time.Minute)
		}
	case n < 35:
		w.renewToken()
	case n < 36:
		time.Sleep(time.Duration(w.intn(20)) * time.Minute)
	default:
		time.Sleep(time.Duration(w.intn(60000)) * time.Millisecond)
	}
	if w.oneIn(2) {
		synctest.Wait()
	}
}

func (w *world) eachSession(what string, do func(*imaptest.Session)) {
	for _, s := range w.server.Sessions() {
		if w.oneIn(2) {
			w.logf("-- %s %d", what, s.ID())
			do(s)
		}
	}
}

func (w *world) overflow(s *imaptest.Session) {
	w.set(func() { w.overflows++ })
	s.Overflow()
}

// sweeps is how much longer news may take that comes during a sweep, where there is no NOTIFY, or it was given up.
func (w *world) sweeps() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.way.notify || w.overflows >= 3 {
		return 2
	}
	return 1
}

// onCommand has something happen in the middle of a command, and some of them fail.
func (w *world) onCommand(c imaptest.Command) imaptest.Verdict {
	if !w.isChaos() {
		return imaptest.Pass
	}
	if w.oneIn(12) {
		w.happenToMessages()
	}
	if c.Name == "STATUS" && w.isUnasked(string(c.Args[0].Text)) {
		return imaptest.Refuse(imap.NO, "", "not now")
	}
	if !w.oneIn(25) {
		return imaptest.Pass
	}
	n := w.intn(6)
	if c.Name == "LOGIN" && n < 2 || c.Name == "LOGOUT" {
		return imaptest.Pass // the password is right
	}
	w.logf("-- fault %d of %s", n, c.Name)
	if c.Name == "NOTIFY" && n < 2 {
		w.set(func() { w.overflows = 3 })
	}
	switch n {
	case 0:
		return imaptest.Refuse(imap.NO, "", "not now")
	case 1:
		return imaptest.Refuse(imap.BAD, "", "what?")
	case 2:
		return imaptest.Drop
	case 3:
		c.Session.CutAfter(int64(w.intn(300)))
	case 4:
		if c.Name == "NOOP" {
			return imaptest.Reply("{tag} OK mute\r\n")
		}
		return imaptest.Ignore
	case 5:
		c.Session.Stall()
	}
	return imaptest.Pass
}

func (w *world) isUnasked(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.unasked == name
}

// happen changes something on the server.
func (w *world) happen() {
	if w.way.connections == 0 || !w.oneIn(6) {
		w.happenToMessages()
		return
	}
	names := w.user.Mailboxes()
	name := names[w.intn(len(names))]
	switch w.intn(4) {
	case 0, 1:
		other := w.anyName()
		if w.oneIn(3) {
			w.logf("-- STATUS of %s is refused", other)
			w.set(func() { w.unasked = other })
		}
		w.logf("-- create %s", other)
		w.append(other)
	case 2:
		if name != "INBOX" {
			w.logf("-- delete %s", name)
			w.user.DeleteMailbox(name)
		}
	case 3:
		w.rename(name)
	}
}

func (w *world) anyName() string { return []string{"Work", "A", "B", "C/D"}[w.intn(4)] }

func (w *world) rename(name string) {
	other := w.anyName()
	w.logf("-- rename %s to %s: %v", name, other, w.user.RenameMailbox(name, other))
}

func (w *world) append(name string) {
	w.rngMu.Lock()
	w.mails++
	subject := fmt.Sprint("m", w.mails)
	w.rngMu.Unlock()
	m := w.user.Mailbox(name)
	w.told.during(func() {
		uid := m.Append(mail(subject))
		w.told.ever[message{m.Snapshot().UIDValidity, uid}] = subject
	})
	w.logf("-- append %s to %s", subject, name)
}

// reuse has the server give UIDs that it gave to others, as one does that forgot them. Where the server has mod-sequences that is
// noticed by flags that are what they were, so nothing else happens meanwhile.
func (w *world) reuse() {
	names := []string{"INBOX"}
	if w.way.connections > 0 {
		names = w.user.Mailboxes()
	}
	name := names[w.intn(len(names))]
	m := w.user.Mailbox(name)
	stopped := w.oneIn(2)
	switch {
	case stopped && w.noModSeqs && w.oneIn(2):
		w.dieTelling(name)
	case len(m.Snapshot().Messages) == 0:
		return
	case stopped:
		w.stop()
	}
	is := m.Snapshot()
	first := is.Messages[max(0, len(is.Messages)-1-w.intn(3)):]
	shifts := !stopped && w.noModSeqs && w.oneIn(2) // under sessions that go on
	var raw [][]byte
	var subjects []string
	for range 1 + w.intn(2) {
		w.rngMu.Lock()
		w.mails++
		subjects = append(subjects, fmt.Sprint("m", w.mails))
		w.rngMu.Unlock()
		raw = append(raw, mail(subjects[len(subjects)-1]))
		if shifts {
			break
		}
	}
	w.told.during(func() {
		if w.told.untrue(is.UIDValidity, first[0].UID, w.noModSeqs) {
			return
		}
		var uids []imap.UID
		for _, msg := range first {
			subject := w.told.ever[message{is.UIDValidity, msg.UID}]
			subjects = append(subjects, subject)
			w.told.again[name+" "+subject] = true
			uids = append(uids, msg.UID)
		}
		if shifts {
			m.ShiftUIDs(first[0].UID, raw[0])
			uids = append(uids, is.UIDNext)
		} else {
			m.ReuseUIDs(first[0].UID, raw...)
			uids = uids[:0]
			for i := range subjects {
				uids = append(uids, first[0].UID+imap.UID(i))
			}
		}
		for i, subject := range subjects {
			id := message{is.UIDValidity, uids[i]}
			if was, used := w.told.ever[id]; used {
				w.told.former[id] = append(w.told.former[id], was)
			}
			w.told.ever[id] = subject
			w.told.mistakable(name, id.uid, subject)
		}
		w.logf("-- UIDs from %d on are given anew in %s, sessions go on: %v: %v", first[0].UID, name, shifts, subjects)
	})
	if stopped {
		w.start()
	}
}

// dieTelling has messages arrive, and the program be killed when it has told of one of them: nothing is saved, and nothing told, from
// that moment on.
func (w *world) dieTelling(name string) {
	w.logf("-- the program is to be killed when it tells of a message")
	w.told.during(func() { w.told.mortal = true })
	for range 2 + w.intn(3) {
		w.append(name)
	}
	for range 30 {
		time.Sleep(10 * time.Second) // a sweep is each 2 minutes
		if synctest.Wait(); w.told.isDead() {
			break
		}
	}
	w.stop()
	w.told.during(func() { w.told.mortal, w.told.dead = false, false })
}

func (w *world) happenToMessages() {
	name := w.anyMailbox()
	m := w.user.Mailbox(name)
	is := m.Snapshot()
	any := func() imap.UID { return is.Messages[w.intn(len(is.Messages))].UID }
	switch n := w.intn(24); {
	case n < 9 || len(is.Messages) == 0:
		w.append(name)
	case n < 13:
		uid := any()
		w.logf("-- expunge %d in %s", uid, name)
		m.Expunge(uid)
	case n < 14:
		w.logf("-- expunge all in %s", name)
		uids := slices.Collect(is.UIDs().All())
		m.Expunge(uids...)
	case n < 22:
		uid, f := any(), []imap.Flag{imap.FlagSeen, imap.FlagFlagged, imap.FlagDeleted, "work"}[w.intn(4)]
		if w.oneIn(2) {
			w.logf("-- flag %d in %s: +%s", uid, name, f)
			m.AddFlags(uid, f)
		} else {
			w.logf("-- flag %d in %s: -%s", uid, name, f)
			m.RemoveFlags(uid, f)
		}
	case n == 23 && w.oneIn(2):
		w.append(name)
		w.logf("-- and it is gone from %s", name)
		is := m.Snapshot()
		m.Expunge(is.UIDs().Max())
	case n == 22 && w.oneIn(3):
		w.told.during(func() {
			was := map[int]string{}
			for i, msg := range m.Snapshot().Messages {
				was[i] = w.told.ever[message{m.Snapshot().UIDValidity, msg.UID}]
			}
			validity := m.ResetUIDValidity()
			for i, msg := range m.Snapshot().Messages {
				w.told.ever[message{validity, msg.UID}] = was[i]
			}
			w.logf("-- renumber %s: %d", name, validity)
		})
	}
}
