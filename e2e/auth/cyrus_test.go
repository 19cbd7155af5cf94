package auth

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/cyrus"
	"github.com/pushmail/pushmail/e2e/daemon"
	"github.com/pushmail/pushmail/imapauth"
	"github.com/pushmail/pushmail/imapclient"
)

// dial connects to a server that is not Dovecot.
func dial(t *testing.T, address string, roots *x509.CertPool, version uint16) *imapclient.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, err := imapclient.Dial(ctx, &imapclient.Options{Addr: address, TLSConfig: &tls.Config{RootCAs: roots, MinVersion: version, MaxVersion: version}})
	check(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func jo(password string, m ...imapauth.Mechanism) *imapauth.Credentials {
	return &imapauth.Credentials{Username: "jo", Password: imapauth.NewSecret(password), Mechanisms: m}
}

// Cyrus binds logins to the TLS connection, by tls-unique: so up to TLS 1.2.
func TestCyrusChannelBinding(t *testing.T) {
	t.Parallel()
	s := cyrus.Start(t, "jo")
	roots, err := s.CertPool()
	check(t, err)
	for _, m := range []imapauth.Mechanism{
		imapauth.SCRAMSHA512Plus, imapauth.SCRAMSHA256Plus, imapauth.SCRAMSHA1Plus, imapauth.SCRAMSHA512, imapauth.SCRAMSHA256, imapauth.SCRAMSHA1, imapauth.CRAMMD5, imapauth.PLAIN, imapauth.LOGIN,
	} {
		if err := dial(t, s.IMAPS, roots, tls.VersionTLS12).SignIn(t.Context(), jo(daemon.Password, m)); err != nil {
			t.Errorf("%s: %v", m, err)
		}
	}
	// Cyrus takes 3 seconds for each of these.
	for _, m := range []imapauth.Mechanism{imapauth.SCRAMSHA512Plus, imapauth.PLAIN} {
		if err := dial(t, s.IMAPS, roots, tls.VersionTLS12).SignIn(t.Context(), jo("wrong-secret", m)); refusal(err) != imapclient.RefusedCredentials {
			t.Errorf("%s with a wrong password: %v", m, err)
		}
	}
	// It offers the same on TLS 1.3 and takes none of it: the login goes on without.
	cred := jo(daemon.Password)
	cred.Memory = &imapauth.Memory{}
	for range 2 {
		if err := dial(t, s.IMAPS, roots, tls.VersionTLS13).SignIn(t.Context(), cred); err != nil {
			t.Errorf("TLS 1.3: %v", err)
		}
	}
}

// Whoever ends TLS and begins it anew is found out, even if we trust the certificate.
func TestCyrusNoticesSomebodyInTheMiddle(t *testing.T) {
	t.Parallel()
	s := cyrus.Start(t, "jo")
	roots, err := s.CertPool()
	check(t, err)
	his, err := tls.LoadX509KeyPair(s.CertPEM, s.KeyPEM) // he has even stolen the key
	check(t, err)
	for _, withoutPlus := range []bool{false, true} {
		address := inTheMiddle(t, s.IMAPS, his, roots, withoutPlus)
		c := dial(t, address, roots, tls.VersionTLS12)
		err := c.SignIn(t.Context(), jo(daemon.Password, imapauth.SCRAMSHA256Plus, imapauth.SCRAMSHA256))
		if err == nil || !withoutPlus && refusal(err) != imapclient.RefusedIntercepted {
			t.Errorf("without -PLUS in the offer: %v: %v", withoutPlus, err)
		}
	}
}

// inTheMiddle listens with a certificate, and hands what it hears to a server. It may leave the -PLUS
// mechanisms out of the server's offer.
func inTheMiddle(t *testing.T, server string, cert tls.Certificate, roots *x509.CertPool, withoutPlus bool) (address string) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}, MaxVersion: tls.VersionTLS12})
	check(t, err)
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	t.Cleanup(func() { l.Close() })
	wg.Go(func() {
		client, err := l.Accept()
		if err != nil {
			return
		}
		defer client.Close()
		there, err := tls.Dial("tcp", server, &tls.Config{RootCAs: roots, MaxVersion: tls.VersionTLS12})
		if err != nil {
			return
		}
		defer there.Close()
		wg.Go(func() {
			_, _ = io.Copy(there, client)
			there.Close()
		})
		_, _ = io.Copy(rewriter{client, withoutPlus}, there)
	})
	return l.Addr().String()
}

type rewriter struct {
	net.Conn
	withoutPlus bool
}

func (w rewriter) Write(b []byte) (int, error) {
	text := string(b)
	if w.withoutPlus {
		for _, m := range []string{"1", "256", "512"} {
			text = strings.ReplaceAll(text, " AUTH=SCRAM-SHA-"+m+"-PLUS", "")
		}
	}
	if _, err := w.Conn.Write([]byte(text)); err != nil {
		return 0, err
	}
	return len(b), nil
}
