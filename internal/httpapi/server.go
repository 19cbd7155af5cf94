package httpapi

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/pushmail/pushmail/internal/status"
)

// Bounds of what clients may do.
const (
	maxBody    = 1 << 20
	maxHeader  = 64 << 10
	maxStreams = 256
	// requestTime is how long anything but a stream may take.
	requestTime = time.Minute
)

// Options are the settings of a [Server]. Board and Journal are needed.
type Options struct {
	Board   *status.Board
	Journal Journal
	// Accounts and Sinks may be nil: then they cannot be changed.
	Accounts Accounts
	Sinks    Sinks
	// Reload reads the configuration again. Nil: that cannot be asked for.
	Reload func(ctx context.Context) error
	// Metrics serves /metrics, Dashboard everything that is not of the API. Both may be nil.
	Metrics, Dashboard http.Handler

	// Tokens are who may use the API. Without any everybody may who reaches it: see [CheckListen].
	Tokens []Token
	// Hosts are names under which it may be asked without a token, besides localhost and loopback addresses.
	Hosts []string
	// TLS is how Serve encrypts. Nil does not.
	TLS *tls.Config

	// Heartbeat is how often a stream without events shows that it is alive. Zero means 15 s.
	Heartbeat time.Duration
	// StreamWriteTimeout is how long a client may take to read what was sent before it is cut off. Zero means 30 s.
	StreamWriteTimeout time.Duration
	// Logger may be nil: silent.
	Logger *slog.Logger
}

// Server serves the API.
type Server struct {
	o       Options
	log     *slog.Logger
	hosts   []string
	api     huma.API
	mux     *http.ServeMux
	http    *http.Server
	access  atomic.Pointer[access]
	ending  context.Context // ends when Shutdown begins
	end     context.CancelFunc
	streams atomic.Int64
}

// access is who may use the API until that is changed.
type access struct {
	keys keyring
	// ctx ends when others take its place, and streams with it: whoever has them may be allowed no more.
	ctx    context.Context
	cancel context.CancelFunc
}

// New returns a Server. Serve or Handler makes use of it.
func New(o Options) (*Server, error) {
	if o.Board == nil || o.Journal == nil {
		return nil, errors.New("httpapi: Options.Board and Options.Journal must be set")
	}
	o.Heartbeat = cmp.Or(o.Heartbeat, 15*time.Second)
	o.StreamWriteTimeout = cmp.Or(o.StreamWriteTimeout, 30*time.Second)
	s := &Server{o: o, log: o.Logger, mux: http.NewServeMux()}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	for _, host := range o.Hosts {
		s.hosts = append(s.hosts, strings.ToLower(strings.Trim(host, "[]")))
	}
	s.ending, s.end = context.WithCancel(context.Background())
	s.SetTokens(o.Tokens)
	s.route()
	s.http = &http.Server{
		Handler: s.Handler(), TLSConfig: o.TLS, MaxHeaderBytes: maxHeader,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// SetTokens changes who may use the API. Streams end; their clients come back.
func (s *Server) SetTokens(tokens []Token) {
	next := &access{keys: newKeyring(tokens)}
	next.ctx, next.cancel = context.WithCancel(s.ending)
	if before := s.access.Swap(next); before != nil {
		before.cancel()
	}
}

// Handler returns what serves all requests.
func (s *Server) Handler() http.Handler { return s.guard(s.mux) }

// Serve answers requests from l, which it closes, until Shutdown; then it returns nil.
func (s *Server) Serve(l net.Listener) error {
	var err error
	if s.o.TLS != nil {
		err = s.http.ServeTLS(l, "", "")
	} else {
		err = s.http.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Shutdown ends the streams and takes no more requests. It returns when those under way are answered, or with the error of ctx;
// then their connections are cut.
func (s *Server) Shutdown(ctx context.Context) error {
	s.end()
	err := s.http.Shutdown(ctx)
	if err != nil {
		return errors.Join(err, s.http.Close())
	}
	return nil
}

func (s *Server) route() {
	config := huma.DefaultConfig("pushmail", cmp.Or(s.o.Board.Version, "dev"))
	config.Info.Description = "Watches IMAP mailboxes and tells of what changes in them. Times are RFC 3339. Errors are problem+json (RFC 9457)."
	config.DocsPath, config.SchemasPath, config.OpenAPIPath, config.CreateHooks = "", "", "", nil // pages that load scripts from elsewhere; links in answers
	config.RejectUnknownQueryParameters = true
	config.Transformers = []huma.Transformer{plainly}
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"bearer": {
		Type: "http", Scheme: "bearer", Description: "A token of [api] tokens. Without any, requests from this machine need none.",
	}}
	s.api = humago.New(s.mux, config)
	s.api.UseMiddleware(s.authorize)
	s.routeSystem()
	s.routeAccounts()
	s.routeMailboxes()
	s.routeEvents()
	s.routeStream()
	s.routeSinks()
	s.routeDeadLetters()
	s.routeDocument()
	if s.o.Metrics != nil {
		s.mux.Handle("GET /metrics", s.withScope(Read, s.o.Metrics))
	}
	s.mux.HandleFunc("/", s.rest)
}

// rest serves what no route does: the dashboard, or the answer that there is no such thing.
func (s *Server) rest(w http.ResponseWriter, r *http.Request) {
	if s.o.Dashboard != nil && (r.Method == http.MethodGet || r.Method == http.MethodHead) && !strings.HasPrefix(r.URL.Path, "/v1/") {
		s.o.Dashboard.ServeHTTP(w, r)
		return
	}
	var can []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := s.mux.Handler(other); pattern != "/" {
			can = append(can, method)
		}
	}
	if len(can) > 0 {
		w.Header().Set("Allow", strings.Join(can, ", "))
		writeProblem(w, http.StatusMethodNotAllowed, "this can be asked for with "+strings.Join(can, ", "))
		return
	}
	writeProblem(w, http.StatusNotFound, "there is nothing here; /openapi.json says what there is")
}

// authorize lets an operation be called by those who have one of the scopes that it declares.
func (s *Server) authorize(ctx huma.Context, next func(huma.Context)) {
	need := scopeOf(ctx.Operation())
	if need == "" {
		next(ctx)
		return
	}
	r, w := humago.Unwrap(ctx)
	who, ok := s.allow(w, r, need)
	if !ok {
		return
	}
	if need != Read {
		s.log.Info("a request that changes something", "who", who.name, "method", r.Method, "path", r.URL.Path, "remote", r.RemoteAddr)
	}
	if ctx.Operation().OperationID == streamID {
		next(huma.WithValue(ctx, callerKey{}, who))
		return
	}
	limited, cancel := context.WithTimeout(ctx.Context(), requestTime)
	defer cancel()
	next(huma.WithContext(ctx, context.WithValue(limited, callerKey{}, who)))
}

// scopeOf returns the scope that an operation declares, "" if all may call it.
func scopeOf(op *huma.Operation) Scope {
	for _, alternative := range op.Security {
		if scopes := alternative["bearer"]; len(scopes) > 0 {
			return Scope(scopes[0])
		}
	}
	return ""
}

// operation describes a route. Its id is what clients that are made from the document call it.
func operation(method, path, id, summary, description, tag string, need Scope, errorCodes ...int) huma.Operation {
	op := huma.Operation{Method: method, Path: path, OperationID: id, Summary: summary, Description: description, Tags: []string{tag}}
	if need != "" {
		op.Security = []map[string][]string{{"bearer": {string(need)}}}
		errorCodes = append(errorCodes, http.StatusUnauthorized, http.StatusForbidden)
	}
	slices.Sort(errorCodes)
	op.Errors = errorCodes
	return op
}
