package httpapi

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pushmail/pushmail/internal/status"
)

type bodyOf[T any] struct{ Body T }

type me struct {
	Name   string  `json:"name,omitempty" doc:"Name of the token; absent without one"`
	Scopes []Scope `json:"scopes" nullable:"false" doc:"What it allows"`
}

type alive struct {
	OK bool `json:"ok"`
}

type health struct {
	Ready   bool     `json:"ready"`
	Reasons []string `json:"reasons" nullable:"false" doc:"Why it is not ready, or what else is not well; no names"`
}

type seriesOut struct {
	Points []status.Point `json:"points" nullable:"false" doc:"Spans of the last hour, oldest first; the last one goes on"`
}

func (s *Server) routeSystem() {
	huma.Register(s.api, operation("GET", "/v1/status", "getStatus", "The state in a few numbers", "", "status", Read),
		func(context.Context, *struct{}) (*bodyOf[status.Summary], error) {
			return &bodyOf[status.Summary]{s.o.Board.Summary()}, nil
		})
	huma.Register(s.api, operation("GET", "/v1/series", "getSeries", "Events and deliveries of the last hour, for charts", "", "status", Read),
		func(_ context.Context, in *struct {
			Points int `query:"points" minimum:"1" maximum:"360" default:"60" doc:"How many spans; a number that divides 360"`
		},
		) (*bodyOf[seriesOut], error) {
			return &bodyOf[seriesOut]{seriesOut{s.o.Board.Series(in.Points)}}, nil
		})
	huma.Register(s.api, operation("GET", "/v1/me", "getMe", "What this token allows", "", "status", Read),
		func(ctx context.Context, _ *struct{}) (*bodyOf[me], error) {
			who := callerOf(ctx)
			return &bodyOf[me]{me{who.name, who.scopes}}, nil
		})
	huma.Register(s.api, operation("POST", "/v1/reload", "reload", "Read the configuration again",
		"What has not changed goes on. When the configuration has an error, everything does.", "status", Admin, 409, 422, 503),
		func(ctx context.Context, _ *struct{}) (*struct{}, error) {
			if s.o.Reload == nil {
				return nil, s.problem(ctx, ErrUnavailable, "reload")
			}
			if err := s.o.Reload(ctx); err != nil {
				s.log.Error("the configuration was not read again", "err", err)
				return nil, huma.Error409Conflict("the configuration has an error, so the one before stays: " + err.Error())
			}
			return nil, nil
		})
	huma.Register(s.api, operation("GET", "/healthz", "getHealth", "Whether the program runs", "Needs no token.", "health", ""),
		func(context.Context, *struct{}) (*bodyOf[alive], error) { return &bodyOf[alive]{alive{true}}, nil })
	s.routeReady()
}

// routeReady has its own handler, since the answer of a program that is not ready is no problem+json.
func (s *Server) routeReady() {
	schema := s.api.OpenAPI().Components.Schemas.Schema(typeOf[health](), true, "Health")
	answer := func(what string) *huma.Response {
		return &huma.Response{Description: what, Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}}
	}
	op := operation("GET", "/readyz", "getReadiness", "Whether mailboxes are verified to be complete and events can be written",
		"Ready is when the journal can be written and at least half of the accounts are fresh: verified, and not stale. Needs no token.", "health", "")
	op.Responses = map[string]*huma.Response{"200": answer("Ready"), "503": answer("Not ready")}
	s.api.OpenAPI().AddOperation(&op)
	s.mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		sum := s.o.Board.Summary()
		w.Header().Set("Content-Type", "application/json")
		if !sum.Ready {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(health{sum.Ready, sum.Reasons})
	})
}
