package imapclient_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/imapclient"
)

// Whether the second of two connections resumes the session of the first.
func TestSessionsAreResumed(t *testing.T) {
	ca := newAuthority(t, "test CA")
	cert := certify(t, ca, nil)
	cache := tls.NewLRUClientSessionCache(4)
	direct := func(ctx context.Context, network, addr string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}
	for _, tt := range []struct {
		name   string
		change func(*imapclient.Options)
		want   bool
	}{
		{"by itself", func(*imapclient.Options) {}, true},
		{"with pins", func(o *imapclient.Options) { o.Pins = []imapclient.Pin{imapclient.PinOf(ca.cert)} }, true},
		{"with VerifyConnection", func(o *imapclient.Options) {
			o.TLSConfig.VerifyConnection = func(tls.ConnectionState) error { return nil }
		}, true},
		{"with a cache of its own", func(o *imapclient.Options) {
			o.TLSConfig.ClientSessionCache, o.TLSConfig.Certificates = cache, []tls.Certificate{cert}
		}, true},
		{"not if forbidden", func(o *imapclient.Options) { o.TLSConfig.SessionTicketsDisabled = true }, false},
		{"not with a client certificate", func(o *imapclient.Options) { o.TLSConfig.Certificates = []tls.Certificate{cert} }, false},
		{"not with GetClientCertificate", func(o *imapclient.Options) {
			o.TLSConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
		}, false},
		{"not with VerifyPeerCertificate", func(o *imapclient.Options) {
			o.TLSConfig.VerifyPeerCertificate = func([][]byte, [][]*x509.Certificate) error { return nil }
		}, false},
		{"not on a way of the caller's", func(o *imapclient.Options) { o.DialContext = direct }, false},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(tt.name+", "+tls.VersionName(version), func(t *testing.T) {
				cfg := server(cert)
				cfg.MaxVersion = version
				var log strings.Builder
				o := &imapclient.Options{Addr: tlsServer(t, cfg), TLSConfig: ca.config(), Trace: &imapclient.Trace{W: &log}}
				tt.change(o)
				for i := range 3 {
					c, err := imapclient.Dial(t.Context(), o)
					if err != nil {
						t.Fatal(err)
					}
					if got := c.TLS().DidResume; got != (tt.want && i > 0) {
						t.Errorf("connection %d: resumed %v", i+1, got)
					}
					if len(c.TLS().VerifiedChains) == 0 {
						t.Errorf("connection %d: no verified chain", i+1)
					}
					c.Close()
				}
				if strings.Contains(log.String(), "resumed") != tt.want {
					t.Errorf("the trace:\n%s", log.String())
				}
			})
		}
	}
}

// A session that somebody began who trusted the server is no good for one who does not.
func TestSessionsDoNotCarryTrust(t *testing.T) {
	ca, other := newAuthority(t, "test CA"), newAuthority(t, "other CA")
	addr := tlsServer(t, server(certify(t, ca, nil)))
	first := func() *imapclient.Options { return &imapclient.Options{Addr: addr, TLSConfig: ca.config()} }
	for _, tt := range []struct {
		name   string
		change func(*imapclient.Options)
	}{
		{"another authority", func(o *imapclient.Options) { o.TLSConfig = other.config() }},
		{"another name", func(o *imapclient.Options) { o.TLSConfig.ServerName = "evil.example.org" }},
		{"another pin", func(o *imapclient.Options) { o.Pins = []imapclient.Pin{{}} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			insecure := first()
			insecure.TLSConfig.InsecureSkipVerify = true
			for _, o := range []*imapclient.Options{first(), insecure} {
				c, err := imapclient.Dial(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				c.Close()
			}
			o := first()
			tt.change(o)
			if _, err := imapclient.Dial(t.Context(), o); !errors.As(err, new(*imapclient.CertificateError)) {
				t.Errorf("error %v", err)
			}
		})
	}
}
