package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/pushmail/pushmail/internal/config"
	"github.com/pushmail/pushmail/internal/secret"
	"github.com/pushmail/pushmail/internal/sink"
	"github.com/pushmail/pushmail/internal/sink/execsink"
	"github.com/pushmail/pushmail/internal/sink/filesink"
	"github.com/pushmail/pushmail/internal/sink/natssink"
	"github.com/pushmail/pushmail/internal/sink/stdoutsink"
	"github.com/pushmail/pushmail/internal/sink/webhook"
	"github.com/pushmail/pushmail/internal/tlsfiles"
)

// openSink makes what a sink of the configuration describes, with its secrets as they are now.
func (a *App) openSink(ctx context.Context, c *config.Sink) (sink.Sink, error) {
	switch {
	case c.Exec != nil:
		return a.openExec(ctx, c.Exec, c.Name)
	case c.Webhook != nil:
		return a.openWebhook(ctx, c.Webhook)
	case c.NATS != nil:
		return a.openNATS(ctx, c.NATS, c.Name)
	case c.Files != nil:
		f := c.Files
		return filesink.New(filesink.Options{Path: f.Path, MaxSize: int64(f.MaxSize), MaxAge: f.MaxAge, Keep: f.Keep})
	case c.Stdout != nil:
		return stdoutsink.New(a.o.Stdout), nil
	}
	return nil, fmt.Errorf("there is no type %q", c.Type)
}

func (a *App) openExec(ctx context.Context, c *config.ExecSink, name string) (sink.Sink, error) {
	env := os.Environ()
	for _, key := range slices.Sorted(maps.Keys(c.Env)) {
		value, err := a.reveal(ctx, "env."+key, c.Env[key])
		if err != nil {
			return nil, err
		}
		env = append(env, key+"="+value)
	}
	return execsink.New(execsink.Options{
		Argv: c.Command, Dir: c.Dir, Env: env, Timeout: c.Timeout, Concurrency: c.Concurrency, Logger: a.log.With("sink", name),
	})
}

func (a *App) openWebhook(ctx context.Context, c *config.WebhookSink) (sink.Sink, error) {
	o := webhook.Options{
		URL: c.URL, Headers: c.Headers, Timeout: c.Timeout, Concurrency: c.Concurrency, GiveUpOn: c.GiveUpOn, Allow: c.Allow, UserAgent: "pushmail/" + a.o.Version,
	}
	for _, ref := range c.Secrets {
		key, err := a.reveal(ctx, "secret", ref)
		if err != nil {
			return nil, err
		}
		o.Secrets = append(o.Secrets, key)
	}
	var err error
	if o.Token, err = a.reveal(ctx, "token", c.Token); err != nil {
		return nil, err
	}
	if o.TLS, err = tlsOf(c.CAFile, c.ClientCert, c.ClientKey); err != nil {
		return nil, err
	}
	return webhook.New(o)
}

func (a *App) openNATS(ctx context.Context, c *config.NATSSink, name string) (sink.Sink, error) {
	o := natssink.Options{
		URLs: c.URLs, Subject: c.Subject, Stream: c.Stream, CredsFile: c.CredsFile, User: c.User, Timeout: c.Timeout, Logger: a.log.With("sink", name),
	}
	for _, s := range []struct {
		key string
		ref secret.Ref
		to  *string
	}{{"nkey", c.NKey, &o.NKeySeed}, {"token", c.Token, &o.Token}, {"password", c.Password, &o.Password}} {
		var err error
		if *s.to, err = a.reveal(ctx, s.key, s.ref); err != nil {
			return nil, err
		}
	}
	var err error
	if o.TLS, err = tlsOf(c.CAFile, c.ClientCert, c.ClientKey); err != nil {
		return nil, err
	}
	return natssink.New(o)
}

func tlsOf(ca, cert, key string) (*tls.Config, error) {
	return tlsfiles.Load(tlsfiles.Files{CA: ca, Cert: cert, Key: key})
}

// reveal returns what a reference refers to, "" for none.
func (a *App) reveal(ctx context.Context, key string, ref secret.Ref) (string, error) {
	if ref.IsZero() {
		return "", nil
	}
	s, err := a.resolver.Secret(ctx, ref)
	if err != nil {
		return "", fmt.Errorf("%s: %w", key, err)
	}
	return s.Reveal(), nil
}
