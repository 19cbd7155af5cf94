// Package latency measures how long a push takes: from the moment the server has written its EXISTS until the program that
// watches has written a line about the message.
package latency

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"sync"
	"time"

	"github.com/pushmail/pushmail/imaptest"
)

// User and Password are for the login.
const (
	User     = "jo"
	Password = "pass"
)

// Server is imaptest's server with TLS on loopback, in this process, for one client. It looks at what passes.
type Server struct {
	*imaptest.Server
	listener net.Listener
	cert     tls.Certificate
	sessions sync.WaitGroup
	inbox    *imaptest.Mailbox

	idle chan struct{}  // the client has sent IDLE
	said chan time.Time // when EXISTS was about to be written
}

// NewServer starts a server.
func NewServer() (*Server, error) {
	cert, err := SelfSigned()
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{Server: imaptest.NewServer(nil), listener: l, cert: cert, idle: make(chan struct{}, 1), said: make(chan time.Time, 1)}
	s.inbox = s.AddUser(User, Password).Mailbox("INBOX")
	s.sessions.Go(s.accept)
	return s, nil
}

// Addr is the address for clients.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// CertPEM is the certificate for clients to trust.
func (s *Server) CertPEM() []byte { return CertPEM(s.cert) }

// CertPEM is a certificate for clients to trust.
func CertPEM(cert tls.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})
}

// Close ends all sessions.
func (s *Server) Close() error {
	err := s.listener.Close()
	_ = s.Server.Close()
	s.sessions.Wait()
	return err
}

func (s *Server) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.sessions.Go(func() {
			s.ServeConn(watchedConn{tls.Server(c, &tls.Config{Certificates: []tls.Certificate{s.cert}}), s})
		})
	}
}

// watchedConn notes when the client begins to idle and when the server announces a message. It stands above TLS.
type watchedConn struct {
	net.Conn
	s *Server
}

func (c watchedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if bytes.Contains(p[:n], []byte(" IDLE\r\n")) {
		select {
		case c.s.idle <- struct{}{}:
		default:
		}
	}
	return n, err
}

func (c watchedConn) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(" EXISTS\r\n")) {
		select {
		case c.s.said <- time.Now():
		default:
		}
	}
	return c.Conn.Write(p)
}

// SelfSigned makes a certificate for 127.0.0.1 and further addresses.
func SelfSigned(more ...net.IP) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, IPAddresses: append([]net.IP{net.IPv4(127, 0, 0, 1)}, more...),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
