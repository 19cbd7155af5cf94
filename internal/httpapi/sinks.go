package httpapi

import (
	"cmp"
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/internal/status"
)

type sinksOut struct {
	Items []status.Sink `json:"items" nullable:"false" doc:"In the order of the configuration"`
}

type SinkPath struct {
	Name string `path:"name" maxLength:"200" doc:"Name of the sink"`
}

type pauseIn struct {
	SinkPath
	Body *struct {
		Reason string `json:"reason,omitempty" maxLength:"500" doc:"Why, for people"`
	}
}

// countOut says how many.
type countOut struct {
	Count int `json:"count" doc:"How many events"`
}

func (s *Server) routeSinks() {
	const tag = "sinks"
	huma.Register(s.api, operation("GET", "/v1/sinks", "listSinks", "Sinks and how they are", "", tag, Read),
		func(context.Context, *struct{}) (*bodyOf[sinksOut], error) {
			out := sinksOut{s.o.Board.Sinks()}
			if out.Items == nil {
				out.Items = []status.Sink{}
			}
			return &bodyOf[sinksOut]{out}, nil
		})
	huma.Register(s.api, operation("POST", "/v1/sinks/{name}/pause", "pauseSink", "Stop deliveries", "Events are kept until it is resumed. It stays so over a restart.", tag, Write, 404, 503),
		func(ctx context.Context, in *pauseIn) (*struct{}, error) {
			reason := "paused by " + cmp.Or(callerOf(ctx).name, "the API")
			if in.Body != nil && in.Body.Reason != "" {
				reason += ": " + in.Body.Reason
			}
			return nil, s.steer(ctx, in.Name, func(k Sinks) error { return k.Pause(ctx, in.Name, reason) })
		})
	huma.Register(s.api, operation("POST", "/v1/sinks/{name}/resume", "resumeSink", "Go on with deliveries", "After a pause, or after the receiver has said that it wants no more.", tag, Write, 404, 503),
		func(ctx context.Context, in *SinkPath) (*struct{}, error) {
			return nil, s.steer(ctx, in.Name, func(k Sinks) error { return k.Resume(ctx, in.Name) })
		})
	huma.Register(s.api, operation("GET", "/v1/sinks/{name}/failing", "listFailing", "Events that hold up their mailboxes", "They have failed and are tried again; what comes after them in the same mailbox waits.", tag, Read, 404, 503), s.listFailing)
	huma.Register(s.api, operation("POST", "/v1/sinks/{name}/skip", "skip", "Give up events that hold up their mailboxes", "They become dead letters at once, and what comes after them goes on.", tag, Write, 404, 409, 422, 503), s.skip)
	huma.Register(s.api, operation("POST", "/v1/sinks/{name}/replay", "replay", "Send events once more", "They have the same ids as before.", tag, Write, 404, 422, 503), s.replay)
}

type failing struct {
	Position int64      `json:"position" doc:"Place of the event in the journal"`
	Attempts int        `json:"attempts" doc:"How many were made"`
	LastAt   time.Time  `json:"last_at,omitzero" doc:"When the last one was made"`
	NextAt   time.Time  `json:"next_at,omitzero" doc:"When the next one is due; absent if that is now"`
	Error    string     `json:"error" doc:"Why the last one failed"`
	Replay   bool       `json:"replay,omitempty" doc:"It is sent again because somebody asked for it, and holds up only other such events"`
	Event    cloudEvent `json:"event"`
}

type failingIn struct {
	SinkPath
	After int64 `query:"after" minimum:"0" doc:"Those after this position; next of the page before"`
	Limit int   `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"How many"`
}

type failingOut struct {
	Items []failing `json:"items" nullable:"false" doc:"By position"`
	Next  int64     `json:"next,omitempty" doc:"What to give as after to read on; absent at the end"`
}

func (s *Server) listFailing(ctx context.Context, in *failingIn) (*bodyOf[failingOut], error) {
	var found []journal.Pending
	err := s.steer(ctx, in.Name, func(k Sinks) (err error) {
		found, err = k.Failing(ctx, in.Name, journal.Position(in.After), in.Limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := failingOut{Items: []failing{}}
	for i := range found {
		f := &found[i]
		out.Items = append(out.Items, failing{int64(f.Retry.Position), f.Attempts, f.LastAt, f.NextAt, f.Error, !f.Rest, f.Record.JSON})
	}
	if len(found) >= in.Limit {
		out.Next = int64(found[len(found)-1].Retry.Position)
	}
	return &bodyOf[failingOut]{out}, nil
}

type skipIn struct {
	SinkPath
	Body struct {
		IDs []string `json:"ids,omitempty" maxItems:"1000" nullable:"false" doc:"Which ones"`
		All bool     `json:"all,omitempty" doc:"All that hold up a mailbox of the sink now, instead of ids"`
	}
}

func (s *Server) skip(ctx context.Context, in *skipIn) (*bodyOf[countOut], error) {
	if in.Body.All != (len(in.Body.IDs) == 0) {
		return nil, s.problem(ctx, FieldErrors{{"ids", "give either ids or all"}}, "skip")
	}
	return s.counted(ctx, in.Name, func(k Sinks) (int, error) { return k.Skip(ctx, in.Name, in.Body.IDs...) })
}

// steer has something done to a sink.
func (s *Server) steer(ctx context.Context, sink string, do func(Sinks) error) error {
	err := ErrUnavailable
	if s.o.Sinks != nil {
		err = do(s.o.Sinks)
	}
	if err != nil {
		return s.problem(ctx, err, "sink "+quote(sink))
	}
	return nil
}

// counted is steer for what is done to a number of events.
func (s *Server) counted(ctx context.Context, sink string, do func(Sinks) (int, error)) (*bodyOf[countOut], error) {
	var out bodyOf[countOut]
	err := s.steer(ctx, sink, func(k Sinks) (err error) {
		out.Body.Count, err = do(k)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

func (s *Server) replay(ctx context.Context, in *struct {
	SinkPath
	Body ReplayRequest
},
) (*bodyOf[countOut], error) {
	r := &in.Body
	var errs FieldErrors
	ranged := r.From != 0 || r.To != 0 || !r.Since.IsZero() || !r.Until.IsZero() || r.Account != "" || len(r.Types) > 0
	switch {
	case len(r.IDs) > 0 && ranged:
		errs = FieldErrors{{"ids", "with ids nothing else can be given"}}
	case len(r.IDs) == 0 && r.From == 0 && r.Since.IsZero():
		errs = FieldErrors{{"from", "say where to begin: ids, from, or since"}}
	case r.To != 0 && r.To < r.From:
		errs = FieldErrors{{"to", "it is before from"}}
	case !r.Until.IsZero() && r.Until.Before(r.Since):
		errs = FieldErrors{{"until", "it is before since"}}
	}
	if errs != nil {
		return nil, s.problem(ctx, errs, "replay")
	}
	return s.counted(ctx, in.Name, func(k Sinks) (int, error) { return k.Replay(ctx, in.Name, *r) })
}
