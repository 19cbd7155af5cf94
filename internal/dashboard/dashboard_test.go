package dashboard_test

import (
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/internal/dashboard"
)

func TestThePageLoadsNothingFromElsewhere(t *testing.T) {
	h := dashboard.Handler()
	elsewhere := regexp.MustCompile(`(?i)(?:src|href|url\(|import|fetch\()[^\n]{0,20}["'(]\s*(?:https?:)?//[^"')]*`)
	inline := regexp.MustCompile(`(?i)<script>|<style|\sstyle=|\son[a-z]+=|innerHTML|insertAdjacentHTML|document\.write|eval\(`)
	for path, contentType := range map[string]string{
		"/": "text/html", "/app.js": "text/javascript", "/api.js": "text/javascript", "/accounts.js": "text/javascript", "/charts.js": "text/javascript", "/dom.js": "text/javascript",
		"/events.js": "text/javascript", "/form.js": "text/javascript", "/overview.js": "text/javascript", "/sinks.js": "text/javascript", "/trouble.js": "text/javascript",
		"/words.js": "text/javascript", "/style.css": "text/css", "/icon.svg": "image/svg+xml",
	} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
		if rec.Code != 200 || !strings.HasPrefix(rec.Header().Get("Content-Type"), contentType) {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Header().Get("Content-Type"))
		}
		csp := rec.Header().Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: policy %q", path, csp)
		}
		body := rec.Body.String()
		if got := elsewhere.FindString(body); got != "" {
			t.Errorf("%s loads %s", path, got)
		}
		if got := inline.FindString(body); got != "" {
			t.Errorf("%s has %q, which the policy forbids or which reads text as HTML", path, got)
		}
		again := httptest.NewRequest("GET", path, nil)
		again.Header.Set("If-None-Match", rec.Header().Get("ETag"))
		rec = httptest.NewRecorder()
		if h.ServeHTTP(rec, again); rec.Code != 304 {
			t.Errorf("%s: %d for what is known", path, rec.Code)
		}
	}
	rec := httptest.NewRecorder()
	if h.ServeHTTP(rec, httptest.NewRequest("GET", "/page/../dashboard.go", nil)); rec.Code != 404 {
		t.Errorf("%d for what is not of the page", rec.Code)
	}
}
