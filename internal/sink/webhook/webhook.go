// Package webhook posts each event to a URL, signed as Standard Webhooks 1.0.0 says, with the event in CloudEvents' JSON as body.
package webhook

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/pushmail/pushmail/event"
	"github.com/pushmail/pushmail/internal/sink"
)

// Options are what [New] needs. URL must be there.
type Options struct {
	// URL is http or https, without user and password.
	URL string
	// Secrets sign each request, all of them, so that receivers can go over from one to another: "whsec_" with the base64 of
	// 24 to 64 bytes for HMAC-SHA256, "whsk_" with that of an ed25519 private key. Without any, nothing is signed.
	Secrets []string
	// Token is sent as "Authorization: Bearer TOKEN". Empty is nothing.
	Token string
	// Headers are sent with each request.
	Headers map[string]string
	// Timeout is how long one request may take, with its answer. Zero means 30 s.
	Timeout time.Duration
	// Concurrency is how many requests may be under way. Zero means 8.
	Concurrency int
	// GiveUpOn are statuses after which an event is not tried again. What [judge] has a better use for is not among them.
	GiveUpOn []int
	// Allow are networks that may be connected to although they are not public. See [Forbidden].
	Allow []netip.Prefix
	// TLS is for who trusts other certificates, or has to show one. nil is the default.
	TLS *tls.Config
	// UserAgent is who is asking. Empty means "pushmail".
	UserAgent string

	resolver *net.Resolver // of tests
}

// Sink posts to one URL.
type Sink struct {
	o       Options
	signers []signer
	client  *http.Client
	close   func()
}

// New checks the options. It does not connect.
func New(o Options) (*Sink, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return nil, errors.New("the URL must have the form https://HOST/PATH, without user and password")
	}
	o.Timeout, o.Concurrency, o.UserAgent = cmp.Or(o.Timeout, 30*time.Second), cmp.Or(o.Concurrency, 8), cmp.Or(o.UserAgent, "pushmail")
	o.Headers = maps.Clone(o.Headers)
	s := &Sink{o: o}
	for i, secret := range o.Secrets {
		signer, err := newSigner(secret)
		if err != nil {
			return nil, fmt.Errorf("secret %d: %w", i+1, err)
		}
		s.signers = append(s.signers, signer)
	}
	transport := &http.Transport{
		Proxy:                  nil, // what a proxy connects to could not be checked
		DialContext:            dialer(o.Allow, o.resolver).DialContext,
		TLSClientConfig:        o.TLS,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxConnsPerHost:        o.Concurrency,
		MaxIdleConnsPerHost:    o.Concurrency,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true,
	}
	s.close = transport.CloseIdleConnections
	s.client = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return s, nil
}

// Limits implements [sink.Sink].
func (s *Sink) Limits() sink.Limits {
	return sink.Limits{Concurrency: s.o.Concurrency, Timeout: s.o.Timeout}
}

// Close implements [sink.Sink].
func (s *Sink) Close() error {
	s.close()
	return nil
}

// Send implements [sink.Sink].
func (s *Sink) Send(ctx context.Context, batch []sink.Delivery) []sink.Result {
	out := make([]sink.Result, 0, len(batch))
	for _, d := range batch {
		r := s.post(ctx, d)
		out = append(out, r)
		if r.Outcome != sink.OK {
			break
		}
	}
	return out
}

func (s *Sink) post(ctx context.Context, d sink.Delivery) sink.Result {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := s.request(ctx, d, time.Now())
	if err != nil {
		return sink.Result{Outcome: sink.Never, Err: err}
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return sink.Result{Outcome: sink.Retry, Err: plain(err)}
	}
	defer resp.Body.Close()
	// The answer is in the status. The rest is read so that the connection can be used again, if that is quick.
	slow := time.AfterFunc(bodyTime, cancel)
	defer slow.Stop()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	r := judge(resp, body, time.Now())
	if r.Outcome == sink.Retry && slices.Contains(s.o.GiveUpOn, resp.StatusCode) {
		r.Outcome = sink.Never
	}
	return r
}

// What is read of the body of an answer, and for how long.
const (
	maxBody  = 64 << 10
	bodyTime = 2 * time.Second
)

func (s *Sink) request(ctx context.Context, d sink.Delivery, now time.Time) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.o.URL, bytes.NewReader(d.JSON))
	if err != nil {
		return nil, plain(err)
	}
	for name, value := range s.o.Headers {
		req.Header.Set(name, value)
	}
	req.Header.Set("Content-Type", event.ContentType)
	req.Header.Set("User-Agent", s.o.UserAgent)
	if s.o.Token != "" {
		req.Header.Set("Authorization", "Bearer "+s.o.Token)
	}
	return req, sign(req.Header, s.signers, d.ID, now, d.JSON)
}

// plain takes the URL out of an error: there can be a secret in it.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// judge says what an answer means.
func judge(resp *http.Response, body []byte, now time.Time) sink.Result {
	if resp.StatusCode/100 == 2 {
		return sink.Result{Outcome: sink.OK}
	}
	err := fmt.Errorf("the receiver answered %s", printable(resp.Status, 100))
	if resp.StatusCode/100 == 3 {
		err = fmt.Errorf("%w: redirects are not followed; write the URL that is meant", err)
	}
	if text := printable(string(body), 200); text != "" {
		err = fmt.Errorf("%w: %s", err, text)
	}
	r := sink.Result{Outcome: sink.Retry, After: retryAfter(resp.Header.Get("Retry-After"), now), Err: err}
	switch resp.StatusCode {
	case http.StatusGone:
		r.Outcome, r.After = sink.Disable, 0
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		r.Outcome = sink.Busy
	}
	return r
}

// printable returns the beginning of text in one line, without control characters.
func printable(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(strings.TrimSpace(text), "?"))
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
