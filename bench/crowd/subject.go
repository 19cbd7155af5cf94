package crowd

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// Setup is what a subject gets: how many mailboxes of which server it is to have open.
type Setup struct {
	Addr      string
	TLS       *tls.Config // nil: plain
	Mailboxes int
	// Often is how many times as often as usual is done what is done at rest: IDLE begun anew, the truth check.
	Often float64

	mu     sync.Mutex
	heards []Heard // guarded by mu
	opens  atomic.Int64
}

// heard notes that news of a message is there.
func (s *Setup) heard(user int, uid uint32) {
	at := time.Now().UnixNano()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heards = append(s.heards, Heard{user, uid, at})
}

// each does something for all mailboxes, some at the same time.
func (s *Setup) each(ctx context.Context, do func(ctx context.Context, user int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(128)
	for user := range s.Mailboxes {
		g.Go(func() error { return do(ctx, user) })
	}
	return g.Wait()
}

// subject is something that has many mailboxes open.
type subject interface {
	// open opens all and returns when they idle.
	open(ctx context.Context) error
	close()
}

// Subject is one that can be asked for by name.
type Subject struct {
	Name, Does string
	make       func(*Setup) subject
}

// Subjects are all that is measured.
var Subjects = []Subject{
	{Manager, "watch.Manager: the whole watcher, with checkpoints and summaries in memory", newManager},
	{Poller, "imapclient.Conn, each in one imapclient.Poller: IDLE, and what is pushed as values", newPolled},
	{Bare, "a goroutine in Read for each connection, which looks for EXISTS; no buffer but its own 512 bytes", newBare},
	{BareFetch, "the same, and after EXISTS one write with DONE and FETCH", newBareFetch},
	{GoIMAPv2, "Client.Idle of each connection", newGoIMAPv2},
	{GoIMAPv1, "Client.Idle of each connection, on a goroutine, since it returns only then", newGoIMAPv1},
}

// The names of subjects.
const (
	Manager   = "pushmail"
	Poller    = "pushmail, Poller"
	Bare      = "read loop"
	BareFetch = "read loop + FETCH"
	GoIMAPv2  = "go-imap v2"
	GoIMAPv1  = "go-imap v1"
)

func find(name string) *Subject {
	for i := range Subjects {
		if Subjects[i].Name == name {
			return &Subjects[i]
		}
	}
	return nil
}

// Resting is what a process takes up while nothing happens.
type Resting struct {
	RSS        int64         `json:"rss"`
	Heap       int64         `json:"heap"`
	Stacks     int64         `json:"stacks"`
	Goroutines int           `json:"goroutines"`
	CPU        time.Duration `json:"cpu"` // so far, user and system
}

// rests measures this process after a collection that gives back what is free, so that all are alike.
func rests() Resting {
	runtime.GC()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return Resting{RSS: rss(), Heap: int64(m.HeapAlloc), Stacks: int64(m.StackInuse), Goroutines: runtime.NumGoroutine(), CPU: cpu()}
}

// rss is the resident memory of this process, 0 where the system does not tell.
func rss() int64 {
	text, _ := os.ReadFile("/proc/self/statm")
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

func cpu() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// Run is a subject's process: it answers each line of in, a word, with a line of JSON.
//
//	open     opens all mailboxes: how long it took, in seconds
//	rest     a Resting
//	cpu      the CPU time so far
//	heard    the []Heard since the last time
//	opens    how many mailboxes were opened or opened again, and compared, so far
//	reopen   closes all and opens them: how long that took, in seconds
//	profile  writes the heap's profile to the file named by CROWD_PROFILE
func Run(ctx context.Context, name string, s *Setup, in io.Reader, out io.Writer) error {
	kind := find(name)
	if kind == nil {
		return errors.New("no subject is named " + name)
	}
	sub := kind.make(s)
	defer func() { sub.close() }()
	answers := json.NewEncoder(out)
	for lines := bufio.NewScanner(in); lines.Scan(); {
		var answer any
		var err error
		switch lines.Text() {
		case "open":
			began := time.Now()
			err = sub.open(ctx)
			answer = time.Since(began).Seconds()
		case "reopen":
			sub.close()
			sub = kind.make(s)
			began := time.Now()
			err = sub.open(ctx)
			answer = time.Since(began).Seconds()
		case "rest":
			answer = rests()
		case "cpu":
			answer = cpu()
		case "heard":
			s.mu.Lock()
			answer, s.heards = s.heards, nil
			s.mu.Unlock()
		case "opens":
			answer = s.opens.Load()
		case "profile":
			answer, err = true, profile()
		default:
			err = errors.New("what is " + lines.Text())
		}
		if err != nil {
			return err
		}
		if err := answers.Encode(answer); err != nil {
			return err
		}
	}
	return nil
}

func profile() error {
	path := os.Getenv("CROWD_PROFILE")
	if path == "" {
		return nil
	}
	runtime.GC()
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup("heap").WriteTo(f, 0), f.Close())
}
