package watch_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/watch"
)

// crowd is a Manager of many accounts of one server over TCP, in real time: with sockets that are polled.
type crowd struct {
	t      *testing.T
	server *imaptest.Server
	m      *watch.Manager
	users  []*imaptest.User

	opened atomic.Int64
	mu     sync.Mutex
	heard  map[string][]imap.UID // by account, in order, repetitions left out
	twice  map[string]bool       // ids of events
	handle func(ev watch.Event) error
}

func newCrowd(t *testing.T, n int, o watch.ManagerOptions) *crowd {
	t.Helper()
	c := &crowd{t: t, server: imaptest.NewServer(&imaptest.ServerOptions{Plain: true}), heard: map[string][]imap.UID{}, twice: map[string]bool{}}
	if err := c.server.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	o.Handler = c.take
	m, err := watch.NewManager(o)
	if err != nil {
		t.Fatal(err)
	}
	c.m = m
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := m.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		_ = c.server.Close()
	})
	hosts := &watch.Hosts{LoginsPerSecond: -1}
	for i := range n {
		name := "user" + strconv.Itoa(i)
		c.users = append(c.users, c.server.AddUser(name, "secret"))
		c.add(name, c.server.Addr().String(), hosts)
	}
	c.until("not all are open", func() bool { return c.opened.Load() >= int64(n) })
	return c
}

func (c *crowd) add(name, addr string, hosts *watch.Hosts) {
	c.t.Helper()
	err := c.m.Add(watch.AccountOptions{Options: watch.Options{
		Account: name, Mailbox: "INBOX", Login: loginAs(name), Hosts: hosts, Backoff: 20 * time.Millisecond,
		Client: imapclient.Options{Addr: addr, Security: imapclient.InsecurePlaintext},
	}})
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *crowd) take(_ context.Context, ev watch.Event) error {
	if ev.Type == watch.MailboxOpen {
		c.opened.Add(1)
	}
	if ev.Type != watch.MessageNew {
		return nil
	}
	c.mu.Lock()
	handle := c.handle
	c.mu.Unlock()
	if handle != nil {
		if err := handle(ev); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.twice[ev.ID] {
		c.twice[ev.ID] = true
		c.heard[ev.Account] = append(c.heard[ev.Account], ev.UID)
	}
	return nil
}

// count is how many messages of an account were heard of.
func (c *crowd) count(account string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.heard[account])
}

func (c *crowd) until(what string, ok func() bool) {
	c.t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatal(what)
		}
	}
}

// reaches tells whether a message to a mailbox becomes an event.
func (c *crowd) reaches(i int) {
	c.t.Helper()
	account := "user" + strconv.Itoa(i)
	before := c.count(account)
	c.users[i].Mailbox("INBOX").Append(mail("for " + account))
	c.until(account+" hears of nothing", func() bool { return c.count(account) == before+1 })
}

// TestManyParkedConnectionsSurviveRandomCuts is for the race detector, too: each message is told once, in order.
func TestManyParkedConnectionsSurviveRandomCuts(t *testing.T) {
	n := 2000
	if testing.Short() {
		n = 100
	}
	before := runtime.NumGoroutine()
	c := newCrowd(t, n, watch.ManagerOptions{})
	if runtime.GOOS == "linux" {
		// Of this process's goroutines the server has some for each connection; the watcher may have next to none.
		perConn := (runtime.NumGoroutine() - before) / n
		c.until("mailboxes at rest have goroutines", func() bool { return runtime.NumGoroutine()-before-perConn*n < 100 })
	}
	rnd := rand.New(rand.NewPCG(3, 4))
	sent := make([]int, n)
	for round := range 3 {
		sessions := c.server.Sessions()
		for range n / 4 {
			sessions[rnd.IntN(len(sessions))].Cut()
			i := rnd.IntN(n)
			c.users[i].Mailbox("INBOX").Append(mail(fmt.Sprint("round ", round)))
			sent[i]++
		}
	}
	for i, want := range sent {
		account := "user" + strconv.Itoa(i)
		c.until(account+" has not heard of all", func() bool { return c.count(account) == want })
		c.mu.Lock()
		for k, uid := range c.heard[account] {
			if uid != imap.UID(k+1) {
				t.Errorf("%s heard of %v", account, c.heard[account])
			}
		}
		c.mu.Unlock()
	}
	up := func() bool {
		for _, st := range c.m.Status() {
			if !st.Mailboxes[0].Up {
				return false
			}
		}
		return true
	}
	c.until("not all are up", up)
}

// TestFloodOfOneMailboxDelaysNoOther: a server that says EXISTS without end in one session.
func TestFloodOfOneMailboxDelaysNoOther(t *testing.T) {
	c := newCrowd(t, 20, watch.ManagerOptions{Active: 2})
	flooded := c.server.Sessions()[0]
	over := make(chan struct{})
	var flood sync.WaitGroup
	defer flood.Wait()
	defer close(over)
	flood.Go(func() {
		for n := 1; ; n++ {
			select {
			case <-over:
				return
			case <-time.After(10 * time.Millisecond):
				flooded.Inject(strings.Repeat("* 0 EXISTS\r\n* 1 EXISTS\r\n", 50)) // 10,000 a second
			}
		}
	})
	for i, u := range c.users {
		if u != flooded.User() {
			c.reaches(i)
		}
	}
}

// TestSlowServersKeepNobodyFromWorking: more servers that say a byte a second than may be connected to at the same time.
func TestSlowServersKeepNobodyFromWorking(t *testing.T) {
	c := newCrowd(t, 3, watch.ManagerOptions{Active: 2})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var slow sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); l.Close(); slow.Wait() })
	slow.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			slow.Go(func() { lorisServer(ctx, nc) })
		}
	})
	for i := range 5 {
		c.add("loris"+strconv.Itoa(i), l.Addr().String(), &watch.Hosts{})
	}
	for i := range 3 {
		c.reaches(i)
	}
	for i := range 5 {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		if ok, err := c.m.Remove(ctx, "loris"+strconv.Itoa(i)); !ok || err != nil {
			t.Errorf("removing: %v, %v", ok, err)
		}
		cancel()
	}
}

// lorisServer greets, a byte a second.
func lorisServer(ctx context.Context, nc net.Conn) {
	defer nc.Close()
	for _, b := range []byte("* OK you have all the time in the world\r\n") {
		if _, err := nc.Write([]byte{b}); err != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
	}
}

// TestStuckHandlersKeepNobodyFromWorking: more of them than there are slots and workers.
func TestStuckHandlersKeepNobodyFromWorking(t *testing.T) {
	const stuck = 300
	c := newCrowd(t, stuck+1, watch.ManagerOptions{Active: 4})
	release := make(chan struct{})
	var held atomic.Int64
	c.mu.Lock()
	c.handle = func(ev watch.Event) error {
		if ev.Account != "user0" {
			held.Add(1)
			<-release
		}
		return nil
	}
	c.mu.Unlock()
	for i := 1; i <= stuck; i++ {
		c.users[i].Mailbox("INBOX").Append(mail("held up"))
	}
	c.until("not all handlers are stuck", func() bool { return held.Load() == stuck })
	c.reaches(0)
	close(release)
	for i := 1; i <= stuck; i++ {
		account := "user" + strconv.Itoa(i)
		c.until(account+" was forgotten", func() bool { return c.count(account) == 1 })
	}
}

// TestPollerThatIsClosedUnderneathIsReplaced: somebody closes a number that is not his.
func TestPollerThatIsClosedUnderneathIsReplaced(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no epoll")
	}
	// Go's own epoll comes with the first connection of the program.
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	} else {
		defer l.Close()
	}
	before := eventPolls(t)
	c := newCrowd(t, 10, watch.ManagerOptions{})
	closed := 0
	for fd := range eventPolls(t) {
		if !before[fd] {
			closed++
			_ = syscall.Close(fd)
		}
	}
	if closed != 1 {
		t.Fatalf("%d epoll instances were made, want 1", closed)
	}
	// It is noticed when the next connection is to wait, or the next IDLE begun anew.
	c.server.AddUser("another", "secret")
	c.add("another", c.server.Addr().String(), &watch.Hosts{})
	for i := range 10 {
		c.reaches(i)
	}
}

// eventPolls are the epoll instances of this process.
func eventPolls(t *testing.T) map[int]bool {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	found := map[int]bool{}
	for _, e := range all {
		if to, _ := os.Readlink("/proc/self/fd/" + e.Name()); to == "anon_inode:[eventpoll]" {
			fd, _ := strconv.Atoi(e.Name())
			found[fd] = true
		}
	}
	return found
}

// TestManagerWithoutFileDescriptors: those that have a connection go on, the others come back when there are some.
func TestManagerWithoutFileDescriptors(t *testing.T) {
	inManager(t, watch.ManagerOptions{}, func(b *managed) {
		fine := b.add("fine", "INBOX")
		b.expect("fine INBOX: open 0 initial idle")
		b.bench.mu.Lock() // that of fault
		b.fault = func() error {
			return &imapclient.DialError{Addr: "mail.example.org:993", Stage: "connect", Err: os.NewSyscallError("socket", syscall.EMFILE)}
		}
		b.bench.mu.Unlock()
		for i := range 20 {
			b.add("poor"+strconv.Itoa(i), "INBOX")
		}
		b.wait(time.Hour)
		fine.Mailbox("INBOX").Append(mail("goes on"))
		synctest.Wait()
		if n := b.dialed(); n > 21*45 {
			t.Errorf("%d attempts in an hour", n)
		}
		b.bench.mu.Lock()
		b.fault = nil
		b.bench.mu.Unlock()
		b.mu.Lock()
		b.events = nil
		b.mu.Unlock()
		b.wait(10 * time.Minute)
		for _, st := range b.m.Status() {
			if !st.Mailboxes[0].Up {
				t.Errorf("%s: %+v", st.Account, st.Mailboxes[0])
			}
		}
		fine.Mailbox("INBOX").Append(mail("goes on"))
		synctest.Wait()
		b.mu.Lock()
		defer b.mu.Unlock()
		if last := b.events[len(b.events)-1]; last != "fine INBOX: new 2 goes on" {
			t.Errorf("the last event is %s", last)
		}
	})
}

// TestManyLoginsAreARamp: neither the start nor the end of an outage is a burst.
func TestManyLoginsAreARamp(t *testing.T) {
	inManager(t, watch.ManagerOptions{}, func(b *managed) {
		b.opts.Hosts = &watch.Hosts{LoginsPerSecond: 10, LoginBurst: 20}
		const n = 200
		for i := range n {
			b.add("user"+strconv.Itoa(i), "INBOX")
		}
		ramp := func(what string) {
			t.Helper()
			before := b.dialed()
			for s := range 30 {
				synctest.Wait()
				if got, most := b.dialed()-before, 21+10*s; got > most {
					t.Errorf("%s: %d logins after %d s, want at most %d", what, got, s, most)
				}
				b.wait(time.Second)
			}
			for _, st := range b.m.Status() {
				if !st.Mailboxes[0].Up {
					t.Errorf("%s: %s is not up", what, st.Account)
				}
			}
		}
		for _, s := range b.server.Sessions() {
			s.Cut() // begin without the burst at time 0
		}
		ramp("at the start")
		b.wait(time.Minute)
		b.cutAll()
		ramp("after an outage")
	})
}
