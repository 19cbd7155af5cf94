package imapclient_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imapclient"
)

// tlsServer greets everybody over TLS. Its errors are those of the client.
func tlsServer(t *testing.T, cfg *tls.Config) string {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", cfg)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer nc.Close()
				_ = nc.SetDeadline(time.Now().Add(20 * time.Second))
				_, _ = nc.Write([]byte("* OK hello\r\n"))
				_, _ = nc.Read(make([]byte, 1))
			})
		}
	})
	return l.Addr().String()
}

// server is the configuration of a server with a certificate, and what it sends along.
func server(pair tls.Certificate, along ...*x509.Certificate) *tls.Config {
	for _, cert := range along {
		pair.Certificate = append(slices.Clip(pair.Certificate), cert.Raw)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}}
}

func TestCertificateErrorsExplain(t *testing.T) {
	ca, other := newAuthority(t, "Good CA"), newAuthority(t, "Other CA")
	selfSigned := certify(t, nil, nil)
	expired := certify(t, ca, func(c *x509.Certificate) {
		c.NotAfter = time.Date(2020, 5, 1, 0, 0, 0, 0, time.UTC)
	})
	early := certify(t, ca, func(c *x509.Certificate) {
		c.NotBefore = time.Date(2098, 1, 1, 0, 0, 0, 0, time.UTC)
	})
	elsewhere := certify(t, ca, func(c *x509.Certificate) {
		c.IPAddresses, c.DNSNames = nil, []string{"imap.example.net", "mx\x1b[2J.example.net"}
	})
	nameless := certify(t, ca, func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = nil, nil })
	many := certify(t, ca, func(c *x509.Certificate) {
		c.IPAddresses, c.DNSNames = nil, nil
		for range 500 {
			c.DNSNames = append(c.DNSNames, "mail.example.net")
		}
	})
	evil := certify(t, nil, func(c *x509.Certificate) { c.Subject = pkix.Name{CommonName: "\x1b[2J" + strings.Repeat("x", 5000)} })
	for _, tt := range []struct {
		name    string
		server  *tls.Config
		want    []string // parts of the error
		details []string // parts of the details
	}{
		{"self-signed", server(selfSigned), []string{"self-signed", "pin it: " + imapclient.PinOf(selfSigned.Leaf).String()}, []string{"issuer  itself", "mail.example.org, 127.0.0.1", "1999-01-01 to 2099-01-01"}},
		{"unknown authority", server(certify(t, other, nil), other.cert), []string{"issued by CN=Other CA", "does not trust"}, []string{"certificate 2: CN=Other CA", "issuer  CN=Other CA"}},
		{"without its issuer", server(certify(t, other, nil)), []string{"issued by CN=Other CA", "intermediate certificates"}, nil},
		{"expired", server(expired), []string{"expired", "valid from 1999-01-01 to 2020-05-01", "check the clock"}, []string{"to 2020-05-01"}},
		{"not valid yet", server(early), []string{"valid from 2098-01-01", "check the clock"}, nil},
		{"for another name", server(elsewhere), []string{"use a name that it is made out for: imap.example.net"}, []string{"for     imap.example.net"}},
		{"for no name", server(nameless), []string{"made out for no name"}, nil},
		{"for many names", server(many), []string{"and 492 more"}, nil},
		{"with a subject that is an attack", server(evil), []string{"self-signed"}, []string{"xxx…"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			addr := tlsServer(t, tt.server)
			_, err := imapclient.Dial(t.Context(), &imapclient.Options{Addr: addr, TLSConfig: ca.config()})
			var cert *imapclient.CertificateError
			if !errors.As(err, &cert) || cert.Addr != addr || len(cert.Chain) == 0 {
				t.Fatalf("error %v, want a CertificateError", err)
			}
			if class := imapclient.Classify(err).Class; class != imapclient.ClassConfig {
				t.Errorf("class %v", class)
			}
			details := cert.Details()
			wantParts(t, err.Error(), tt.want)
			wantParts(t, details, append(tt.details, imapclient.PinOf(cert.Chain[0]).String()))
			if text := err.Error() + details; strings.ContainsRune(text, '\x1b') || len(text) > 5000 {
				t.Errorf("what people are shown is not tame: %q", text)
			}
		})
	}
}

func wantParts(t *testing.T, text string, parts []string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s\nwant %q in it", text, part)
		}
	}
}

// What other servers begin with, and what to do then.
func TestHandshakeErrorsExplain(t *testing.T) {
	for _, tt := range []struct {
		name, says string
		want       string
		class      imapclient.Class
	}{
		{"IMAP in cleartext", "* OK hello\r\n", "speaks IMAP without TLS on this port (port 993 speaks TLS from the start (imaps://), port 143", imapclient.ClassConfig},
		{"SMTP", "220 mail.example.org ESMTP\r\n", "a server for SMTP", imapclient.ClassConfig},
		{"POP3", "+OK ready\r\n", "a server for POP3", imapclient.ClassConfig},
		{"a web server", "HTTP/1.1 400 Bad Request\r\n\r\n", "a web server", imapclient.ClassConfig},
		{"something else", "hello there\r\n", `it said "hello"`, imapclient.ClassConfig},
		{"hangs up", "", "the server hung up", imapclient.ClassTransient},
		{"an alert for the version", "\x15\x03\x01\x00\x02\x02\x46", "MinVersion", imapclient.ClassConfig},
		{"an alert for nothing in common", "\x15\x03\x01\x00\x02\x02\x28", "nothing in common", imapclient.ClassTransient},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ours, theirs := net.Pipe()
			go func() {
				defer theirs.Close()
				_, _ = theirs.Read(make([]byte, 4096))
				_, _ = theirs.Write([]byte(tt.says))
			}()
			_, err := imapclient.New(t.Context(), ours, &imapclient.Options{Addr: "mail.example.org"})
			var dial *imapclient.DialError
			if !errors.As(err, &dial) || dial.Stage != "tls" || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want a DialError with %q", err, tt.want)
			}
			if class := imapclient.Classify(err).Class; class != tt.class {
				t.Errorf("class %v, want %v", class, tt.class)
			}
		})
	}
}

func TestClientCertificates(t *testing.T) {
	ca := newAuthority(t, "test CA")
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			cfg := server(certify(t, ca, nil))
			cfg.ClientAuth, cfg.ClientCAs, cfg.MaxVersion = tls.RequireAndVerifyClientCert, ca.config().RootCAs, version
			addr := tlsServer(t, cfg)
			o := &imapclient.Options{Addr: addr, TLSConfig: ca.config()}
			_, err := imapclient.Dial(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), "client certificate") {
				t.Errorf("without one: error %v, want one that says what is missing", err)
			}
			o.TLSConfig.Certificates = []tls.Certificate{certify(t, ca, nil)}
			c, err := imapclient.Dial(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			c.Close()
			o.TLSConfig.Certificates = []tls.Certificate{certify(t, newAuthority(t, "other CA"), nil)}
			if _, err = imapclient.Dial(t.Context(), o); err == nil {
				t.Error("one of another authority was taken")
			}
		})
	}
}

func TestVerifyConnectionDecides(t *testing.T) {
	ca := newAuthority(t, "test CA")
	addr := tlsServer(t, server(certify(t, ca, nil)))
	mine := errors.New("not on a Sunday")
	o := &imapclient.Options{Addr: addr, TLSConfig: ca.config()}
	o.TLSConfig.VerifyConnection = func(s tls.ConnectionState) error {
		if len(s.VerifiedChains) == 0 {
			t.Error("nothing was verified before")
		}
		return mine
	}
	if _, err := imapclient.Dial(t.Context(), o); !errors.Is(err, mine) {
		t.Errorf("error %v, want %v", err, mine)
	}
	// Also beside pins.
	o.Pins = []imapclient.Pin{imapclient.PinOf(ca.cert)}
	if _, err := imapclient.Dial(t.Context(), o); !errors.Is(err, mine) {
		t.Errorf("with a pin: error %v, want %v", err, mine)
	}
}

// A certificate is checked against the name in Addr, or ServerName, and a Conn of TLS is taken as it is.
func TestServerName(t *testing.T) {
	ca := newAuthority(t, "test CA")
	addr := tlsServer(t, server(certify(t, ca, func(c *x509.Certificate) { c.IPAddresses = nil })))
	tcp := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}
	o := &imapclient.Options{Addr: "mail.example.org", TLSConfig: ca.config(), DialContext: tcp}
	for _, tt := range []struct {
		addr, name string
		fine       bool
	}{
		{"mail.example.org", "", true},
		{"mail.example.org:1993", "", true},
		{"MAIL.EXAMPLE.ORG.", "", true},
		{"evil.example.org", "", false},
		{"evil.example.org", "mail.example.org", true},
		{"mail.example.org", "evil.example.org", false},
		{"127.0.0.1", "", false},
	} {
		o.Addr, o.TLSConfig.ServerName = tt.addr, tt.name
		c, err := imapclient.Dial(t.Context(), o)
		if (err == nil) != tt.fine {
			t.Errorf("%+v: error %v", tt, err)
		}
		if err == nil {
			c.Close()
		}
	}
	o.TLSConfig.ServerName = "mail.example.org"
	nc, err := tls.Dial("tcp", addr, o.TLSConfig)
	if err != nil {
		t.Fatal(err)
	}
	c, err := imapclient.New(t.Context(), nc, &imapclient.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.Security() != imapclient.ImplicitTLS || c.TLS() == nil {
		t.Errorf("a *tls.Conn became %v", c.Security())
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	ca := newAuthority(t, "test CA")
	cfg := server(certify(t, ca, nil))
	cfg.MinVersion, cfg.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 //nolint:staticcheck
	if _, err := imapclient.Dial(t.Context(), &imapclient.Options{Addr: tlsServer(t, cfg), TLSConfig: ca.config()}); err == nil {
		t.Error("connected with TLS 1.1")
	}
}
