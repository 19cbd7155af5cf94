package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/pushmail/pushmail/internal/journal"
)

const streamID = "streamEvents"

// streamBatch is how many events are read at a time.
const streamBatch = 100

type streamIn struct {
	EventFilter
	AfterQ string `query:"after" maxLength:"20" pattern:"^[0-9]*$" doc:"Begin after this position; the end of the journal unless given"`
	LastID string `header:"Last-Event-ID" maxLength:"20" doc:"The id of the last event that was had; goes before after"`
}

func (s *Server) routeStream() {
	op := operation("GET", "/v1/events/stream", streamID, "Events as they come",
		"Server-sent events: id is the position, event the type, data the event. A browser that lost the connection comes back with "+
			"Last-Event-ID and misses nothing and gets nothing twice; others give after. An event named gap, with data like the gap of GET /v1/events, "+
			"says that some are not in the journal any more. A comment, with an id, shows that the connection is alive.",
		"events", Read, 422, 503)
	op.Responses = map[string]*huma.Response{"200": {
		Description: "The stream. It ends when the program does, or when the client is too slow.",
		Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: "string"}}},
	}}
	huma.Register(s.api, op, s.openStream)
}

func (s *Server) openStream(ctx context.Context, in *streamIn) (*huma.StreamResponse, error) {
	after, err := s.begin(ctx, in)
	if err != nil {
		return nil, err
	}
	if s.streams.Add(1) > maxStreams {
		s.streams.Add(-1)
		return nil, huma.Error503ServiceUnavailable("there are too many streams: close some")
	}
	allowed := s.access.Load().ctx
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer s.streams.Add(-1)
		ctx, cancel := context.WithCancel(hc.Context())
		defer cancel()
		defer context.AfterFunc(allowed, cancel)()
		_, w := humago.Unwrap(hc)
		st := &stream{s: s, w: w, rc: http.NewResponseController(w), filter: in.filter()}
		err := st.run(ctx, after)
		s.log.Debug("a stream of events ended", "remote", hc.RemoteAddr(), "err", err)
	}}, nil
}

// begin returns the position that a stream begins after.
func (s *Server) begin(ctx context.Context, in *streamIn) (journal.Position, error) {
	text, where := in.AfterQ, "query.after"
	if in.LastID != "" {
		text, where = in.LastID, "header.Last-Event-ID"
	}
	if text == "" {
		last, err := s.o.Journal.Last(ctx)
		if err != nil {
			return 0, s.problem(ctx, err, "events")
		}
		return last, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, huma.Error422UnprocessableEntity("this is not a position", &huma.ErrorDetail{Location: where, Message: "want a number, such as 42"})
	}
	return journal.Position(n), nil
}

// stream is one client that reads events.
type stream struct {
	s      *Server
	w      http.ResponseWriter
	rc     *http.ResponseController
	filter journal.Filter
	told   journal.Position // the id that the client has
}

// run sends events until the client is gone or too slow, or ctx ends, and returns why. Everything comes out of the journal, at the pace of the
// client: so there is no seam between what was and what comes, and no queue.
func (st *stream) run(ctx context.Context, after journal.Position) error {
	h := st.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx
	st.w.WriteHeader(http.StatusOK)
	after, err := st.start(ctx, after)
	if err != nil {
		return err
	}
	for {
		records, at, err := st.s.read(ctx, after, streamBatch, st.filter)
		if err != nil {
			return err
		}
		for i := range records {
			if err := st.send(&records[i]); err != nil {
				return err
			}
		}
		if err := st.flush(); err != nil {
			return err
		}
		after = at.next
		if after >= at.last {
			if err := st.wait(ctx, after); err != nil {
				return err
			}
		}
	}
}

// start tells the client that it is connected, and of a gap, and returns where to begin.
func (st *stream) start(ctx context.Context, after journal.Position) (journal.Position, error) {
	st.expect()
	missing, err := st.s.gap(ctx, after)
	if err != nil {
		return 0, err
	}
	if missing != nil {
		after = journal.Position(missing.First - 1)
		text, _ := json.Marshal(missing)
		fmt.Fprintf(st.w, "event: gap\ndata: %s\n\n", text)
	}
	return after, st.beat(after)
}

// wait returns when there may be an event after a position. Meanwhile it shows that the connection is alive.
func (st *stream) wait(ctx context.Context, after journal.Position) error {
	for {
		beat, cancel := context.WithTimeout(ctx, st.s.o.Heartbeat)
		err := st.s.o.Journal.Wait(beat, after)
		cancel()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !errors.Is(err, context.DeadlineExceeded):
			return err
		}
		if err := st.beat(after); err != nil {
			return err
		}
	}
}

func (st *stream) send(r *journal.Record) error {
	st.expect()
	st.told = r.Position
	_, err := fmt.Fprintf(st.w, "id: %d\nevent: %s\ndata: %s\n\n", r.Position, r.Type, r.JSON)
	return err
}

// beat sends a comment. With it goes the position, which a client that gets few of the events would not know otherwise: an id
// without data is kept, and is no event.
func (st *stream) beat(after journal.Position) error {
	st.expect()
	id := ""
	if after != st.told {
		st.told, id = after, "id: "+formatPosition(after)+"\n"
	}
	if _, err := fmt.Fprintf(st.w, ": alive\n%s\n", id); err != nil {
		return err
	}
	return st.flush()
}

// expect gives the client some time to read what is written next. Who does not is cut off.
func (st *stream) expect() {
	_ = st.rc.SetWriteDeadline(time.Now().Add(st.s.o.StreamWriteTimeout))
}

func (st *stream) flush() error {
	st.expect()
	return st.rc.Flush()
}
