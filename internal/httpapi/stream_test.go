package httpapi_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pushmail/pushmail/internal/httpapi"
	"github.com/pushmail/pushmail/internal/journal"
)

func serve(tb testing.TB, h http.Handler, path string) {
	tb.Helper()
	rec := httptest.NewRecorder()
	req := httptest.NewRequest("GET", path, nil)
	req.Host = "localhost"
	h.ServeHTTP(rec, req)
	if rec.Code != 200 {
		tb.Fatalf("%d %s", rec.Code, rec.Body)
	}
}

// message is one of a stream, as a browser reads it.
type message struct {
	id, event, data string
	comment         bool
}

// reader reads a stream by the rules of the HTML standard.
type reader struct {
	scanner *bufio.Scanner
	lastID  string
}

// next returns the next event or comment; ok is false at the end.
func (r *reader) next() (m message, ok bool) {
	for r.scanner.Scan() {
		line := r.scanner.Text()
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "":
			if m.data != "" || m.comment {
				m.id = r.lastID
				return m, true
			}
			m = message{}
		case name == "":
			m.comment = true
		case name == "id":
			r.lastID = value
		case name == "event":
			m.event = value
		case name == "data":
			m.data += value
		}
	}
	return message{}, false
}

// event returns the next one that is not a comment.
func (r *reader) event() (message, bool) {
	for {
		m, ok := r.next()
		if !ok || !m.comment {
			return m, ok
		}
	}
}

// stream opens one. lastID may be empty.
func (w *world) stream(ctx context.Context, query, lastID string) *reader {
	w.t.Helper()
	req, err := http.NewRequestWithContext(ctx, "GET", w.server.URL+"/v1/events/stream"+query, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.token)
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { res.Body.Close() })
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
		w.t.Fatalf("%s %s", res.Status, res.Header.Get("Content-Type"))
	}
	return &reader{scanner: bufio.NewScanner(res.Body)}
}

// Clients that come and go while events are written see each of them once, in order.
func TestStreamHasNoGapAndNoDuplicate(t *testing.T) {
	const total, history = 3000, 500
	w := newWorld(t, nil)
	for range history {
		w.log.add("jo", "mail.message.new")
	}
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for range (total - history) / 4 {
				w.log.add("jo", "mail.message.new")
			}
		})
	}
	var readers sync.WaitGroup
	for i := range 3 {
		readers.Go(func() {
			rnd := rand.New(rand.NewPCG(1, uint64(i)))
			want, lastID := 1, "0"
			for want <= total {
				ctx, cancel := context.WithCancel(t.Context())
				r := w.stream(ctx, "", lastID)
				for range 1 + rnd.IntN(700) { // then it loses the connection
					m, ok := r.event()
					if !ok {
						t.Errorf("reader %d: the stream ended before %d", i, want)
						cancel()
						return
					}
					if m.id != strconv.Itoa(want) || m.event != "mail.message.new" || !strings.Contains(m.data, fmt.Sprintf(`"id":"id%d"`, want)) {
						t.Errorf("reader %d: got %+v, want %d", i, m, want)
						cancel()
						return
					}
					want++
					if want > total {
						break
					}
				}
				lastID = r.lastID
				cancel()
			}
		})
	}
	writers.Wait()
	readers.Wait()
}

func TestStreamBeginsAtTheEndUnlessItIsTold(t *testing.T) {
	w := newWorld(t, nil)
	for range 5 {
		w.log.add("jo", "mail.message.new")
	}
	for _, test := range []struct{ query, lastID, want string }{
		{"", "", "6"},
		{"?after=3", "", "4"},
		{"?after=3", "4", "5"},
		{"?after=0", "", "1"},
	} {
		r := w.stream(t.Context(), test.query, test.lastID)
		if m, ok := r.next(); !ok || !m.comment {
			t.Errorf("%q: began with %+v", test.query, m)
		}
		if test.want == "6" {
			w.log.add("jo", "mail.message.new")
		}
		if m, ok := r.event(); !ok || m.id != test.want {
			t.Errorf("%q, %q: got %+v, want %s", test.query, test.lastID, m, test.want)
		}
	}
}

func TestStreamTellsOfAGap(t *testing.T) {
	w := newWorld(t, nil)
	for range 10 {
		w.log.add("jo", "mail.message.new")
	}
	w.log.forget(6)
	for _, test := range []struct{ lastID, data, next string }{
		{"3", `{"after":3,"first":7,"last":10}`, "7"},
		{"99", `{"after":99,"first":11,"last":10}`, ""}, // the journal was replaced by an older one
		{"6", "", "7"},
		{"5", `{"after":5,"first":7,"last":10}`, "7"},
	} {
		r := w.stream(t.Context(), "", test.lastID)
		if test.data != "" {
			if m, _ := r.event(); m.event != "gap" || m.data != test.data {
				t.Errorf("after %s: %+v, want a gap %s", test.lastID, m, test.data)
			}
		}
		if test.next != "" {
			if m, _ := r.event(); m.id != test.next {
				t.Errorf("after %s: %+v, want %s", test.lastID, m, test.next)
			}
		}
	}
	var out struct {
		Items []struct{ Position int64 }
		Next  int64
		Gap   *struct{ First int64 }
	}
	w.ask("GET", "/v1/events?after=3&limit=2", nil).into(t, &out)
	if len(out.Items) != 2 || out.Items[0].Position != 7 || out.Next != 8 || out.Gap == nil || out.Gap.First != 7 {
		t.Errorf("list: %+v", out)
	}
}

// A client that gets few of the events must not have all others looked at again when it comes back.
func TestHeartbeatCarriesThePosition(t *testing.T) {
	w := newWorld(t, func(o *httpapi.Options) { o.Heartbeat = 20 * time.Millisecond })
	w.log.add("jo", "mail.message.new")
	r := w.stream(t.Context(), "?after=0&account=jo", "")
	if m, ok := r.event(); !ok || m.id != "1" {
		t.Fatalf("%+v", m)
	}
	for range 300 {
		w.log.add("ann", "mail.message.new")
	}
	for r.lastID != "301" {
		m, ok := r.next()
		if !ok || !m.comment {
			t.Fatalf("got %+v at %s", m, r.lastID)
		}
	}
}

func TestStreamsEnd(t *testing.T) {
	for name, end := range map[string]func(w *world){
		"when the program ends": func(w *world) {
			if err := w.api.Shutdown(context.Background()); err != nil {
				w.t.Error(err)
			}
		},
		"when tokens change": func(w *world) { w.api.SetTokens(tokens[1:]) },
	} {
		w := newWorld(t, nil)
		r := w.stream(t.Context(), "", "")
		r.next()
		end(w)
		if m, ok := r.event(); ok {
			t.Errorf("%s: got %+v", name, m)
		}
	}
}

// A client that does not read is cut off, and delays nobody.
func TestSlowClientIsCutOff(t *testing.T) {
	w := newWorld(t, func(o *httpapi.Options) { o.StreamWriteTimeout = 200 * time.Millisecond })
	big := strings.Repeat("x", 100<<10)
	w.log.mu.Lock()
	for i := range journal.Position(300) {
		w.log.records = append(w.log.records, journal.Record{Position: i + 1, ID: "x", Type: "mail.message.new", JSON: []byte(big)})
	}
	w.log.last = 300
	w.log.mu.Unlock()
	c, err := net.Dial("tcp", w.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "GET /v1/events/stream?after=0 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", w.token)
	// It reads nothing until the server has given it up.
	deadline := time.Now().Add(20 * time.Second)
	for w.api.Streams() != 1 && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	for w.api.Streams() != 0 {
		if time.Now().After(deadline) {
			t.Fatal("the client still has its stream")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestTooManyStreamsAreRefused(t *testing.T) {
	w := newWorld(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range httpapi.MaxStreams {
		w.stream(ctx, "", "")
	}
	if got := w.ask("GET", "/v1/events/stream", nil); got.code != 503 {
		t.Errorf("%d %s", got.code, got.body)
	}
}
