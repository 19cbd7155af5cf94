package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/pushmail/pushmail/event"
	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/watch"
)

// Where the demo for "pushmail serve" is. README shows the configuration, so they are always the same.
const (
	demoMailAddr = "127.0.0.1:9993"
	demoHookAddr = "127.0.0.1:9994"
)

// demoConfig is what "pushmail serve" needs for the demo.
const demoConfig = `state = "state"

[[account]]
name = "demo"
url = "imaps://demo@127.0.0.1:9993/INBOX"
password = "file:password"
ca_file = "ca.pem"

[[sink]]
name = "hook"
type = "webhook"
url = "http://127.0.0.1:9994/"
secret = "file:webhook-secret"
allow = ["loopback"]
`

// demoSecret signs the webhooks of the demo.
var demoSecret = "whsec_" + base64.StdEncoding.EncodeToString([]byte("a secret for demonstrations"))

// demoDaemon is the demo for "pushmail serve": the mail server, and a receiver of webhooks.
func (a *app) demoDaemon(ctx context.Context, f *demoFlags) error {
	s, err := newStory(f, a, &imaptest.ServerOptions{FirstUIDValidity: uint32(time.Now().Unix())}, demoMailAddr)
	if err != nil {
		return fmt.Errorf("the mail server of the demo: %w: is another demo running?", err)
	}
	defer s.server.Close()
	defer s.line.mend()
	s.patient = 24 * time.Hour // somebody has to start the daemon
	if err := writeDemo(f.daemon, s.server.CertPEM()); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", demoHookAddr)
	if err != nil {
		return fmt.Errorf("the receiver of the demo: %w: is another demo running?", err)
	}
	r, err := newHookReceiver(a, s.tally)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(listener) }()
	defer func() {
		srv.Close()
		<-served
	}()
	a.introduceDaemon(f.daemon)
	if f.length > 0 {
		var end context.CancelFunc
		ctx, end = context.WithTimeout(ctx, f.length)
		defer end()
	}
	if err := s.run(ctx); err != nil {
		return err
	}
	s.line.mend()
	s.tally.wait(context.WithoutCancel(ctx), 15*time.Second, s.tally.settledLocked)
	v := s.tally.verdict()
	a.conclude(&v)
	return v.err()
}

// writeDemo makes the directory that "pushmail serve" is given.
func writeDemo(dir string, ca []byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"pushmail.toml": demoConfig, "ca.pem": string(ca), "password": demoPassword + "\n", "webhook-secret": demoSecret + "\n",
	} {
		path := filepath.Join(dir, name)
		if was, err := os.ReadFile(path); err == nil && name == "pushmail.toml" && string(was) != text {
			return usageError{fmt.Errorf("%s is there and not from a demo: use another directory", clean(path))}
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) introduceDaemon(dir string) {
	style := a.look(a.err)
	say := func(shade colour, text string) { fmt.Fprintln(a.err, style.render(span{text, shade})) }
	say(bold, "A mail server and a receiver of webhooks, for \"pushmail serve\". Ctrl-C ends them.")
	say(dim, "-- In another terminal, in this directory:")
	fmt.Fprintf(a.err, "   pushmail serve %s\n", dir)
	say(dim, "-- Its dashboard is at http://127.0.0.1:8025. Kill it and start it again: nothing is lost.")
	fmt.Fprintln(a.err)
}

// hookReceiver takes webhooks as a receiver should: it verifies the signature, and acts on each id once.
type hookReceiver struct {
	a      *app
	tally  *tally
	verify *standardwebhooks.Webhook

	mu   sync.Mutex
	seen map[string]bool // guarded by mu: ids
}

func newHookReceiver(a *app, t *tally) (*hookReceiver, error) {
	wh, err := standardwebhooks.NewWebhook(demoSecret)
	return &hookReceiver{a: a, tally: t, verify: wh, seen: map[string]bool{}}, err
}

func (r *hookReceiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, 1<<20))
	if err == nil {
		err = r.verify.Verify(body, req.Header)
	}
	var ev event.Event
	if err == nil {
		err = json.Unmarshal(body, &ev)
	}
	if err != nil {
		r.a.warn("a request that is no webhook of pushmail was refused: %s", oneLine(err))
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := r.take(&ev); err != nil && !errors.Is(err, errOutputClosed) {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// take prints an event that was not there before.
func (r *hookReceiver) take(ev *event.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen[ev.ID] {
		return nil
	}
	r.seen[ev.ID] = true
	seen, text := told(ev)
	line := []span{{time.Now().Format("15:04:05") + "  webhook  ", dim}, {pad(string(ev.Type()), 20), cyan}, {"  " + clean(text), plain}}
	err := write(r.a.out, r.a.look(r.a.out).render(line...)+"\n")
	return errors.Join(err, r.tally.sink(context.Background(), seen))
}

// told returns what the tally has to know of an event, and a text for people.
func told(ev *event.Event) (watch.Event, string) {
	switch d := ev.Data.(type) {
	case *event.MessageNew:
		text := fmt.Sprintf("#%d", d.UID)
		if d.Envelope != nil {
			text += " " + d.Envelope.Subject
		}
		return watch.Event{Type: watch.MessageNew, UID: imap.UID(d.UID)}, text
	case *event.MessageExpunge:
		return watch.Event{Type: watch.MessageExpunge, UID: imap.UID(d.UID)}, fmt.Sprintf("#%d", d.UID)
	case *event.FlagChange:
		seen := watch.Event{Type: watch.FlagChange, UID: imap.UID(d.UID)}
		for _, name := range d.Added {
			seen.Added = append(seen.Added, imap.Flag(name))
		}
		return seen, fmt.Sprintf("#%d %v", d.UID, d.Added)
	case *event.MailboxOpen:
		return watch.Event{Type: watch.MailboxOpen, Open: &watch.OpenInfo{Method: d.Method}}, fmt.Sprintf("%s, %d messages", d.Mailbox, d.Exists)
	case *event.Link:
		return watch.Event{Type: watch.Link, Link: &watch.LinkInfo{Up: d.Up}}, d.Reason
	}
	return watch.Event{}, ""
}
