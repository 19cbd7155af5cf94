package httpapi

import (
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"
)

// routeDocument serves the OpenAPI document. It needs no token: it is the same in every installation.
func (s *Server) routeDocument() {
	doc := s.api.OpenAPI()
	plain := func(what, contentType string) map[string]*huma.Response {
		return map[string]*huma.Response{"200": {Description: what, Content: map[string]*huma.MediaType{contentType: {Schema: &huma.Schema{Type: contentSchema(contentType)}}}}}
	}
	self := operation("GET", "/openapi.json", "getDocument", "This document", "Needs no token.", "health", "")
	self.Responses = plain("OpenAPI 3.1", "application/json")
	doc.AddOperation(&self)
	if s.o.Metrics != nil {
		metrics := operation("GET", "/metrics", "getMetrics", "Metrics for Prometheus", "", "health", Read)
		metrics.Responses = plain("Metrics", "text/plain")
		doc.AddOperation(&metrics)
	}
	render := sync.OnceValues(doc.MarshalJSON)
	s.mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, r *http.Request) {
		text, err := render()
		if err != nil {
			s.log.Error("the OpenAPI document cannot be written", "err", err)
			writeProblem(w, http.StatusInternalServerError, "this failed; the log says why")
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text)
	})
}

func contentSchema(contentType string) string {
	if contentType == "application/json" {
		return "object"
	}
	return "string"
}
