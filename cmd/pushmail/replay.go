package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushmail/pushmail/internal/config"
	"github.com/pushmail/pushmail/internal/httpapi"
)

type replayFlags struct {
	apiFlags
	ids         []string
	since       time.Time
	until       time.Time
	from, to    int64
	account     string
	types       []string
	deadLetters bool
}

func (a *app) replayCommand() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:   "replay SINK",
		Short: "Have a sink given events once more",
		Long: `Have a running "pushmail serve" give events to a sink once more, out of the journal, with the ids
that they had: those of some ids, positions or times, or those that were given up.`,
		Example: `  pushmail replay crm --since 24h
  pushmail replay crm --id 7jgrkxyndc5kfsjx3ibqwuczxe
  pushmail replay crm --dead-letters`,
		Args: oneSink,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), a, args[0]) },
	}
	fs := cmd.Flags()
	f.register(fs)
	fs.StringArrayVar(&f.ids, "id", nil, "the event with this `ID` (repeatable)")
	fs.Var((*timeValue)(&f.since), "since", "events recorded since then: all, a time back such as 24h, or a time")
	fs.Var((*timeValue)(&f.until), "until", "events recorded before then")
	fs.Int64Var(&f.from, "from-position", 0, "events from this `POSITION` of the journal on")
	fs.Int64Var(&f.to, "to-position", 0, "events up to this `POSITION` of the journal")
	fs.StringVar(&f.account, "account", "", "only events of the account `NAME`")
	fs.StringArrayVar(&f.types, "type", nil, "only events of this `TYPE` (repeatable)")
	fs.BoolVar(&f.deadLetters, "dead-letters", false, "all events that were given up for this sink")
	return cmd
}

func (f *replayFlags) run(ctx context.Context, a *app, sink string) error {
	chosen := len(f.ids) > 0 || !f.since.IsZero() || !f.until.IsZero() || f.from != 0 || f.to != 0 || f.account != "" || len(f.types) > 0
	if chosen == f.deadLetters {
		return usageError{errors.New("which events? Use --since, --until, --id, positions, --account or --type, or else --dead-letters alone")}
	}
	api, err := f.api(ctx, a, config.Write)
	if err != nil {
		return err
	}
	var done struct{ Count int }
	if f.deadLetters {
		err = api.ask(ctx, "POST", "/v1/deadletters/replay", map[string]any{"sink": sink, "all": true}, &done)
	} else {
		err = api.ask(ctx, "POST", "/v1/sinks/"+url.PathEscape(sink)+"/replay", httpapi.ReplayRequest{
			IDs: f.ids, From: f.from, To: f.to, Since: f.since, Until: f.until, Account: f.account, Types: f.types,
		}, &done)
	}
	if err != nil {
		return err
	}
	return write(a.out, fmt.Sprintf("%s to be sent once more\n", count(done.Count, "event")))
}
