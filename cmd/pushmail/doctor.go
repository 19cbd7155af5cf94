package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const doctorLong = `Look at a server and an account, say in plain words what was found, and what to do about
it. Nothing is changed there unless --test-message is given.

It connects, logs in, and opens the mailbox read-only, as "pushmail watch" would, and
explains: TLS and the certificate, how it logged in and why so, what the server can do,
how new mail would be noticed (push or polling), how it would find out what changed while
it was away, the mailboxes, the limits, and what watching would cost.

Every line has a level:

  ok       as it should be
  note     works, but could be better, or is good to know
  problem  mail may come late or get lost, or something breaks soon

and where something can be done, a line with an arrow says what.

--test-message puts a message into the mailbox, marked as read, measures how long the
server takes to tell of it and of its going, and removes it again: that message alone,
for which the server needs UIDPLUS. On Gmail it goes to the trash.

--measure-idle stays in IDLE and says nothing, to find out after how long the server, or
a router on the way, gives the connection up. It takes as long as that, at most --for;
Ctrl-C ends it with what is known by then.

The exit code is 0 without a problem and 8 with one; if it came no further, it is the one
that "pushmail watch" would end with (pushmail help exit-codes). --trace adds what was
said, without the password.`

const doctorExample = `  pushmail doctor imaps://jo@mail.example.org
  pushmail doctor --test-message imaps://jo@mail.example.org/INBOX
  pushmail doctor --mailbox 'Lists/*' --mailbox INBOX imaps://jo@mail.example.org
  pushmail doctor --measure-idle --for 40m imaps://jo@mail.example.org
  pushmail doctor --json imaps://jo@mail.example.org | jq -r '.findings[] | select(.level == "problem").text'`

// doctorFlags are the flags of "doctor".
type doctorFlags struct {
	conn        connFlags
	json        bool
	trace       bool
	testMessage bool
	measureIdle bool
	idleFor     time.Duration
	which       mailboxFlags // for which mailboxes to plan
}

func (a *app) doctorCommand() *cobra.Command {
	f := &doctorFlags{}
	cmd := &cobra.Command{
		Use:     "doctor [flags] URL",
		Short:   "Say what a server can do, what is wrong, and how to mend it",
		Long:    doctorLong,
		Example: doctorExample,
		Args:    oneURL,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.doctor(cmd.Context(), f, args[0], cmd.Flags().Changed("for"))
		},

		DisableFlagsInUseLine: true,
	}
	f.register(cmd.Flags())
	return cmd
}

func (f *doctorFlags) register(fs *pflag.FlagSet) {
	fs.SortFlags = false
	fs.BoolVar(&f.json, "json", false, "print one object of JSON: findings, and what they are drawn from")
	fs.BoolVar(&f.testMessage, "test-message", false, "put a message into the mailbox, measure push, remove it again")
	fs.BoolVar(&f.measureIdle, "measure-idle", false, "find out how long an IDLE may last")
	fs.DurationVar(&f.idleFor, "for", 30*time.Minute, "how long --measure-idle may take at most")
	fs.BoolVar(&f.trace, "trace", false, "show what client and server said, without the password")
	f.which.registerChoice(fs)
	f.conn.register(fs)
}

// maxIdleFor bounds --for: nobody wants a longer IDLE than a day.
const maxIdleFor = 24 * time.Hour

func (f *doctorFlags) validate(forGiven bool) error {
	switch {
	case forGiven && !f.measureIdle:
		return usageError{errors.New("--for is the time for --measure-idle, which was not given")}
	case f.which.connections < 0:
		return usageError{errors.New("--max-connections must not be negative")}
	case f.idleFor <= 0 || f.idleFor > maxIdleFor:
		return usageError{fmt.Errorf("--for must be more than 0 and at most %v", maxIdleFor)}
	}
	return nil
}

// errProblems says that the doctor has found something. Its report has said what.
var errProblems = errors.New("problems were found")

func (a *app) doctor(ctx context.Context, f *doctorFlags, url string, forGiven bool) error {
	if err := f.validate(forGiven); err != nil {
		return err
	}
	c, err := f.conn.resolve(a, url)
	if err != nil {
		return err
	}
	defer c.close()
	if f.which.many() && c.url.Mailbox != "" {
		return usageError{fmt.Errorf("%s names a mailbox: leave it out with --mailbox", c.url)}
	}
	ctx, done := untilHangup(ctx, a.out)
	defer done()
	d := newExamination(c, f)
	defer d.close()
	out := a.reportWriter(f, d)
	failure := d.examine(ctx)
	if err := out.first(); err != nil {
		return err
	}
	if failure == nil {
		d.measure(ctx, a.warn)
	}
	if err := out.rest(); err != nil {
		return err
	}
	switch {
	case failure != nil:
		return atURL(c.url, failure)
	case worst(out.findings) == levelProblem:
		return errProblems
	}
	return nil
}
