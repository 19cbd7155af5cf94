package soak

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/courier"
	"github.com/pushmail/pushmail/e2e/cyrus"
	"github.com/pushmail/pushmail/e2e/daemon"
	"github.com/pushmail/pushmail/e2e/dovecot"
)

// server is what the scenario needs of a real server.
type server interface {
	Deliver(user string, message []byte) error
	CertPool() (*x509.CertPool, error)
	Kill() error
	Restart() error
	Log(word string) string
}

const user = "jo"

// servers are those that the scenario is played on; each has a user.
var servers = []struct {
	name  string
	start func(t *testing.T) (server, *daemon.Server)
}{
	{"Dovecot", func(t *testing.T) (server, *daemon.Server) {
		dovecot.Require(t)
		s := dovecot.Start(t, dovecot.Options{})
		return s, s.Server
	}},
	{"Cyrus", func(t *testing.T) (server, *daemon.Server) {
		cyrus.Require(t)
		s := cyrus.Start(t, user)
		return s, s.Server
	}},
	{"Courier", func(t *testing.T) (server, *daemon.Server) {
		courier.Require(t)
		s := courier.Start(t, courier.Options{IdlePoll: time.Second}, user)
		return s, s.Server
	}},
}
