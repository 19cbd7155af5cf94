package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pushmail/pushmail/internal/journal"
)

// problem turns an error of a service into an answer (RFC 9457). What it does not know is logged, and the client is told no
// more than that: it may name files and the like.
func (s *Server) problem(ctx context.Context, err error, what string) error {
	var fields FieldErrors
	switch {
	case errors.As(err, &fields):
		details := make([]error, len(fields))
		for i, f := range fields {
			details[i] = &huma.ErrorDetail{Location: "body." + f.Field, Message: f.Message}
		}
		return huma.NewError(http.StatusUnprocessableEntity, "some fields cannot be used", details...)
	case errors.Is(err, ErrNotFound), errors.Is(err, journal.ErrNotFound):
		return huma.NewError(http.StatusNotFound, what+": there is no such thing")
	case errors.Is(err, ErrExists):
		return huma.NewError(http.StatusConflict, what+": there is one of that name already")
	case errors.Is(err, ErrInFile), errors.Is(err, ErrNoKey), errors.Is(err, ErrConflict):
		return huma.NewError(http.StatusConflict, what+": "+err.Error())
	case errors.Is(err, ErrUnavailable), errors.Is(err, journal.ErrFull), errors.Is(err, journal.ErrClosed), errors.Is(err, journal.ErrReadOnly):
		return huma.NewError(http.StatusServiceUnavailable, what+": "+err.Error())
	case ctx.Err() != nil:
		return huma.NewError(http.StatusServiceUnavailable, what+": the request took too long")
	}
	s.log.Error("a request failed", "request", what, "err", err)
	return huma.NewError(http.StatusInternalServerError, what+": this failed; the log says why")
}

// plainly takes the values out of a problem that came with the request: one of them may be a secret in the wrong place.
func plainly(_ huma.Context, _ string, body any) (any, error) {
	if m, ok := body.(*huma.ErrorModel); ok {
		for _, e := range m.Errors {
			e.Value = nil
		}
	}
	return body, nil
}

// writeProblem answers where huma does not.
func writeProblem(w http.ResponseWriter, code int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(huma.ErrorModel{Title: http.StatusText(code), Status: code, Detail: detail})
}
