package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushmail/pushmail/event"
	pushmail "github.com/pushmail/pushmail/internal/app"
	"github.com/pushmail/pushmail/internal/config"
	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/internal/journal/sqlite"
)

type eventsFlags struct {
	config  string
	follow  bool
	since   time.Time
	types   []string
	account string
	mailbox string
	limit   int
	json    bool
}

func (a *app) eventsCommand() *cobra.Command {
	var f eventsFlags
	cmd := &cobra.Command{
		Use:   "events [FILE]",
		Short: "Read the journal of the daemon",
		Long: `Print what happened, out of the journal of "pushmail serve" on this machine, whether it runs or
not: the last 50 events, or all since a time. --follow goes on with what happens.`,
		Example: `  pushmail events --since 24h --type mail.message.new
  pushmail events --follow --json`,
		Args: configArgument(&f.config),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), a) },
	}
	fs := cmd.Flags()
	fs.StringVar(&f.config, "config", "", "the configuration in `FILE` says where the journal is (default: as \"pushmail serve\" finds it)")
	fs.BoolVarP(&f.follow, "follow", "f", false, "go on with what happens until Ctrl-C")
	fs.Var((*timeValue)(&f.since), "since", "print what was recorded since then: all, a time back such as 24h, or a time")
	fs.StringArrayVar(&f.types, "type", nil, "only events of this `TYPE`, such as mail.message.new (repeatable)")
	fs.StringVar(&f.account, "account", "", "only events of the account `NAME`")
	fs.StringVar(&f.mailbox, "mailbox", "", "only events of mailboxes of this `NAME`")
	fs.IntVar(&f.limit, "limit", 50, "how many of the last events, without --since")
	fs.BoolVar(&f.json, "json", false, "print each event as one line of JSON (CloudEvents)")
	return cmd
}

// atOnce is how many events are read at a time.
const atOnce = 500

func (f *eventsFlags) run(ctx context.Context, a *app) error {
	if f.limit < 0 {
		return usageError{errors.New("--limit must not be negative")}
	}
	for _, name := range f.types {
		if !strings.HasPrefix(name, "mail.") {
			return usageError{fmt.Errorf("--type %s: want a type such as mail.message.new (docs/events.md has them)", clean(name))}
		}
	}
	cfg, problems := a.loadConfigOfDaemon(f.config)
	if cfg == nil {
		fmt.Fprint(a.err, problemText(problems))
		return errors.New("without a configuration it is not known where the journal is: use --config FILE")
	}
	j, err := a.openJournal(ctx, cfg)
	if err != nil {
		return &pushmail.StateError{Err: err}
	}
	defer j.Close()
	return f.print(ctx, a, j)
}

// serviceStateDir is what systemd makes of StateDirectory=pushmail, which the unit has that comes with the program. A shell does
// not know of it.
const serviceStateDir = "/var/lib/pushmail"

// openJournal opens the journal to be read: where "pushmail serve" keeps it by this configuration, run by this user or as a service.
func (a *app) openJournal(ctx context.Context, cfg *config.Config) (*sqlite.Journal, error) {
	dirs := []string{a.stateOf(cfg)}
	if cfg.State == "" && !slices.Contains(dirs, serviceStateDir) {
		dirs = append(dirs, serviceStateDir)
	}
	var looked []string
	for _, dir := range dirs {
		path := pushmail.JournalFile(dir)
		j, err := sqlite.OpenReader(ctx, path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			looked = append(looked, clean(path))
		case errors.Is(err, fs.ErrPermission):
			return nil, fmt.Errorf("%w: read it as root, or as the user of the service", err)
		default:
			return j, err
		}
	}
	hint := ""
	if cfg.State == "" {
		hint = "; where it keeps it can be said as state = \"DIRECTORY\" in " + clean(cfg.File)
	}
	return nil, fmt.Errorf("there is no journal at %s: \"pushmail serve\" makes it%s", strings.Join(looked, ", nor at "), hint)
}

func (f *eventsFlags) print(ctx context.Context, a *app, j journal.Log) error {
	filter := journal.Filter{Account: f.account, Mailbox: f.mailbox, Types: f.types, Since: f.since}
	var after journal.Position
	if f.since.IsZero() {
		records, err := f.latest(ctx, j, filter)
		if err != nil {
			return err
		}
		if after, err = j.Last(ctx); err != nil {
			return err
		}
		for _, r := range records {
			if err := f.printOne(a, r); err != nil {
				return err
			}
		}
		if !f.follow {
			return nil
		}
	}
	for {
		records, err := j.Read(ctx, after, atOnce, filter)
		if err != nil {
			return err
		}
		for _, r := range records {
			after = r.Position
			if err := f.printOne(a, r); err != nil {
				return err
			}
		}
		if len(records) == atOnce {
			continue
		}
		if !f.follow {
			return nil
		}
		last, err := j.Last(ctx)
		if err != nil {
			return err
		}
		after = max(after, last) // what is up to there does not pass the filter
		if err := j.Wait(ctx, after); err != nil {
			return err
		}
	}
}

// latest returns the last events that pass the filter, oldest first: it looks at more and more of the end of the journal.
func (f *eventsFlags) latest(ctx context.Context, j journal.Log, filter journal.Filter) ([]journal.Record, error) {
	last, err := j.Last(ctx)
	if err != nil || f.limit == 0 {
		return nil, err
	}
	for back := journal.Position(f.limit); ; back *= 4 {
		after := max(last-back, 0)
		var found []journal.Record
		for from := after; ; {
			records, err := j.Read(ctx, from, atOnce, filter)
			if err != nil {
				return nil, err
			}
			found = append(found, records...)
			if len(found) > f.limit {
				found = found[len(found)-f.limit:]
			}
			if len(records) < atOnce {
				break
			}
			from = records[len(records)-1].Position
		}
		if len(found) == f.limit || after == 0 {
			return found, nil
		}
	}
}

func (f *eventsFlags) printOne(a *app, r journal.Record) error {
	if f.json {
		return write(a.out, string(r.JSON)+"\n")
	}
	var ev struct {
		Data struct {
			UID      uint32          `json:"uid"`
			Envelope *event.Envelope `json:"envelope"`
			Added    []string        `json:"added"`
			Removed  []string        `json:"removed"`
			Reason   string          `json:"reason"`
		} `json:"data"`
	}
	if err := json.Unmarshal(r.JSON, &ev); err != nil {
		return fmt.Errorf("event %d of the journal: %w", r.Position, err)
	}
	line := []span{
		{r.RecordedAt.Local().Format("2006-01-02 15:04:05") + "  ", dim},
		{pad(strings.TrimPrefix(r.Type, "mail."), 16) + "  ", plain},
		{clean(r.Account) + " " + clean(r.Mailbox), cyan},
	}
	d := &ev.Data
	if d.UID != 0 {
		line = append(line, span{fmt.Sprintf("  #%d", d.UID), dim})
	}
	if e := d.Envelope; e != nil {
		line = append(line, span{"  " + clean(e.Subject), bold})
	}
	for _, text := range []string{marked("+", d.Added), marked("-", d.Removed), d.Reason} {
		if text != "" {
			line = append(line, span{"  " + clean(text), plain})
		}
	}
	return write(a.out, a.look(a.out).render(line...)+"\n")
}

func marked(sign string, flags []string) string {
	if len(flags) == 0 {
		return ""
	}
	return sign + strings.Join(flags, " "+sign)
}
