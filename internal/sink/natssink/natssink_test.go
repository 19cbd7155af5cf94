package natssink

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pushmail/pushmail/e2e/natsserver"
	"github.com/pushmail/pushmail/internal/sink"
)

func anEvent(n int) sink.Delivery {
	id := fmt.Sprint("id", n)
	return sink.Delivery{ID: id, Account: "jo", Mailbox: "Lists/a.b", Type: "mail.message.new", JSON: []byte(`{"id":"` + id + `"}`)}
}

func one(t *testing.T, s *Sink, d sink.Delivery) sink.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	results := s.Send(ctx, []sink.Delivery{d})
	if len(results) != 1 {
		t.Fatalf("%+v", results)
	}
	return results[0]
}

// eventually sends until it is delivered.
func eventually(t *testing.T, s *Sink, d sink.Delivery) {
	t.Helper()
	var r sink.Result
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if r = one(t, s, d); r.Outcome == sink.OK {
			return
		}
	}
	t.Fatalf("%s was not delivered: %+v", d.ID, r)
}

func TestRealServer(t *testing.T) {
	t.Parallel()
	server := natsserver.New(t)
	s, err := New(Options{URLs: []string{server.URL()}, Subject: "mail.{account}.{mailbox}.{type}", Stream: "MAIL"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	nc, err := nats.Connect(server.URL(), nats.MaxReconnects(-1))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); !s.nc.IsConnected() && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
	}
	if r := one(t, s, anEvent(1)); r.Outcome != sink.Busy || !strings.Contains(r.Err.Error(), "no stream takes the subject mail.jo.Lists/a_b.mail.message.new") {
		t.Errorf("without a stream: %+v", r)
	}
	stream, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "MAIL", Subjects: []string{"mail.>"}})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, s, anEvent(1))
	eventually(t, s, anEvent(2))
	eventually(t, s, anEvent(1)) // a repetition
	expect(t, stream, 2)
	msg, err := stream.GetMsg(t.Context(), 1)
	if err != nil || string(msg.Data) != `{"id":"id1"}` || msg.Header.Get("Nats-Msg-Id") != "id1" || msg.Header.Get("Content-Type") != "application/cloudevents+json" {
		t.Errorf("%+v, %v", msg, err)
	}
	big := anEvent(3)
	big.JSON = make([]byte, 2<<20)
	if r := one(t, s, big); r.Outcome != sink.Never {
		t.Errorf("an event that is too big: %+v", r)
	}

	server.Kill()
	for end := time.Now().Add(30 * time.Second); s.nc.IsConnected() && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
	}
	if r := one(t, s, anEvent(4)); r.Outcome != sink.Busy {
		t.Errorf("without a server: %+v", r)
	}
	server.Start()
	eventually(t, s, anEvent(4))
	expect(t, stream, 3)
}

func expect(t *testing.T, stream jetstream.Stream, n uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		info, err := stream.Info(ctx)
		if err == nil {
			if info.State.Msgs != n {
				t.Errorf("the stream has %d messages, want %d", info.State.Msgs, n)
			}
			return
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

func TestServerThatIsNotThereIsNoError(t *testing.T) {
	t.Parallel()
	s, err := New(Options{URLs: []string{"nats://127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if r := one(t, s, anEvent(1)); r.Outcome != sink.Busy || r.Err == nil {
		t.Errorf("%+v", r)
	}
}

func TestSubjectsAreHarmless(t *testing.T) {
	t.Parallel()
	s := &Sink{o: Options{Subject: "mail.{account}.{mailbox}.{type}"}}
	for text, want := range map[string]string{"": "_", "INBOX": "INBOX", "a.b c>*\r\nd": "a_b_c____d", "Grüße": "Grüße", "{type}": "{type}"} {
		if got := s.subject(sink.Delivery{Account: "jo", Mailbox: text, Type: "mail.link"}); got != "mail.jo."+want+".mail.link" {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestBadSeed(t *testing.T) {
	t.Parallel()
	if _, err := New(Options{URLs: []string{"nats://127.0.0.1:1"}, NKeySeed: "hunter2"}); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}
