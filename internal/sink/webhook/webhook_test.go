package webhook

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/pushmail/pushmail/event"
	"github.com/pushmail/pushmail/internal/sink"
)

var (
	local   = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	secret1 = "whsec_" + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef01234567"))
	secret2 = "whsec_" + base64.StdEncoding.EncodeToString([]byte("another one, of 32 bytes in all!"))
	sent    = sink.Delivery{ID: "id1", Source: "imap://jo@mail.example.org/INBOX", Attempt: 1, JSON: []byte(`{"specversion":"1.0","id":"id1","data":{"subject":"é<>&"}}`)}
)

// deliver sends once, with time for it.
func deliver(t *testing.T, o Options, timeout time.Duration) sink.Result {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	results := s.Send(ctx, []sink.Delivery{sent})
	if len(results) != 1 {
		t.Fatalf("%d results", len(results))
	}
	return results[0]
}

func TestReceiverVerifiesWithTheStandardLibrary(t *testing.T) {
	t.Parallel()
	public, private, _ := ed25519.GenerateKey(nil)
	whsk := "whsk_" + base64.StdEncoding.EncodeToString(private)
	seed := "whsk_" + base64.StdEncoding.EncodeToString(private.Seed())
	for _, secrets := range [][]string{{secret1}, {secret2, secret1}, {whsk, secret1}, {seed, secret1, secret2}} {
		var body []byte
		var header http.Header
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ = io.ReadAll(r.Body)
			header = r.Header
			w.WriteHeader(http.StatusNoContent)
		}))
		r := deliver(t, Options{URL: srv.URL + "/mail", Secrets: secrets, Token: "t0", Headers: map[string]string{"X-Env": "test"}, Allow: local}, time.Minute)
		srv.Close()
		if r.Outcome != sink.OK || string(body) != string(sent.JSON) {
			t.Fatalf("%+v, body %s", r, body)
		}
		hook, _ := standardwebhooks.NewWebhook(secret1)
		if err := hook.Verify(body, header); err != nil {
			t.Errorf("%d secrets: %v (%v)", len(secrets), err, header)
		}
		if err := hook.Verify(append(body, ' '), header); err == nil {
			t.Error("another body is verified, too")
		}
		if header.Get("Webhook-Id") != "id1" || header.Get("Content-Type") != event.ContentType || header.Get("Authorization") != "Bearer t0" || header.Get("X-Env") != "test" {
			t.Errorf("header %v", header)
		}
		if strings.HasPrefix(secrets[0], "whsk_") && !verifyV1a(public, header, body) {
			t.Errorf("the ed25519 signature is wrong: %v", header)
		}
	}
}

func verifyV1a(public ed25519.PublicKey, h http.Header, body []byte) bool {
	for s := range strings.FieldsSeq(h.Get("Webhook-Signature")) {
		if text, ok := strings.CutPrefix(s, "v1a,"); ok {
			sig, _ := base64.StdEncoding.DecodeString(text)
			return ed25519.Verify(public, []byte(h.Get("Webhook-Id")+"."+h.Get("Webhook-Timestamp")+"."+string(body)), sig)
		}
	}
	return false
}

func TestAnswersMeanWhatTheyShould(t *testing.T) {
	t.Parallel()
	inAMinute := time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)
	for _, test := range []struct {
		status       int
		header, body string
		want         sink.Outcome
		after        time.Duration
		says         string
	}{
		{status: 200, want: sink.OK},
		{status: 202, body: "thanks", want: sink.OK},
		{status: 204, want: sink.OK},
		{status: 301, header: "Location: http://127.0.0.1:1/", want: sink.Retry, says: "redirects are not followed"},
		{status: 307, header: "Location: /elsewhere", want: sink.Retry, says: "redirects are not followed"},
		{status: 400, body: "what\x1b[31m\nis this", want: sink.Retry, says: "400 Bad Request: what[31m is this"},
		{status: 410, header: "Retry-After: 5", want: sink.Disable, says: "410 Gone"},
		{status: 429, want: sink.Busy},
		{status: 429, header: "Retry-After: 120", want: sink.Busy, after: 2 * time.Minute},
		{status: 429, header: "Retry-After: 99999999999999999999", want: sink.Busy},
		{status: 503, header: "Retry-After: 9999999", want: sink.Busy, after: 24 * time.Hour},
		{status: 503, header: "Retry-After: " + inAMinute, want: sink.Busy, after: time.Minute},
		{status: 503, header: "Retry-After: Mon, 02 Jan 2006 15:04:05 GMT", want: sink.Busy},
		{status: 503, header: "Retry-After: -5", want: sink.Busy},
		{status: 502, want: sink.Busy},
		{status: 504, want: sink.Busy},
		{status: 500, header: "Retry-After: 7", want: sink.Retry, after: 7 * time.Second},
		{status: 500, body: strings.Repeat("x", 1000), want: sink.Retry, says: strings.Repeat("x", 200) + "…"},
	} {
		name := fmt.Sprint(test.status, " ", test.header)
		var hits atomic.Int32
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			hits.Add(1)
			if k, v, ok := strings.Cut(test.header, ": "); ok {
				w.Header().Set(k, v)
			}
			w.WriteHeader(test.status)
			_, _ = io.WriteString(w, test.body)
		}))
		r := deliver(t, Options{URL: srv.URL, Allow: local}, time.Minute)
		srv.Close()
		if r.Outcome != test.want || (r.Err == nil) != (test.want == sink.OK) || hits.Load() != 1 {
			t.Errorf("%s: %v, %v, %d requests", name, r.Outcome, r.Err, hits.Load())
			continue
		}
		if d := test.after - r.After; d < 0 || d > 40*time.Second && test.header != "" || test.after != 0 && r.After == 0 {
			t.Errorf("%s: after %v, want %v", name, r.After, test.after)
		}
		if r.Err != nil && !strings.Contains(r.Err.Error(), test.says) {
			t.Errorf("%s: %v, want %q", name, r.Err, test.says)
		}
	}
}

// raw answers each connection with what f writes.
func raw(t *testing.T, f func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = c.Read(make([]byte, 64<<10))
				f(c)
			}()
		}
	}()
	return "http://" + l.Addr().String() + "/?key=hunter2"
}

func TestStrangeReceivers(t *testing.T) {
	t.Parallel()
	forever := func(c net.Conn, text string) {
		for {
			if _, err := io.WriteString(c, text); err != nil {
				return
			}
		}
	}
	for name, test := range map[string]struct {
		answer func(net.Conn)
		want   sink.Outcome
	}{
		"says nothing":     {func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) }, sink.Retry},
		"closes":           {func(net.Conn) {}, sink.Retry},
		"resets":           {func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) }, sink.Retry},
		"is no web server": {func(c net.Conn) { _, _ = io.WriteString(c, "* OK IMAP4rev1\r\n") }, sink.Retry},
		"has endless headers": {func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			forever(c, "X: "+strings.Repeat("y", 1000)+"\r\n")
		}, sink.Retry},
		"has an endless body": {func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
			forever(c, strings.Repeat("y", 1000))
		}, sink.OK},
		"has endless 100s": {func(c net.Conn) { forever(c, "HTTP/1.1 100 Continue\r\n\r\n") }, sink.Retry},
		"is slow with the body": {func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx")
			_, _ = c.Read(make([]byte, 1))
		}, sink.OK},
		"closes within the body": {func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx") }, sink.OK},
		"is slow after a 500": {func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 500 No\r\nContent-Length: 5\r\n\r\nx")
			_, _ = c.Read(make([]byte, 1))
		}, sink.Retry},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			timeout := 10 * time.Second
			if name == "says nothing" {
				timeout = 200 * time.Millisecond
			}
			r := deliver(t, Options{URL: raw(t, test.answer), Allow: local}, timeout)
			if r.Outcome != test.want {
				t.Errorf("%v: %v", r.Outcome, r.Err)
			}
			if r.Err != nil && strings.Contains(r.Err.Error(), "hunter2") {
				t.Errorf("the URL is in the error: %v", r.Err)
			}
		})
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	var proto atomic.Value
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { proto.Store(r.Proto) }))
	srv.EnableHTTP2 = true
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	if r := deliver(t, Options{URL: srv.URL, Allow: local}, time.Minute); r.Outcome != sink.Retry || !strings.Contains(r.Err.Error(), "certificate") {
		t.Errorf("a certificate from nobody: %+v", r)
	}
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	if r := deliver(t, Options{URL: srv.URL, Allow: local, TLS: &tls.Config{RootCAs: roots}}, time.Minute); r.Outcome != sink.OK || proto.Load() != "HTTP/2.0" {
		t.Errorf("%+v over %v", r, proto.Load())
	}
	wrong := strings.Replace(srv.URL, "127.0.0.1", "127.0.0.2", 1)
	if r := deliver(t, Options{URL: wrong, Allow: local, TLS: &tls.Config{RootCAs: roots}}, time.Minute); r.Outcome != sink.Retry {
		t.Errorf("the wrong name: %+v", r)
	}
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	t.Parallel()
	var conns atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("x", 10_000)) }))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	srv.Start()
	defer srv.Close()
	s, err := New(Options{URL: srv.URL, Allow: local})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 20 {
		if r := s.Send(t.Context(), []sink.Delivery{sent}); r[0].Outcome != sink.OK {
			t.Fatal(r)
		}
	}
	if conns.Load() != 1 {
		t.Errorf("%d connections for 20 requests", conns.Load())
	}
}

func TestForbidden(t *testing.T) {
	t.Parallel()
	for _, text := range strings.Fields(`127.0.0.1 127.9.9.9 0.0.0.0 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 169.254.0.1 100.64.0.1 100.100.100.200
		192.0.0.192 198.18.0.1 192.0.2.1 203.0.113.5 224.0.0.1 255.255.255.255 240.0.0.1 :: ::1 fe80::1 fe80::1%eth0 fc00::1 fd00:ec2::254 ff02::1
		::ffff:127.0.0.1 ::ffff:169.254.169.254 ::ffff:10.0.0.1 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::a00:1 2002:7f00:1:: 2002:a9fe:a9fe::1
		2001:0:1::1 2001:db8::1 fec0::1 100::1 4000::1`) {
		if !Forbidden(netip.MustParseAddr(text), nil) {
			t.Errorf("%s may be connected to", text)
		}
	}
	for _, text := range strings.Fields("8.8.8.8 93.184.216.34 2606:4700::1111 ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808::1 172.32.0.1 100.128.0.1") {
		if Forbidden(netip.MustParseAddr(text), nil) {
			t.Errorf("%s may not be connected to", text)
		}
	}
	allow := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("::1/128")}
	for text, want := range map[string]bool{"10.1.2.3": false, "::ffff:10.1.2.3": false, "10.2.0.1": true, "::1": false, "127.0.0.1": true} {
		if got := Forbidden(netip.MustParseAddr(text), allow); got != want {
			t.Errorf("%s with some allowed: %v", text, got)
		}
	}
}

func TestPrivateAddressesAreRefusedInAllTheirForms(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer srv.Close()
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::1]", "0.0.0.0", "[::]", "169.254.169.254"} {
		if r := deliver(t, Options{URL: "http://" + host + ":" + port}, 5*time.Second); r.Outcome != sink.Retry || !strings.Contains(r.Err.Error(), "not a public address") {
			t.Errorf("%s: %+v", host, r)
		}
	}
	if hits.Load() > 0 {
		t.Errorf("%d requests came through", hits.Load())
	}
}

// The first answer of the name server is an address that is allowed, all others are not.
func TestNameThatChangesItsAddressIsRefused(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		hits.Add(1)
		w.Header().Set("Connection", "close")
	}))
	srv.Listener.Close()
	srv.Listener = l
	srv.Start()
	defer srv.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	resolver := nameServer(t, [4]byte{127, 0, 0, 2}, [4]byte{127, 0, 0, 1})
	s, err := New(Options{URL: "http://evil.example:" + port, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}, resolver: resolver})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if r := s.Send(t.Context(), []sink.Delivery{sent}); r[0].Outcome != sink.OK {
		t.Fatalf("the first: %+v", r)
	}
	if r := s.Send(t.Context(), []sink.Delivery{sent}); r[0].Outcome != sink.Retry || !strings.Contains(r[0].Err.Error(), "127.0.0.1 is not a public address") || hits.Load() != 1 {
		t.Errorf("the second: %+v, %d requests", r, hits.Load())
	}
}

// nameServer returns a resolver that gives one address after the other.
func nameServer(t *testing.T, answers ...[4]byte) *net.Resolver {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.Close() })
	go func() {
		buf, i := make([]byte, 1500), 0
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.Additionals = true, nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
					Body:   &dnsmessage.AResource{A: answers[min(i, len(answers)-1)]},
				}}
				i++
			}
			if out, err := m.Pack(); err == nil {
				_, _ = pc.WriteTo(out, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

func TestOptionsThatCannotWork(t *testing.T) {
	t.Parallel()
	short := base64.StdEncoding.EncodeToString([]byte("hunter2"))
	for _, o := range []Options{
		{},
		{URL: "mail.example.org"},
		{URL: "ftp://example.org"},
		{URL: "https://jo:hunter2@example.org"},
		{URL: "https://"},
		{URL: "http://a b/"},
		{URL: "https://example.org", Secrets: []string{""}},
		{URL: "https://example.org", Secrets: []string{"hunter2"}},
		{URL: "https://example.org", Secrets: []string{"whsec_hunter2!"}},
		{URL: "https://example.org", Secrets: []string{"whsec_" + short}},
		{URL: "https://example.org", Secrets: []string{"whsk_" + short}},
	} {
		if _, err := New(o); err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), short) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
