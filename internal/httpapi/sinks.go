package httpapi

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

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
	Count int `json:"count" doc:"How many events; -1 if that is not known yet"`
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
			reason := "paused by " + orElse(callerOf(ctx).name, "the API")
			if in.Body != nil && in.Body.Reason != "" {
				reason += ": " + in.Body.Reason
			}
			return s.steer(ctx, in.Name, func(k Sinks) error { return k.Pause(ctx, in.Name, reason) })
		})
	huma.Register(s.api, operation("POST", "/v1/sinks/{name}/resume", "resumeSink", "Go on with deliveries", "After a pause, or after the receiver has said that it wants no more.", tag, Write, 404, 503),
		func(ctx context.Context, in *SinkPath) (*struct{}, error) {
			return s.steer(ctx, in.Name, func(k Sinks) error { return k.Resume(ctx, in.Name) })
		})
	huma.Register(s.api, operation("POST", "/v1/sinks/{name}/replay", "replay", "Send events once more", "They have the same ids as before.", tag, Write, 404, 422, 503), s.replay)
}

func (s *Server) steer(ctx context.Context, sink string, do func(Sinks) error) (*struct{}, error) {
	err := ErrUnavailable
	if s.o.Sinks != nil {
		err = do(s.o.Sinks)
	}
	if err != nil {
		return nil, s.problem(ctx, err, "sink "+quote(sink))
	}
	return nil, nil
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
	var out bodyOf[countOut]
	_, err := s.steer(ctx, in.Name, func(k Sinks) (err error) {
		out.Body.Count, err = k.Replay(ctx, in.Name, *r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
