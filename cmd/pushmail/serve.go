package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	pushmail "github.com/pushmail/pushmail/internal/app"
	"github.com/pushmail/pushmail/internal/config"
)

const serveHelp = `Watch all accounts of a configuration, keep what happens in them in a journal on the disk,
and bring it to sinks: webhooks, commands, files, NATS, standard output. Nothing is lost when it
is killed, or when a sink is out of order for days.

` + configFilesHelp + `
"pushmail init" writes one to start from.

SIGHUP has the configuration read again; what has not changed there goes on untouched.
SIGTERM or Ctrl-C end it in order: accounts log out, deliveries under way are finished.

While it runs, [api] listen in the configuration is where the HTTP API and the dashboard
are, http://127.0.0.1:8025 unless it says otherwise. "pushmail status" asks it how all is.`

func (a *app) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve [FILE]",
		Short: "Watch many accounts and deliver what happens, for years",
		Long:  serveHelp,
		Example: `  pushmail init && pushmail serve
  pushmail serve /etc/pushmail/pushmail.toml`,
		Args: atMostOneFile,
		RunE: func(cmd *cobra.Command, args []string) error { return a.serve(cmd.Context(), args) },
	}
}

// errConfig says that the configuration is wrong, which was told already.
var errConfig = errors.New("the configuration is wrong: nothing was started")

func (a *app) serve(ctx context.Context, args []string) error {
	load := func() (*config.Config, config.Problems) {
		cfg, problems := a.loadConfig(args)
		if cfg != nil {
			with := *cfg
			with.State = a.stateOf(cfg)
			cfg = &with
		}
		return cfg, problems
	}
	cfg, problems := load()
	fmt.Fprint(a.err, problemText(problems))
	if cfg == nil {
		return errConfig
	}
	ready := a.sayReady(cfg)
	level := &slog.LevelVar{}
	level.Set(cfg.Log.Level)
	logger := a.serveLogger(cfg, level)
	o := pushmail.Options{
		Config: cfg, Load: load, Version: strings.Trim(moduleVersion(), "()"), Stdout: a.out, Logger: logger, Level: level, Getenv: a.getenv,
		Ready: ready,
	}
	var reloads sync.Mutex // one after the other
	o.Started = func(d *pushmail.App) {
		again := func() {
			go func() {
				reloads.Lock()
				defer reloads.Unlock()
				_ = d.Reload(ctx) // it has logged what is wrong
			}()
		}
		reload.Store(&again)
		if signal.Ignored(syscall.SIGHUP) { // nohup(1) is about ending, not about this
			go reloadOnHangup(ctx, again)
		}
	}
	defer reload.Store(nil)
	a.spareMemory()
	return pushmail.Run(ctx, o)
}

// gcPercent has the collector run earlier than usual: while thousands of accounts connect, most of the memory would be garbage
// otherwise, and between what stays of it the holes remain. With 1,000 accounts it is a third of what is resident.
const gcPercent = 40

// spareMemory leaves the collector alone if GOGC says what it is to do.
func (a *app) spareMemory() {
	if a.getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

// reloadOnHangup reloads with each SIGHUP until ctx ends.
func reloadOnHangup(ctx context.Context, again func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	defer signal.Stop(c)
	for {
		select {
		case <-c:
			again()
		case <-ctx.Done():
			return
		}
	}
}

// stateOf is the state directory: that of the configuration, of systemd, or the user's.
func (a *app) stateOf(cfg *config.Config) string {
	first, _, _ := strings.Cut(a.getenv("STATE_DIRECTORY"), ":") // systemd.exec(5)
	return cmp.Or(cfg.State, first, a.defaultStateDir())
}

func (a *app) serveLogger(cfg *config.Config, level slog.Leveler) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if cfg.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(a.err, o))
	}
	return slog.New(slog.NewTextHandler(a.err, o))
}

// sayReady returns what tells people what there is now, if they look. It does not keep cfg.
func (a *app) sayReady(cfg *config.Config) func(addr string) {
	accounts, sinks, api := len(cfg.Accounts), len(cfg.Sinks), cfg.API
	return func(addr string) {
		if _, ok := terminal(a.err); !ok {
			return
		}
		fmt.Fprintf(a.err, "pushmail watches %s and delivers to %s.", count(accounts, "account"), count(sinks, "sink"))
		if addr != "" {
			fmt.Fprintf(a.err, " Dashboard: %s/", apiURL(&api, addr))
		}
		fmt.Fprintln(a.err)
	}
}

// apiURL is where the API is reached from this machine.
func apiURL(api *config.API, addr string) string {
	scheme := "http://"
	if api.TLSCert != "" {
		scheme = "https://"
	}
	i := strings.LastIndex(addr, ":")
	host, port := addr[:max(i, 0)], addr[i+1:]
	switch host {
	case "", "0.0.0.0", "[::]":
		host = "127.0.0.1"
	}
	return scheme + host + ":" + port
}
