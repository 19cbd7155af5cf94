package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/pushmail/pushmail/internal/config"
	"github.com/pushmail/pushmail/internal/secret"
)

// apiFlags say which daemon is meant.
type apiFlags struct {
	config    string
	url       string
	tokenFile string
}

func (f *apiFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.config, "config", "", "the configuration in `FILE` says where the daemon is (default: as \"pushmail serve\" finds it)")
	fs.StringVar(&f.url, "api", "", "ask the daemon at `URL`, without a look into the configuration")
	fs.StringVar(&f.tokenFile, "token-file", "", "the token for the API is in `FILE` (default: $PUSHMAIL_API_TOKEN, or one of the configuration)")
}

// apiTimeout bounds one question.
const apiTimeout = 30 * time.Second

// apiClient asks a daemon that runs.
type apiClient struct {
	base   string
	token  string
	client *http.Client
}

// api finds the daemon and a token with the scope.
func (f *apiFlags) api(ctx context.Context, a *app, scope config.Scope) (*apiClient, error) {
	c := &apiClient{base: strings.TrimSuffix(f.url, "/"), client: &http.Client{Timeout: apiTimeout}}
	var err error
	if c.token, err = f.givenToken(a); err != nil {
		return nil, err
	}
	if c.base != "" {
		if u, err := url.Parse(c.base); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, usageError{errors.New("--api: want a URL such as http://127.0.0.1:8025")}
		}
		return c, nil
	}
	cfg, problems := a.loadConfigOfDaemon(f.config)
	if cfg == nil {
		fmt.Fprint(a.err, problemText(problems))
		return nil, errors.New("without a configuration it is not known where the daemon is: use --config FILE or --api URL")
	}
	if cfg.API.Listen == "" {
		return nil, fmt.Errorf("%s has no API to be asked: set [api] listen there", clean(cfg.File))
	}
	c.base = apiURL(&cfg.API, cfg.API.Listen)
	if err := c.trust(cfg); err != nil {
		return nil, err
	}
	if c.token == "" {
		c.token, err = tokenOf(ctx, a, cfg, scope)
	}
	return c, err
}

// givenToken is the one that flags or environment bring, "" for none.
func (f *apiFlags) givenToken(a *app) (string, error) {
	if f.tokenFile == "" {
		return a.getenv("PUSHMAIL_API_TOKEN"), nil
	}
	text, err := os.ReadFile(f.tokenFile)
	if err != nil {
		return "", usageError{fmt.Errorf("--token-file: %w", err)}
	}
	return strings.TrimSpace(string(text)), nil
}

// tokenOf returns a token of the configuration that allows what is wanted and that this user may read.
func tokenOf(ctx context.Context, a *app, cfg *config.Config, scope config.Scope) (string, error) {
	resolver := &secret.Resolver{Getenv: a.getenv}
	var failed error
	for _, t := range cfg.API.Tokens {
		if !slices.Contains(t.Scopes, scope) {
			continue
		}
		s, err := resolver.Secret(ctx, t.Token)
		if err == nil {
			return s.Reveal(), nil
		}
		failed = fmt.Errorf("the token %q cannot be read: %w: use --token-file FILE", t.Name, err)
	}
	if failed == nil && len(cfg.API.Tokens) > 0 {
		failed = fmt.Errorf("no token in %s has the scope %s: use --token-file FILE", clean(cfg.File), scope)
	}
	return "", failed
}

// trust has the certificate of the configuration accepted under whatever name the daemon is asked here.
func (c *apiClient) trust(cfg *config.Config) error {
	if cfg.API.TLSCert == "" {
		return nil
	}
	cert, err := tls.LoadX509KeyPair(cfg.API.TLSCert, cfg.API.TLSKey)
	if err != nil {
		return fmt.Errorf("the certificate of the API cannot be read: %w: use --api URL", err)
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
		if !bytes.Equal(s.PeerCertificates[0].Raw, cert.Certificate[0]) {
			return errors.New("this is not the certificate of the configuration")
		}
		return nil
	}}
	c.client.Transport = t
	return nil
}

// problem is how the API says that something is wrong (RFC 9457).
type problem struct {
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Errors []struct {
		Location string `json:"location"`
		Message  string `json:"message"`
	} `json:"errors"`
}

// ask sends in, unless it is nil, and reads the answer into out, unless that is nil.
func (c *apiClient) ask(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.client.Do(req)
	if err != nil {
		return c.unreachable(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	if err != nil {
		return c.unreachable(err)
	}
	if res.StatusCode >= 300 {
		return c.refused(res, text)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("what answers at %s is not pushmail: %w", c.base, err)
	}
	return nil
}

func (c *apiClient) unreachable(err error) error {
	var op *net.OpError
	if errors.Is(err, syscall.ECONNREFUSED) || errors.As(err, &op) && op.Op == "dial" {
		return fmt.Errorf("nothing answers at %s: is \"pushmail serve\" running? Otherwise use --config FILE or --api URL", c.base)
	}
	return fmt.Errorf("asking %s: %w", c.base, err)
}

func (c *apiClient) refused(res *http.Response, text []byte) error {
	if res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden {
		return fmt.Errorf("the daemon at %s wants a token that allows this: use --token-file FILE or PUSHMAIL_API_TOKEN", c.base)
	}
	var p problem
	_ = json.Unmarshal(text, &p) // what is no JSON has no title
	what := clean(cmp.Or(p.Detail, p.Title, res.Status))
	for _, e := range p.Errors {
		what += "; " + clean(strings.TrimSpace(e.Location+": "+e.Message))
	}
	return errors.New(what)
}
