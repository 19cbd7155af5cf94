package soak

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/daemon"
	"github.com/pushmail/pushmail/e2e/netfault"
	"github.com/pushmail/pushmail/e2e/pushmail"
)

var (
	length = flag.Duration("for", usual(), "how long things break on each server")
	seed   = flag.Uint64("seed", 0, "seed of the faults; 0 means a new one, which is printed")
)

// usual is how long things break when nobody says for how long: nobody waits for CI.
func usual() time.Duration {
	if os.Getenv("CI") == "true" {
		return 2 * time.Minute
	}
	return 15 * time.Second
}

// patience bounds the wait for what is not reported yet when nothing breaks any more: a black hole takes half a minute
// and the restart of IDLE to be found, or two minutes in the middle of a command (imapclient.Options.CommandTimeout), and the
// pause before a reconnect has grown.
const patience = 3 * time.Minute

func TestMain(m *testing.M) {
	code := m.Run()
	if err := pushmail.Cleanup(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// TestNothingIsLostWhateverBreaks plays one scenario on each server: three writers bring mail while the server, the
// connections and the program are killed at random moments. At the end each message of the mailbox must have been
// reported, under one id.
func TestNothingIsLostWhateverBreaks(t *testing.T) {
	if testing.Short() {
		t.Skip("needs servers")
	}
	var mu sync.Mutex
	rows := []string{heading, strings.Repeat("| --- ", strings.Count(heading, "|")-1) + "|"}
	t.Run("servers", func(t *testing.T) {
		for _, kind := range servers {
			t.Run(kind.name, func(t *testing.T) {
				t.Parallel()
				s, d := kind.start(t)
				row := newScenario(t, kind.name, s, d).play()
				mu.Lock()
				defer mu.Unlock()
				rows = append(rows, row)
			})
		}
	})
	t.Log("\n" + strings.Join(rows, "\n"))
}

// scenario is one server with all that happens to it.
type scenario struct {
	t       *testing.T
	name    string
	s       server
	d       *daemon.Server
	proxy   *netfault.Proxy
	state   string
	random  *rand.Rand
	writers []*writer

	run   *pushmail.Run
	runs  [][]pushmail.Event // those that were killed
	tally *tally
}

func newScenario(t *testing.T, name string, s server, d *daemon.Server) *scenario {
	sd := *seed
	if sd == 0 {
		sd = rand.Uint64()
	}
	t.Logf("repeat with: go test ./e2e/soak -run '//%s' -for %v -seed %d", name, *length, sd)
	sc := &scenario{
		t: t, name: name, s: s, d: d, proxy: netfault.Start(t, d.IMAPS), state: t.TempDir(),
		random: rand.New(rand.NewPCG(sd, 0)), tally: newTally(),
	}
	deliver := func(m []byte) error { return s.Deliver(user, m) }
	for name, put := range map[string]func([]byte) error{
		"first": deliver, "second": deliver, "third": (&appender{dial: dialer(s, d.IMAPS)}).put,
	} {
		sc.writers = append(sc.writers, &writer{name: name, put: put, stored: map[string]time.Time{}})
	}
	return sc
}

func (sc *scenario) play() (row string) {
	began := time.Now()
	check(sc.t, sc.s.Deliver(user, []byte("Subject: the mailbox exists\r\n\r\n")))
	sc.start()
	sc.run.WaitFor(sc.t, patience, "open event", pushmail.Is(pushmail.Open))
	_, baseline, err := sc.mailbox()
	check(sc.t, err)
	ctx, cancel := context.WithTimeout(sc.t.Context(), *length)
	defer cancel()
	var writing sync.WaitGroup
	for i, w := range sc.writers {
		random := rand.New(rand.NewPCG(sc.random.Uint64(), uint64(i)))
		writing.Go(func() {
			w.run(ctx, func() time.Duration { return time.Duration(20+random.IntN(400)) * time.Millisecond })
		})
	}
	for {
		sleep(ctx, time.Duration(200+sc.random.IntN(3000))*time.Millisecond)
		if ctx.Err() != nil {
			break
		}
		sc.strike(ctx)
	}
	writing.Wait()
	sc.proxy.Pass()
	lost, messages := sc.settle(baseline)
	row = sc.tally.row(sc.name, time.Since(began), messages, len(lost))
	if len(lost) > 0 {
		sc.t.Errorf("%d of %d messages were not reported: UIDs %v", len(lost), messages, lost)
	}
	for _, w := range sc.tally.wrong {
		sc.t.Error(w)
	}
	return row
}

// start runs the program with the state that it had.
func (sc *scenario) start() {
	sc.run = pushmail.Start(sc.t, pushmail.Options{
		Args: []string{
			"watch", "--json", "--ca-file", sc.d.CertPEM, "--state", sc.state, "--idle-restart", "2s", "--keep-trying",
			"imaps://" + user + "@" + sc.proxy.Addr() + "/INBOX",
		},
		Env: []string{"PUSHMAIL_PASSWORD=" + daemon.Password},
	})
}

// strike breaks one thing.
func (sc *scenario) strike(ctx context.Context) {
	switch sc.random.IntN(10) {
	case 0, 1:
		sc.tally.servers++
		check(sc.t, sc.s.Kill())
		sleep(ctx, time.Duration(sc.random.IntN(1000))*time.Millisecond)
		check(sc.t, sc.s.Restart())
	case 2, 3, 4:
		sc.tally.program++
		sc.run.Kill()
		sc.runs = append(sc.runs, sc.run.Events())
		sc.start()
	case 5:
		sc.tally.network++
		sc.proxy.HalfClose([]netfault.Direction{netfault.ToServer, netfault.ToClient}[sc.random.IntN(2)])
	case 6:
		sc.tally.network++
		sc.proxy.Blackhole([]netfault.Direction{netfault.ToServer, netfault.ToClient, netfault.Both}[sc.random.IntN(3)])
	case 7:
		sc.tally.network++
		sc.proxy.Refuse(true)
		sc.proxy.Cut()
		sleep(ctx, time.Duration(sc.random.IntN(2000))*time.Millisecond)
		sc.proxy.Pass()
	default:
		sc.tally.network++
		sc.proxy.Cut()
	}
}

// settle waits until everything that is in the mailbox was reported, and counts.
func (sc *scenario) settle(baseline map[uint32]string) (lost []uint32, messages int) {
	stored := map[string]time.Time{}
	for _, w := range sc.writers {
		w.mu.Lock()
		maps.Copy(stored, w.stored)
		w.mu.Unlock()
	}
	counters := sc.tally
	deadline, fewest := time.Now().Add(patience), -1
	for ; ; time.Sleep(time.Second) { // a mailbox may show its last messages late
		validity, are, err := sc.mailbox()
		check(sc.t, err)
		c := newTally()
		for i, events := range append(sc.runs[:len(sc.runs):len(sc.runs)], sc.run.Events()) {
			c.add(i, events, stored)
		}
		c.servers, c.network, c.program = counters.servers, counters.network, counters.program
		sc.tally, lost, messages = c, nil, 0
		for _, uid := range c.lost(validity, are) {
			if baseline[uid] != are[uid] {
				lost = append(lost, uid)
			}
		}
		messages = len(are) - len(baseline)
		if fewest < 0 || len(lost) < fewest { // it comes nearer: on a machine that is busy that takes long
			deadline, fewest = time.Now().Add(patience), len(lost)
		}
		if len(lost) == 0 && messages >= len(stored) || time.Now().After(deadline) {
			if messages < len(stored) {
				sc.t.Errorf("the server has %d messages, and said that it had stored %d", messages, len(stored))
			}
			break
		}
	}
	sc.run.Stop(sc.t)
	return lost, messages
}

// mailbox asks the server itself what there is: the subject of each message.
func (sc *scenario) mailbox() (validity uint32, messages map[uint32]string, err error) {
	s, err := dialer(sc.s, sc.d.IMAPS)()
	if err != nil {
		return 0, nil, err
	}
	defer s.Close()
	lines, err := s.Do("SELECT INBOX")
	if err != nil {
		return 0, nil, err
	}
	for _, l := range lines {
		if _, rest, ok := strings.Cut(l, "[UIDVALIDITY "); ok {
			number, _, _ := strings.Cut(rest, "]")
			n, err := strconv.ParseUint(number, 10, 32)
			if err != nil {
				return 0, nil, err
			}
			validity = uint32(n)
		}
	}
	messages, err = s.Subjects()
	return validity, messages, err
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
