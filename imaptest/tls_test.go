package imaptest

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"net"
	"testing"
	"time"
)

func dialServer(t *testing.T, s *Server) net.Conn {
	t.Helper()
	if err := s.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	conn, err := net.DialTimeout("tcp", s.Addr().String(), 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestImplicitTLS(t *testing.T) {
	s := NewServer(nil)
	defer s.Close()
	s.AddUser("jo", "secret")
	conn := dialServer(t, s)
	c := &client{t: t, conn: tls.Client(conn, s.TLSConfig())}
	c.r = bufio.NewReader(c.conn)
	c.hear("* OK ")
	c.say("a LOGIN jo secret")
	c.hear("a OK ")
	c.say("b LOGOUT")
	c.hear("* BYE")
	c.hear("b OK")
	c.ended()
}

func TestCertificateIsGoodForThisMachineOnly(t *testing.T) {
	s := NewServer(nil)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(s.CertPEM()) {
		t.Fatal("CertPEM is no certificate")
	}
	leaf := s.cert.pair().Leaf
	for name, good := range map[string]bool{"localhost": true, "127.0.0.1": true, "::1": true, "example.org": false, "127.0.0.2": false} {
		_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name})
		if (err == nil) != good {
			t.Errorf("for %s: %v", name, err)
		}
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: x509.NewCertPool(), DNSName: "localhost"}); err == nil {
		t.Error("trusted without being told to")
	}
}

func TestStartTLS(t *testing.T) {
	s := NewServer(&ServerOptions{StartTLS: true, LoginDisabled: true})
	defer s.Close()
	s.AddUser("jo", "secret")
	conn := dialServer(t, s)
	c := &client{t, conn, bufio.NewReader(conn)}
	c.hear("* OK [CAPABILITY IMAP4REV1")
	c.say("a LOGIN jo secret")
	c.hear("a NO [PRIVACYREQUIRED]")
	// A command that was pushed in before TLS must not be run after it (RFC 9051 section 6.2.1).
	c.say("b STARTTLS\r\nx LOGOUT")
	c.hear("b OK")
	secure := tls.Client(conn, s.TLSConfig())
	c = &client{t, secure, bufio.NewReader(secure)}
	c.say("c CAPABILITY")
	c.hear("* CAPABILITY ")
	c.hear("c OK")
	c.say("d STARTTLS")
	c.hear("d BAD")
	c.say("e LOGIN jo secret")
	c.hear("e OK")
}
