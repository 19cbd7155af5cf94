package httpapi

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// CheckListen returns an error if it is not safe to listen at HOST:PORT: without tokens only this machine may reach it.
func CheckListen(addr string, tokens int) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("listen %q: want HOST:PORT, such as 127.0.0.1:8025: %w", addr, err)
	}
	if tokens == 0 && !isLoopback(host) {
		return fmt.Errorf("listen %q: others than this machine could reach the API, so it needs a token: set [api] tokens, or listen at 127.0.0.1", addr)
	}
	return nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}

// knowsHost reports whether the Host of a request is one of ours. A web page can make its own name point to 127.0.0.1 and would
// then be of the same origin as the API (DNS rebinding); the name in Host gives it away.
func (s *Server) knowsHost(r *http.Request) bool {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return isLoopback(host) || slices.Contains(s.hosts, strings.Trim(host, "[]"))
}

// guard is what holds for every request.
func (s *Server) guard(next http.Handler) http.Handler {
	sameOrigin := http.NewCrossOriginProtection() // nobody else's page may change anything
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if len(s.access.Load().keys) == 0 && !s.knowsHost(r) {
			writeProblem(w, http.StatusMisdirectedRequest, "this server is not called "+safeHost(r.Host)+": add the name to [api] hosts, or use a token")
			return
		}
		if err := sameOrigin.Check(r); err != nil {
			writeProblem(w, http.StatusForbidden, "requests from pages of other origins are refused")
			return
		}
		// Each request sets it: a deadline stays with the connection.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(requestTime + 10*time.Second))
		bounded := *r // net/http looks at the Body of its own to know what is left to read
		bounded.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, &bounded)
	})
}

// safeHost is what can be shown of a Host that anybody may have written.
func safeHost(host string) string {
	return fmt.Sprintf("%.100q", host)
}
