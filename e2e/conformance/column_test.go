package conformance

import (
	"crypto/x509"
	"testing"

	"github.com/pushmail/pushmail/e2e/courier"
	"github.com/pushmail/pushmail/e2e/cyrus"
	"github.com/pushmail/pushmail/e2e/daemon"
	"github.com/pushmail/pushmail/e2e/dovecot"
	"github.com/pushmail/pushmail/e2e/goimap"
)

// column is a kind of server.
type column struct {
	name     string
	prefix   string // of the user's own mailboxes
	volatile bool   // its mail is gone with the process
	require  func(testing.TB)
	start    func() (server, error)
}

// server is what package daemon's servers have in common.
type server interface {
	AddUsers(names ...string) error
	Deliver(user string, message []byte) error
	CertPool() (*x509.CertPool, error)
	Kill() error
	Stop() error
	Restart() error
	Close() error
	Log(word string) string
	core() *daemon.Server
}

const (
	dovecotName = "Dovecot"
	cyrusName   = "Cyrus"
	courierName = "Courier"
	goimapName  = "go-imap"
)

type (
	dovecotServer struct{ *dovecot.Server }
	cyrusServer   struct{ *cyrus.Server }
	courierServer struct{ *courier.Server }
	goimapServer  struct{ *goimap.Server }
)

func (s dovecotServer) core() *daemon.Server { return s.Server.Server }
func (s cyrusServer) core() *daemon.Server   { return s.Server.Server }
func (s courierServer) core() *daemon.Server { return s.Server.Server }
func (s goimapServer) core() *daemon.Server  { return s.Server.Server }

// columns are the servers, each with all switched on that it can do.
var columns = []*column{
	{name: dovecotName, require: dovecot.Require, start: func() (server, error) {
		s, err := dovecot.New(dovecot.Options{Full: true})
		return dovecotServer{s}, err
	}},
	{name: cyrusName, prefix: "INBOX/", require: cyrus.Require, start: func() (server, error) {
		s, err := cyrus.New()
		return cyrusServer{s}, err
	}},
	{name: courierName, prefix: "INBOX.", require: courier.Require, start: func() (server, error) {
		s, err := courier.New(courier.Options{EnhancedIdle: true})
		return courierServer{s}, err
	}},
	{name: goimapName, volatile: true, require: goimap.Require, start: func() (server, error) {
		s, err := goimap.New()
		return goimapServer{s}, err
	}},
}
