// Memserver runs go-imap's in-memory server as an IMAP4rev2 peer for package e2e/goimap. It is in this module so that the library's
// own does not depend on it. Every user name logs in with the password given and has mailboxes of its own, which are gone with the process.
package main

import (
	"crypto/tls"
	"flag"
	"log"
	"net"
	"sync"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

func main() {
	plain := flag.String("imap", "127.0.0.1:0", "address for IMAP with STARTTLS")
	protected := flag.String("imaps", "127.0.0.1:0", "address for IMAP over TLS")
	cert := flag.String("cert", "", "PEM file with the certificate")
	key := flag.String("key", "", "PEM file with its key")
	password := flag.String("password", "pass", "password of every user")
	flag.Parse()
	log.Fatal(serve(*plain, *protected, *cert, *key, *password))
}

func serve(plain, protected, cert, key, password string) error {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return err
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	accounts := &accounts{password: password, users: map[string]*imapmemserver.User{}}
	server := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return &session{accounts: accounts}, nil, nil
		},
		Caps: imap.CapSet{
			imap.CapIMAP4rev1: {}, imap.CapIMAP4rev2: {},
			imap.CapNamespace: {}, imap.CapUIDPlus: {}, imap.CapESearch: {}, imap.CapSearchRes: {}, imap.CapListExtended: {}, imap.CapListStatus: {},
			imap.CapMove: {}, imap.CapStatusSize: {}, imap.CapBinary: {}, imap.CapChildren: {},
			imap.CapLiteralPlus: {},
		},
		TLSConfig:    config,
		InsecureAuth: true,
	})
	ends := make(chan error)
	for _, listen := range []func() (net.Listener, error){
		func() (net.Listener, error) { return net.Listen("tcp", plain) },
		func() (net.Listener, error) { return tls.Listen("tcp", protected, config) },
	} {
		l, err := listen()
		if err != nil {
			return err
		}
		go func() { ends <- server.Serve(l) }()
	}
	return <-ends
}

// accounts makes a user at the first login.
type accounts struct {
	password string
	mu       sync.Mutex // guards users
	users    map[string]*imapmemserver.User
}

func (a *accounts) get(name string) (*imapmemserver.User, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if user, ok := a.users[name]; ok {
		return user, nil
	}
	user := imapmemserver.NewUser(name, a.password)
	err := user.Create("INBOX", nil)
	a.users[name] = user
	return user, err
}

type session struct {
	*imapmemserver.UserSession // nil before the login
	accounts                   *accounts
}

// Login opens the user's mailboxes.
func (s *session) Login(name, password string) error {
	user, err := s.accounts.get(name)
	if err != nil {
		return err
	}
	if err := user.Login(name, password); err != nil {
		return err
	}
	s.UserSession = imapmemserver.NewUserSession(user)
	return nil
}
