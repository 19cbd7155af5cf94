package main

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushmail/pushmail/internal/config"
	"github.com/pushmail/pushmail/internal/status"
)

type statusFlags struct {
	apiFlags
	json bool
	all  bool
}

func (a *app) statusCommand() *cobra.Command {
	var f statusFlags
	cmd := &cobra.Command{
		Use:   "status [FILE]",
		Short: "How the daemon, its accounts and its sinks are",
		Long: `Ask a running "pushmail serve" how it is: how many accounts are well, which are not, why, and
what to do about it; how far the sinks are. The exit code is 8 if something is wrong that wants
a hand.`,
		Example: `  pushmail status
  pushmail status /etc/pushmail/pushmail.toml  the daemon of this configuration
  pushmail status --all                        each account, not only those with trouble
  pushmail status --json --api http://10.0.0.5:8025 --token-file token`,
		Args: configArgument(&f.config),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), a) },
	}
	f.register(cmd.Flags())
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
	cmd.Flags().BoolVar(&f.all, "all", false, "list all accounts")
	return cmd
}

// overview is what "pushmail status" tells.
type overview struct {
	Summary  status.Summary   `json:"summary"`
	Accounts []status.Account `json:"accounts"`
	Sinks    []status.Sink    `json:"sinks"`
}

func (f *statusFlags) run(ctx context.Context, a *app) error {
	api, err := f.api(ctx, a, config.Read)
	if err != nil {
		return err
	}
	var o overview
	if err := api.ask(ctx, "GET", "/v1/status", nil, &o.Summary); err != nil {
		return err
	}
	var sinks struct{ Items []status.Sink }
	if err := api.ask(ctx, "GET", "/v1/sinks", nil, &sinks); err != nil {
		return err
	}
	o.Sinks = sinks.Items
	if o.Accounts, err = accountsOf(ctx, api, f.all); err != nil {
		return err
	}
	if f.json {
		return writeJSON(a.out, o)
	}
	if err := write(a.out, o.text(a.look(a.out), time.Now())); err != nil {
		return err
	}
	if o.wantsHand() {
		return errProblems
	}
	return nil
}

// accountsOf lists accounts, the worst first: all, or those that are not well.
func accountsOf(ctx context.Context, api *apiClient, all bool) (accounts []status.Account, err error) {
	q := url.Values{"sort": {"-state"}, "limit": {"1000"}}
	if !all {
		q.Set("state", "bad,warn")
	}
	for {
		var page struct {
			Items []status.Account
			Next  string
		}
		if err := api.ask(ctx, "GET", "/v1/accounts?"+q.Encode(), nil, &page); err != nil {
			return nil, err
		}
		accounts = append(accounts, page.Items...)
		if page.Next == "" {
			return accounts, nil
		}
		q.Set("cursor", page.Next)
	}
}

func (o *overview) wantsHand() bool {
	bad := func(l status.Level) bool { return l == status.Bad }
	return !o.Summary.Ready ||
		slices.ContainsFunc(o.Accounts, func(a status.Account) bool { return bad(a.Level) }) ||
		slices.ContainsFunc(o.Sinks, func(s status.Sink) bool { return bad(s.Level) })
}

// shades are the colours of levels.
var shades = map[status.Level]colour{status.Good: green, status.Wait: dim, status.Warn: yellow, status.Bad: red}

func (o *overview) text(l look, now time.Time) string {
	var b strings.Builder
	line := func(spans ...span) { b.WriteString(l.render(spans...) + "\n") }
	s := &o.Summary
	line(span{"pushmail " + clean(s.Version) + ", running for " + ago(now.Sub(s.StartedAt)), bold})
	line(span{"accounts:  " + statesOf(s.Accounts), plain})
	line(span{"mailboxes: " + statesOf(s.Mailboxes), plain})
	line(span{fmt.Sprintf("journal:   %s, %d events since the start", byteSize(s.Journal.Bytes), total(s.Events)), plain})
	o.trouble(line, "", s.Journal.Trouble, now)
	for i := range o.Sinks {
		k := &o.Sinks[i]
		line(span{"sink " + pad(clean(k.Name), 12) + " ", plain}, span{pad(string(k.State), 12), shades[k.Level]},
			span{" " + sinkText(k), plain})
		o.trouble(line, "  ", k.Trouble, now)
	}
	for i := range o.Accounts {
		a := &o.Accounts[i]
		checked := "never verified"
		if !a.VerifiedAt.IsZero() {
			checked = "verified " + ago(now.Sub(a.VerifiedAt)) + " ago"
		}
		line(span{"account " + clean(a.Name) + "  ", plain}, span{string(a.State), shades[a.Level]}, span{"  " + checked, dim})
		o.trouble(line, "  ", a.Trouble, now)
	}
	return b.String()
}

// sinkText says how far a sink is.
func sinkText(k *status.Sink) string {
	text := fmt.Sprintf("%d delivered, %d to go", k.Delivered, k.Backlog)
	if k.Behind > 0 {
		text += fmt.Sprintf("; mailboxes behind: %d", k.Behind)
	}
	if k.DeadLetters > 0 {
		text += ", " + count(k.DeadLetters, "dead letter")
	}
	return text
}

// trouble tells what is wrong and what to do.
func (o *overview) trouble(line func(...span), indent string, t *status.Trouble, now time.Time) {
	if t == nil {
		return
	}
	where := ""
	if t.Mailbox != "" {
		where = clean(t.Mailbox) + ": "
	}
	since := ""
	if !t.Since.IsZero() {
		since = ", for " + ago(now.Sub(t.Since))
	}
	line(span{indent + where + t.Summary + since, yellow})
	if t.Reason != "" {
		line(span{indent + clean(t.Reason), dim})
	}
	line(span{indent + t.Advice, plain})
	if !t.RetryAt.IsZero() && t.RetryAt.After(now) {
		line(span{indent + "next attempt in " + ago(t.RetryAt.Sub(now)), dim})
	}
}

func statesOf(by map[status.State]int) string {
	var parts []string
	sum := 0
	for _, state := range slices.Sorted(maps.Keys(by)) {
		if by[state] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", by[state], state))
		}
		sum += by[state]
	}
	if len(parts) == 0 {
		return "none"
	}
	return fmt.Sprintf("%d (%s)", sum, strings.Join(parts, ", "))
}

func total(by map[string]uint64) (n uint64) {
	for _, v := range by {
		n += v
	}
	return n
}

// ago is a duration as people say it.
func ago(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
