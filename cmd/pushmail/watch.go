package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/watch"
)

const watchLong = `Watch a mailbox and say what happens in it, as it happens, until Ctrl-C.

URL is imaps://USER@HOST[:PORT]/MAILBOX (TLS), or imap://… which must switch to TLS by
STARTTLS unless --plaintext. Without a mailbox it is INBOX. In names write %2F for /,
%40 for @, %20 for a space. For the password see "pushmail help passwords". Several URLs
are watched at the same time.

--all-mailboxes watches every mailbox of the account, --mailbox those whose names match a
pattern: * is anything, % anything but the hierarchy delimiter. One connection is enough
where the server has NOTIFY; otherwise INBOX has one of its own, and the others are looked
at by STATUS. On Gmail all are All Mail, Spam and Trash, which have each message once.

What was seen is remembered in the state directory: the next run begins with what has
changed meanwhile. The first run begins now, or where --from says. Lost connections are
mended for ever.

Events go to standard output, everything else to standard error. The words are: new,
flags (+ set, - taken back), expunge (gone), open (ready), link (down, up, stale), reset
(the server renumbered the mailbox), name (a mailbox was created, deleted or renamed).
--json prints one CloudEvents 1.0 object a line instead, mail.mailbox.open first.

--exec runs a command for each event of a message: new, flags, expunge; with --exec-all
for every event. Everything after --exec (or after --) is the command and its
arguments, so it comes last; no shell takes part. The command gets the event as JSON on
standard input and in the environment, without control characters and at most 1,000
bytes each:

  PUSHMAIL_TYPE        mail.message.new, mail.message.flags, mail.message.expunge …
  PUSHMAIL_ID          the same if the event is delivered again
  PUSHMAIL_TIME, PUSHMAIL_SOURCE, PUSHMAIL_ACCOUNT, PUSHMAIL_MAILBOX
  PUSHMAIL_UID, PUSHMAIL_UIDVALIDITY
  PUSHMAIL_SUBJECT, PUSHMAIL_FROM, PUSHMAIL_FROM_NAME, PUSHMAIL_DATE,
  PUSHMAIL_MESSAGE_ID, PUSHMAIL_SIZE, PUSHMAIL_ATTACHMENTS (their number)
  PUSHMAIL_FLAGS, PUSHMAIL_ADDED, PUSHMAIL_REMOVED
  PUSHMAIL_UP, PUSHMAIL_STALE, PUSHMAIL_REASON   of mail.link
  PUSHMAIL_CHANGE, PUSHMAIL_OLD_MAILBOX          of mail.mailbox.name

Commands run one after the other. What they print goes to standard error, or to
standard output with --quiet, when no events are printed there. One that fails, or is
killed after --exec-timeout with all its children, is reported, and the event counts as
delivered; exit status 75 (EX_TEMPFAIL) asks for another try, of which there are five
within half a minute. A program that ends while a command runs delivers the event again
at its next start.`

const watchExample = `  pushmail watch imaps://jo@mail.example.org/INBOX
  pushmail watch --password-command 'pass show mail' imaps://jo%40example.org@mail.example.org/
  pushmail watch --json imaps://jo@mail.example.org | jq -r 'select(.type == "mail.message.new").data.envelope.subject'
  pushmail watch --mailbox 'Lists/*' --mailbox INBOX --from 24h imaps://jo@mail.example.org
  pushmail watch imaps://jo@mail.example.org --exec notify-send "New mail"
  pushmail watch --quiet imaps://jo@mail.example.org -- sh -c 'echo "$PUSHMAIL_SUBJECT"'`

// watchFlags are the flags of "watch" besides those of the connection.
type watchFlags struct {
	conn           connFlags
	output         outputFlags
	state          string
	account        string
	idleRestart    time.Duration
	pollInterval   time.Duration
	verifyInterval time.Duration
	keepTrying     bool
	execAll        bool
	execTimeout    time.Duration
	which          mailboxFlags
	content        contentFlags
}

// outputFlags say how events are printed.
type outputFlags struct {
	json    bool
	quiet   bool
	account bool // say of which account
	mailbox bool // say of which mailbox
}

func (a *app) watchCommand() *cobra.Command {
	f := &watchFlags{}
	cmd := &cobra.Command{
		Use:     "watch [flags] URL... [--exec CMD [ARG...]]",
		Short:   "Say what happens in mailboxes, as it happens",
		Long:    watchLong,
		Example: watchExample,
		Args:    a.watchArgs,
		RunE:    func(cmd *cobra.Command, args []string) error { return a.watch(cmd.Context(), f, args) },

		DisableFlagsInUseLine: true,
	}
	f.register(cmd.Flags(), a.defaultStateDir())
	return cmd
}

func (a *app) watchArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 && a.execArgv != nil {
		return usageError{errors.New("the URL is missing: it comes before --exec, for all that follows is the command (pushmail watch --help)")}
	}
	if len(args) > 1 {
		return nil
	}
	return oneURL(cmd, args)
}

func (f *watchFlags) register(fs *pflag.FlagSet, stateDir string) {
	fs.SortFlags = false
	f.which.register(fs)
	fs.BoolVar(&f.output.json, "json", false, "print each event as one line of JSON (CloudEvents 1.0)")
	fs.BoolVarP(&f.output.quiet, "quiet", "q", false, "print no events: for --exec, whose output goes to standard output then")
	fs.StringVar(&f.state, "state", stateDir, "keep what was seen in `DIR`")
	fs.StringVar(&f.account, "account", "", "`NAME` of the account in events and in the state (default USER@HOST)")
	fs.String("exec", "", "run `CMD [ARG...]` for each event of a message; must come last")
	fs.BoolVar(&f.execAll, "exec-all", false, "run the command for the other events, too")
	fs.DurationVar(&f.execTimeout, "exec-timeout", 30*time.Second, "kill the command after this time")
	fs.BoolVar(&f.keepTrying, "keep-trying", false, "go on trying if the first connection fails")
	fs.DurationVar(&f.idleRestart, "idle-restart", 0, "begin IDLE anew after this time (default 9m, or what the provider is known to need)")
	fs.DurationVar(&f.pollInterval, "poll-interval", 0, "ask this often where the server cannot push (default 1m, or what the provider is known to need)")
	fs.DurationVar(&f.verifyInterval, "verify-interval", 10*time.Minute, "check this often that the server pushed everything; 0 never")
	f.content.register(fs)
	f.conn.register(fs)
}

func (a *app) watch(ctx context.Context, f *watchFlags, urls []string) error {
	if err := f.validate(); err != nil {
		return err
	}
	hook, err := a.hook(f)
	if err != nil {
		return err
	}
	if err := openStateDir(f.state); err != nil {
		return err
	}
	w := &watching{store: watch.FileStore{Dir: f.state}}
	defer w.close()
	for _, url := range urls {
		if err := w.add(a, f, url, len(urls)); err != nil {
			return err
		}
	}
	f.output.account, f.output.mailbox = len(urls) > 1, len(urls) > 1 || f.which.many()
	sinks := []sink{a.printer(f.output)}
	if hook != nil {
		sinks = append(sinks, hook.deliver)
	}
	ctx, done := untilHangup(ctx, a.out)
	defer done()
	return w.run(ctx, sinks...)
}

// validate refuses values that cannot work.
func (f *watchFlags) validate() error {
	switch {
	case f.idleRestart < 0:
		return usageError{errors.New("--idle-restart must be more than 0")}
	case f.pollInterval < 0:
		return usageError{errors.New("--poll-interval must be more than 0")}
	case f.execTimeout <= 0:
		return usageError{errors.New("--exec-timeout must be more than 0")}
	case f.idleRestart > 29*time.Minute:
		return usageError{errors.New("--idle-restart must be at most 29m: servers may end an IDLE after 30 (RFC 2177)")}
	case f.verifyInterval < 0:
		return usageError{errors.New("--verify-interval must not be negative")}
	case f.which.all && len(f.which.patterns) > 0:
		return usageError{errors.New("--all-mailboxes and --mailbox contradict each other")}
	case f.output.json && f.output.quiet:
		return usageError{errors.New("--json and --quiet contradict each other")}
	}
	return nil
}

// hook returns the command to run, or nil.
func (a *app) hook(f *watchFlags) (*execHook, error) {
	if a.execArgv == nil {
		if f.execAll {
			return nil, usageError{errors.New("--exec-all needs --exec CMD")}
		}
		return nil, nil
	}
	if _, err := exec.LookPath(a.execArgv[0]); err != nil {
		return nil, usageError{fmt.Errorf("--exec: cannot run %s: %w", clean(a.execArgv[0]), errors.Unwrap(err))}
	}
	out := a.err
	if f.output.quiet {
		out = a.out
	}
	return &execHook{
		argv: a.execArgv, all: f.execAll, timeout: f.execTimeout, env: a.env,
		stdout: out, stderr: a.err, say: a.warn, pauses: retryPauses, grace: 5 * time.Second,
	}, nil
}

func (f *watchFlags) options(c *connection) watch.Options {
	o := watch.Options{
		Account: f.account, User: c.url.User, Mailbox: c.mailbox,
		Client: c.client, Login: c.login, KeepTrying: f.keepTrying, VerifyInterval: f.verifyInterval,
		Since: f.which.since, Content: f.content.content(), ClientID: clientID(), Logger: c.logger,
		Providers: c.providers,
	}
	if o.Account == "" {
		o.Account = c.account()
	}
	if o.VerifyInterval == 0 {
		o.VerifyInterval = -1 // never
	}
	if p := c.providers.Lookup(c.host(), nil, nil); f.conn.usesToken() && p != nil {
		o.SessionLife = p.TokenSession
	}
	o.Client.IdleRestart, o.Client.PollInterval = f.idleRestart, f.pollInterval
	return o
}

// clientID is what servers are told of us (RFC 2971).
func clientID() []imap.Attribute {
	return []imap.Attribute{{Name: "name", Value: "pushmail"}, {Name: "version", Value: moduleVersion()}}
}

// printer returns the sink that prints events to standard output.
func (a *app) printer(f outputFlags) sink {
	var print func(watch.Event) error
	switch {
	case f.quiet:
		print = func(watch.Event) error { return nil }
	case f.json:
		print = (&jsonLines{w: a.out}).print
	default:
		print = (&printer{w: a.out, look: a.look(a.out), zone: time.Local, account: f.account, mailbox: f.mailbox}).print
	}
	return func(_ context.Context, ev watch.Event) error { return print(ev) }
}

// untilHangup returns a context that ends when the reader of w has gone, if that can be noticed: so
// "| head -1" ends the program at once, and not with the next mail.
func untilHangup(ctx context.Context, w io.Writer) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := onHangup(w, func() { cancel(errOutputClosed) })
	return ctx, func() {
		stop()
		cancel(context.Canceled)
	}
}
