package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushmail/pushmail/internal/config"
	"github.com/pushmail/pushmail/internal/journal"
)

type skipFlags struct {
	apiFlags
	ids []string
	all bool
}

func (a *app) skipCommand() *cobra.Command {
	var f skipFlags
	cmd := &cobra.Command{
		Use:   "skip SINK",
		Short: "Give up events that a sink does not take",
		Long: `An event that a sink does not take is tried again for about three days, and what comes after it in
the same mailbox waits that long. This shows such events of a running "pushmail serve", and with
--id or --all gives them up: they become dead letters at once, which "pushmail replay SINK
--dead-letters" can deliver later, and the next events of their mailboxes go on.`,
		Example: `  pushmail skip crm                            which events hold up mailboxes, and why
  pushmail skip crm --id 7jgrkxyndc5kfsjx3ibqwuczxe`,
		Args: oneSink,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), a, args[0]) },
	}
	fs := cmd.Flags()
	f.register(fs)
	fs.StringArrayVar(&f.ids, "id", nil, "give up the event with this `ID` (repeatable)")
	fs.BoolVar(&f.all, "all", false, "give up all events that hold up a mailbox now")
	return cmd
}

// oneSink wants the name of a sink as the only argument.
func oneSink(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		return nil
	}
	return usageError{fmt.Errorf("which sink? %s SINK (%s --help)", cmd.CommandPath(), cmd.CommandPath())}
}

func (f *skipFlags) run(ctx context.Context, a *app, sink string) error {
	if f.all && len(f.ids) > 0 {
		return usageError{errors.New("--all and --id exclude each other")}
	}
	path := "/v1/sinks/" + url.PathEscape(sink)
	if !f.all && len(f.ids) == 0 {
		api, err := f.api(ctx, a, config.Read)
		if err != nil {
			return err
		}
		return showFailing(ctx, a, api, path, sink)
	}
	api, err := f.api(ctx, a, config.Write)
	if err != nil {
		return err
	}
	var done struct{ Count int }
	if err := api.ask(ctx, "POST", path+"/skip", map[string]any{"ids": f.ids, "all": f.all}, &done); err != nil {
		return err
	}
	return write(a.out, fmt.Sprintf("%s given up: pushmail replay %s --dead-letters delivers dead letters once more\n", count(done.Count, "event"), clean(sink)))
}

// failingEvent is what the API tells of an event that holds up its mailbox.
type failingEvent struct {
	Position journal.Position
	Attempts int
	NextAt   time.Time `json:"next_at"`
	Error    string
	Event    json.RawMessage
}

// showFailing lists what could be skipped.
func showFailing(ctx context.Context, a *app, api *apiClient, path, sink string) error {
	shown := 0
	for after := int64(0); ; {
		var page struct {
			Items []failingEvent
			Next  int64
		}
		if err := api.ask(ctx, "GET", path+"/failing?limit=500&after="+strconv.FormatInt(after, 10), nil, &page); err != nil {
			return err
		}
		for _, f := range page.Items {
			if err := showFailingOne(a, &f); err != nil {
				return err
			}
			shown++
		}
		if after = page.Next; after == 0 {
			break
		}
	}
	if shown == 0 {
		return write(a.out, fmt.Sprintf("no event holds up a mailbox of %s\n", clean(sink)))
	}
	fmt.Fprintf(a.err, "--id ID gives one up, --all all of them\n")
	return nil
}

func showFailingOne(a *app, f *failingEvent) error {
	var ev struct {
		ID, Type string
		Data     struct {
			Account, Mailbox string
		}
	}
	if err := json.Unmarshal(f.Event, &ev); err != nil {
		return fmt.Errorf("event %d of the journal: %w", f.Position, err)
	}
	next := "now"
	if d := time.Until(f.NextAt); d > 0 {
		next = "in " + ago(d)
	}
	l := a.look(a.out)
	return write(a.out, l.render(
		span{clean(ev.ID) + "  ", bold}, span{strings.TrimPrefix(clean(ev.Type), "mail.") + "  ", plain},
		span{clean(ev.Data.Account) + " " + clean(ev.Data.Mailbox), cyan},
		span{fmt.Sprintf("  %s, the next %s", count(f.Attempts, "attempt"), next), dim},
	)+"\n  "+clean(f.Error)+"\n")
}
