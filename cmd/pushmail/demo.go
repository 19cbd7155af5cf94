package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/watch"
)

const demoLong = `See pushmail at work, without an account and without a network.

A mail server is started in this program, on a port of this machine, and "pushmail
watch" on it. Messages arrive, are read and deleted; once in a while the line is cut.
Lines that start with "--" say what the demo does; all others are what "pushmail watch"
prints about it. At the end the demo checks that everything was reported exactly once;
if not, the exit code is 1.

Other programs can connect meanwhile: the demo says how.`

const demoExample = `  pushmail demo --for 20s
  pushmail demo --for 1m --every 50ms --seed 7
  pushmail demo --json 2>/dev/null | jq -r .type
  pushmail demo --daemon demo                  and in another terminal: pushmail serve demo`

// demoFlags are the flags of "demo".
type demoFlags struct {
	length time.Duration
	every  time.Duration
	seed   uint64
	output outputFlags
	trace  string
	daemon string
}

func (a *app) demoCommand() *cobra.Command {
	f := &demoFlags{}
	cmd := &cobra.Command{
		Use:     "demo",
		Short:   "See it at work, without any account",
		Long:    demoLong,
		Example: demoExample,
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.demo(cmd.Context(), f) },
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.DurationVar(&f.length, "for", 0, "end after this time; 0 for Ctrl-C")
	fs.DurationVar(&f.every, "every", 1300*time.Millisecond, "how long to wait between two steps, on average")
	fs.Uint64Var(&f.seed, "seed", 1, "play the story with this number")
	fs.BoolVar(&f.output.json, "json", false, "print each event as one line of JSON (CloudEvents 1.0)")
	fs.StringVar(&f.daemon, "daemon", "", "the demo for \"pushmail serve\": write a configuration into `DIR`, and receive the webhooks")
	fs.StringVar(&f.trace, "protocol-log", "", "append what client and server say to `FILE`; - for standard error")
	return cmd
}

// The account of the demo. The port is open to this machine alone.
const (
	demoUser     = "demo"
	demoPassword = "demo-password"
)

// errDemoOver ends the watching.
var errDemoOver = errors.New("the demo is over")

func (a *app) demo(ctx context.Context, f *demoFlags) error {
	if f.length < 0 || f.every <= 0 {
		return usageError{errors.New("--for must not be negative, and --every must be more than 0")}
	}
	if f.daemon != "" {
		return a.demoDaemon(ctx, f)
	}
	dir, err := os.MkdirTemp("", "pushmail-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := newStory(f, a, &imaptest.ServerOptions{}, "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer s.server.Close()
	defer s.line.mend()
	wf, url, err := demoWatch(f, dir, s.server)
	if err != nil {
		return err
	}
	c, err := wf.conn.resolve(a, url)
	if err != nil {
		return err
	}
	defer c.close()
	o := wf.options(c)
	o.Store = watch.FileStore{Dir: wf.state}
	// A real server that hangs up again and again is left alone for longer and longer.
	o.MaxBackoff = time.Second
	a.introduce(dir, url)
	if err := a.play(ctx, f, s, o); err != nil {
		return err
	}
	v := s.tally.verdict()
	a.conclude(&v)
	return v.err()
}

// newStory starts a server with a few messages.
func newStory(f *demoFlags, a *app, o *imaptest.ServerOptions, addr string) (*story, error) {
	s := &story{
		line: &line{}, tally: newTally(), every: f.every, patient: 15 * time.Second,
		dice: rand.New(rand.NewPCG(f.seed, 0)),
	}
	style := a.look(a.err)
	s.tell = func(format string, args ...any) {
		fmt.Fprintln(a.err, style.render(span{"-- " + clean(fmt.Sprintf(format, args...)), dim}))
	}
	o.OnSession = s.line.pass
	s.server = imaptest.NewServer(o)
	s.inbox = s.server.AddUser(demoUser, demoPassword).Mailbox("INBOX")
	for i := range 5 {
		s.sent++
		at := time.Now().Add(time.Duration(i-5) * 26 * time.Hour)
		s.inbox.AppendAt(at, letters[len(letters)-1-i].encode(at, s.sent, s.dice), imap.FlagSeen)
	}
	s.sent = 0
	return s, s.server.Listen("tcp", addr)
}

// demoWatch returns the flags and the URL for "pushmail watch" on the server, with the files that they name.
func demoWatch(f *demoFlags, dir string, server *imaptest.Server) (*watchFlags, string, error) {
	ca, password := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "password")
	err := errors.Join(os.WriteFile(ca, server.CertPEM(), 0o600), os.WriteFile(password, []byte(demoPassword+"\n"), 0o600))
	wf := &watchFlags{
		conn: connFlags{
			caFile: ca, passwordFile: password, connectTimeout: 20 * time.Second, logLevel: "warn", protocolLog: f.trace,
		},
		output: f.output, state: filepath.Join(dir, "state"),
		idleRestart: 9 * time.Minute, pollInterval: time.Minute, verifyInterval: 10 * time.Minute,
	}
	return wf, fmt.Sprintf("imaps://%s@%s/INBOX", demoUser, server.Addr()), err
}

// play runs the story and the watching until the time is over, and then until all was reported.
func (a *app) play(ctx context.Context, f *demoFlags, s *story, o watch.Options) error {
	storyCtx, endStory := context.WithCancel(ctx)
	if f.length > 0 {
		storyCtx, endStory = context.WithTimeout(ctx, f.length)
	}
	defer endStory()
	watchCtx, endWatch := context.WithCancelCause(context.WithoutCancel(ctx))
	told := make(chan error, 1)
	go func() {
		err := s.run(storyCtx)
		s.line.mend()
		if err == nil {
			s.tally.wait(watchCtx, s.patient, s.tally.settledLocked)
		}
		endWatch(errDemoOver)
		told <- err
	}()
	err := follow(watchCtx, watch.Mailbox(watchCtx, o), a.printer(f.output), s.tally.sink)
	endStory()
	endWatch(errDemoOver)
	storyErr := <-told
	if !errors.Is(err, errDemoOver) {
		return err
	}
	if errors.Is(storyErr, errNotReported) {
		return nil // the verdict says what was lost
	}
	return storyErr
}

// introduce says how others can connect.
func (a *app) introduce(dir, url string) {
	style := a.look(a.err)
	say := func(shade colour, format string, args ...any) {
		fmt.Fprintln(a.err, style.render(span{fmt.Sprintf(format, args...), shade}))
	}
	host, _, _ := strings.Cut(strings.TrimPrefix(url, "imaps://"+demoUser+"@"), "/")
	say(bold, "A mail server and \"pushmail watch\" on it, both in this program. Ctrl-C ends it.")
	say(dim, "-- Lines like this one say what the demo does. To join in with another terminal:")
	// Not cut to the width of the terminal: it is there to be copied.
	fmt.Fprintf(a.err, "   pushmail watch --ca-file %s --password-file %s %s\n", filepath.Join(dir, "ca.pem"), filepath.Join(dir, "password"), url)
	say(dim, "-- or with any mail program: IMAP with TLS at %s, user %s, password %s", host, demoUser, demoPassword)
	fmt.Fprintln(a.err)
}

// conclude prints the verdict.
func (a *app) conclude(v *verdict) {
	style := a.look(a.err)
	say := func(shade colour, format string, args ...any) {
		fmt.Fprintln(a.err, style.render(span{fmt.Sprintf(format, args...), shade}))
	}
	fmt.Fprintln(a.err)
	say(bold, "That was the demo.")
	total := v.messages + v.flags + v.expunges
	happened := fmt.Sprintf("%s, %s, %s", count(v.messages, "message"), count(v.flags, "flag"), count(v.expunges, "deletion"))
	if v.err() == nil {
		say(green, "  reported    all %d, each exactly once: %s", total, happened)
	} else {
		say(red, "  reported    %d of %d (%s); %d more than once", total-v.lost, total, happened, v.twice)
	}
	if n := len(v.pushes); n > 0 {
		say(plain, "  pushed      from the server's hand to this screen: median %s, slowest %s, of %s",
			short(v.pushes[n/2]), short(v.pushes[n-1]), count(n, "message"))
	}
	if v.cuts > 0 {
		say(plain, "  line cut    %s, mended by itself; %d of the above happened meanwhile and were found by %s",
			count(v.cuts, "time"), v.offline, strings.Join(v.methods, ", "))
	}
}

// short is a duration with two digits: "1.2ms".
func short(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(10 * time.Millisecond).String()
}
