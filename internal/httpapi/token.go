package httpapi

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
)

// Scope is what a token allows. Each is on its own.
type Scope string

// The scopes.
const (
	Read  Scope = "read"  // look at everything but secrets
	Write Scope = "write" // pause, resume and replay; drop dead letters
	Admin Scope = "admin" // add, change and remove accounts, reload
)

// Token is one who may use the API.
type Token struct {
	// Name is what the log says of who it was.
	Name   string
	Secret string
	Scopes []Scope
}

// caller is who makes a request.
type caller struct {
	name   string
	scopes []Scope
}

func (c *caller) may(s Scope) bool { return slices.Contains(c.scopes, s) }

// everybody is who calls when there are no tokens.
var everybody = &caller{scopes: []Scope{Read, Write, Admin}}

// keyring is the tokens that are valid, by their hashes: of the same length, so that comparing them tells nothing.
type keyring []key

type key struct {
	sum [sha256.Size]byte
	caller
}

func newKeyring(tokens []Token) keyring {
	var k keyring
	for _, t := range tokens {
		k = append(k, key{sha256.Sum256([]byte(t.Secret)), caller{t.Name, slices.Clone(t.Scopes)}})
	}
	return k
}

// find returns who has a token, nil if nobody has. It takes as long for each.
func (k keyring) find(token string) (who *caller) {
	sum := sha256.Sum256([]byte(token))
	for i := range k {
		if subtle.ConstantTimeCompare(sum[:], k[i].sum[:]) == 1 {
			who = &k[i].caller
		}
	}
	return who
}

// bearer returns the token of a request (RFC 6750 section 2.1), "" without one. It is not taken from the URL, which ends up in
// logs.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

type callerKey struct{}

func callerOf(ctx context.Context) *caller {
	c, _ := ctx.Value(callerKey{}).(*caller)
	return c
}

// identify returns who makes the request, nil if it has no valid token but needs one.
func (s *Server) identify(r *http.Request) *caller {
	access := s.access.Load()
	if len(access.keys) == 0 {
		return everybody
	}
	return access.keys.find(bearer(r))
}

// allow reports whether the request may do what needs the scope, and has answered if not (RFC 6750 section 3.1).
func (s *Server) allow(w http.ResponseWriter, r *http.Request, need Scope) (*caller, bool) {
	who := s.identify(r)
	switch {
	case who == nil:
		challenge := `Bearer realm="pushmail"`
		detail := "a token is needed: Authorization: Bearer TOKEN"
		if bearer(r) != "" {
			challenge += `, error="invalid_token"`
			detail = "this token is not valid"
			s.log.Warn("a token was refused", "remote", r.RemoteAddr, "path", r.URL.Path)
		}
		w.Header().Set("WWW-Authenticate", challenge)
		writeProblem(w, http.StatusUnauthorized, detail)
		return nil, false
	case need != "" && !who.may(need):
		w.Header().Set("WWW-Authenticate", `Bearer realm="pushmail", error="insufficient_scope", scope="`+string(need)+`"`)
		writeProblem(w, http.StatusForbidden, "this needs a token with the scope "+string(need))
		return nil, false
	}
	return who, true
}

// withScope guards a handler that huma does not serve.
func (s *Server) withScope(need Scope, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := s.allow(w, r, need); ok {
			h.ServeHTTP(w, r)
		}
	})
}
