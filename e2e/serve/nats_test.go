package serve

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushmail/pushmail/e2e/natsserver"
)

// stream reads what a stream of JetStream has.
func stream(t *testing.T, s jetstream.Stream) func() log {
	return func() (l log) {
		info, err := s.Info(t.Context())
		if err != nil {
			return nil // it is being started
		}
		for n := uint64(1); n <= info.State.LastSeq; n++ {
			msg, err := s.GetMsg(t.Context(), n)
			if err != nil {
				return nil
			}
			var ev event
			if err := json.Unmarshal(msg.Data, &ev); err != nil {
				t.Fatalf("%v: %s", err, msg.Data)
			}
			if want := fmt.Sprintf("mail.%s.INBOX", ev.Data.Account); ev.Type == "mail.message.new" && msg.Subject != want || msg.Header.Get("Nats-Msg-Id") != ev.ID {
				t.Errorf("subject %q, want %q; header %v, id %s", msg.Subject, want, msg.Header, ev.ID)
			}
			l.add(ev)
		}
		return l
	}
}

// Events get into JetStream, once each, in order, also those of the time when nats-server is down.
func TestNATS(t *testing.T) {
	t.Parallel()
	server := natsserver.New(t)
	nc, err := nats.Connect(server.URL(), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	mails, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "MAIL", Subjects: []string{"mail.>"}})
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, 3, "")
	s.add(fmt.Sprintf("[[sink]]\ntype = \"nats\"\nurl = %q\nsubject = \"mail.{account}.{mailbox}\"\nstream = \"MAIL\"\ntimeout = \"2s\"\nretry = [\"50ms\", \"1s\", \"1s\", \"1s\", \"1s\", \"1m\", \"1m\"]\n", server.URL()) + s.fileSink("file"))
	r := s.serve()
	s.awaitUp(r, "user0", "user1", "user2")
	all := s.flood("one", 5)
	s.awaitAll(r, all, map[string]func() log{"nats": stream(t, mails)})

	server.Kill()
	for subject := range s.flood("two", 5) {
		all[subject] = true
	}
	s.awaitAll(r, all, map[string]func() log{"file": s.lines("file")}) // nobody else is held up
	server.Start()
	s.ask(204, "POST", "/v1/sinks/nats/resume", nil, nil)
	s.awaitAll(r, all, map[string]func() log{"nats": stream(t, mails)})
	if again := stream(t, mails)().check(t, "nats", all); again != 0 {
		t.Errorf("%d events are in the stream twice", again)
	}
	r.Stop(t)
}
