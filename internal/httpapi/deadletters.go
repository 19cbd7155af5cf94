package httpapi

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pushmail/pushmail/internal/journal"
)

type deadLetter struct {
	Sink     string     `json:"sink"`
	Position int64      `json:"position" doc:"Place of the event in the journal"`
	Attempts int        `json:"attempts" doc:"How many were made"`
	LastAt   time.Time  `json:"last_at,omitzero" doc:"When the last one was made"`
	Error    string     `json:"error" doc:"Why it failed"`
	BuriedAt time.Time  `json:"buried_at" doc:"When it was given up"`
	Event    cloudEvent `json:"event"`
}

type deadLettersIn struct {
	Sink  string `query:"sink" maxLength:"200" doc:"Only those of this sink"`
	After int64  `query:"after" minimum:"0" doc:"Those after this position; next of the page before"`
	Limit int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"How many; those of the same position are not cut apart"`
}

type deadLettersOut struct {
	Items []deadLetter `json:"items" nullable:"false" doc:"By position"`
	Next  int64        `json:"next,omitempty" doc:"What to give as after to read on; absent at the end"`
}

type lettersIn struct {
	Body struct {
		Sink      string  `json:"sink" minLength:"1" maxLength:"200"`
		Positions []int64 `json:"positions,omitempty" maxItems:"1000" nullable:"false" doc:"Which ones"`
		All       bool    `json:"all,omitempty" doc:"All of the sink, instead of positions"`
	}
}

func (s *Server) routeDeadLetters() {
	const tag = "sinks"
	huma.Register(s.api, operation("GET", "/v1/deadletters", "listDeadLetters", "Events that were given up", "", tag, Read, 503), s.listDeadLetters)
	huma.Register(s.api, operation("POST", "/v1/deadletters/replay", "replayDeadLetters", "Deliver dead letters again", "They begin with the first attempt.", tag, Write, 404, 422, 503),
		func(ctx context.Context, in *lettersIn) (*bodyOf[countOut], error) {
			return s.letters(ctx, in, Sinks.Revive)
		})
	huma.Register(s.api, operation("POST", "/v1/deadletters/drop", "dropDeadLetters", "Forget dead letters", "The events stay in the journal until it is pruned.", tag, Write, 404, 422, 503),
		func(ctx context.Context, in *lettersIn) (*bodyOf[countOut], error) {
			return s.letters(ctx, in, Sinks.Drop)
		})
}

func (s *Server) listDeadLetters(ctx context.Context, in *deadLettersIn) (*bodyOf[deadLettersOut], error) {
	var found []journal.DeadLetter
	err := s.steer(ctx, in.Sink, func(k Sinks) (err error) {
		found, err = k.DeadLetters(ctx, in.Sink, journal.Position(in.After), in.Limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := deadLettersOut{Items: []deadLetter{}}
	for i := range found {
		d := &found[i]
		out.Items = append(out.Items, deadLetter{d.Sink, int64(d.Position), d.Attempts, d.LastAt, d.Error, d.BuriedAt, d.Record.JSON})
	}
	if len(found) >= in.Limit {
		out.Next = int64(found[len(found)-1].Position)
	}
	return &bodyOf[deadLettersOut]{out}, nil
}

func (s *Server) letters(ctx context.Context, in *lettersIn, do func(Sinks, context.Context, string, ...journal.Position) (int, error)) (*bodyOf[countOut], error) {
	if in.Body.All != (len(in.Body.Positions) == 0) {
		return nil, s.problem(ctx, FieldErrors{{"positions", "give either positions or all"}}, "dead letters")
	}
	positions := make([]journal.Position, len(in.Body.Positions))
	for i, p := range in.Body.Positions {
		positions[i] = journal.Position(p)
	}
	return s.counted(ctx, in.Body.Sink, func(k Sinks) (int, error) { return do(k, ctx, in.Body.Sink, positions...) })
}
