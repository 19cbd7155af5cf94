// Package natssink publishes each event to a stream of NATS JetStream, and waits until the stream has it.
package natssink

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushmail/pushmail/event"
	"github.com/pushmail/pushmail/internal/sink"
)

// Options are what [New] needs. URLs must be there.
type Options struct {
	// URLs are those of the servers of a cluster.
	URLs []string
	// Subject is what is published to; {account}, {mailbox} and {type} stand for those of the event, in which what has a meaning in a
	// subject becomes "_". Empty means "pushmail.events".
	Subject string
	// Stream must be the one that acknowledges. Empty takes any.
	Stream string
	// CredsFile, NKeySeed, Token, and User with Password are ways to log in.
	CredsFile, NKeySeed, Token, User, Password string
	// Timeout is how long an acknowledgement may take. Zero means 10 s.
	Timeout time.Duration
	// Concurrency is how many events may be on their way. Zero means 32.
	Concurrency int
	// TLS is for who trusts other certificates, or has to show one. nil is the default.
	TLS *tls.Config
	// Logger is told of connections lost and found. nil is silent.
	Logger *slog.Logger
}

// Sink publishes over one connection, which is made again whenever it is lost.
type Sink struct {
	o  Options
	nc *nats.Conn
	js jetstream.JetStream
}

// New begins to connect. A server that cannot be reached is no error: it is tried for ever.
func New(o Options) (*Sink, error) {
	o.URLs = slices.Clone(o.URLs)
	o.Subject, o.Timeout, o.Concurrency = cmp.Or(o.Subject, "pushmail.events"), cmp.Or(o.Timeout, 10*time.Second), cmp.Or(o.Concurrency, 32)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	options, err := o.connection()
	if err != nil {
		return nil, err
	}
	nc, err := nats.Connect(strings.Join(o.URLs, ","), options...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		nc.Close()
		return nil, err
	}
	return &Sink{o, nc, js}, nil
}

func (o *Options) connection() ([]nats.Option, error) {
	options := []nats.Option{
		nats.Name("pushmail"),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.ReconnectBufSize(-1), // what is not sent is not acknowledged: nothing is kept back to be sent in secret later
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { o.Logger.Info("the connection to NATS was lost", "err", err) }),
		nats.ReconnectHandler(func(*nats.Conn) { o.Logger.Info("the connection to NATS is back") }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { o.Logger.Warn("NATS", "err", err) }),
	}
	if o.TLS != nil {
		options = append(options, nats.Secure(o.TLS))
	}
	switch {
	case o.CredsFile != "":
		options = append(options, nats.UserCredentials(o.CredsFile))
	case o.NKeySeed != "":
		option, err := nkey(o.NKeySeed)
		if err != nil {
			return nil, err
		}
		options = append(options, option)
	case o.Token != "":
		options = append(options, nats.Token(o.Token))
	case o.User != "":
		options = append(options, nats.UserInfo(o.User, o.Password))
	}
	return options, nil
}

// Limits implements [sink.Sink].
func (s *Sink) Limits() sink.Limits {
	return sink.Limits{Concurrency: s.o.Concurrency, Timeout: s.o.Timeout}
}

// Close implements [sink.Sink].
func (s *Sink) Close() error {
	s.nc.Close()
	return nil
}

// Send implements [sink.Sink].
func (s *Sink) Send(ctx context.Context, batch []sink.Delivery) []sink.Result {
	out := make([]sink.Result, 0, len(batch))
	for _, d := range batch {
		r := s.publish(ctx, d)
		out = append(out, r)
		if r.Outcome != sink.OK {
			break
		}
	}
	return out
}

func (s *Sink) publish(ctx context.Context, d sink.Delivery) sink.Result {
	if !s.nc.IsConnected() {
		err := errors.New("no connection to NATS")
		if last := s.nc.LastError(); last != nil {
			err = fmt.Errorf("%w: %w", err, last)
		}
		return sink.Result{Outcome: sink.Busy, Err: err}
	}
	msg := nats.NewMsg(s.subject(d))
	msg.Data = d.JSON
	msg.Header.Set("Content-Type", event.ContentType)
	options := []jetstream.PublishOpt{jetstream.WithMsgID(d.ID)} // Nats-Msg-Id: the stream drops repetitions within its window
	if s.o.Stream != "" {
		options = append(options, jetstream.WithExpectStream(s.o.Stream))
	}
	_, err := s.js.PublishMsg(ctx, msg, options...)
	switch {
	case err == nil:
		return sink.Result{Outcome: sink.OK}
	case errors.Is(err, nats.ErrMaxPayload):
		return sink.Result{Outcome: sink.Never, Err: fmt.Errorf("the event has %d bytes, the server takes %d", len(d.JSON), s.nc.MaxPayload())}
	case errors.Is(err, jetstream.ErrNoStreamResponse):
		return sink.Result{Outcome: sink.Busy, Err: fmt.Errorf("no stream takes the subject %s: make one, with that subject", msg.Subject)}
	case !s.nc.IsConnected():
		return sink.Result{Outcome: sink.Busy, Err: err}
	}
	return sink.Result{Outcome: sink.Retry, Err: err}
}

// subject is what the event is published to.
func (s *Sink) subject(d sink.Delivery) string {
	return strings.NewReplacer("{account}", token(d.Account), "{mailbox}", token(d.Mailbox), "{type}", d.Type).Replace(s.o.Subject)
}

// token makes one word of a subject of a text.
func token(text string) string {
	if text == "" {
		return "_"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(".*>", r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(text, "_"))
}
