package imapclient_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
)

func ExampleDial() {
	server := imaptest.NewServer(nil) // in place of a mail server on port 993
	defer server.Close()
	if err := server.Listen("tcp", "127.0.0.1:0"); err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := imapclient.Dial(ctx, &imapclient.Options{
		Addr:      server.Addr().String(),
		TLSConfig: server.TLSConfig(), // only for a certificate that the system does not trust
	})
	if err != nil {
		panic(err)
	}
	defer c.Close()
	fmt.Println(c.Security(), c.State())
	// Output: TLS not authenticated
}

// What to tell people whose connection fails, and what a program does about it.
func ExampleDial_errors() {
	_, err := imapclient.Dial(context.Background(), &imapclient.Options{Addr: "mail.example.org"})
	var cert *imapclient.CertificateError
	if errors.As(err, &cert) {
		fmt.Fprintln(os.Stderr, err)          // what is wrong, and what to do, in one line
		fmt.Fprint(os.Stderr, cert.Details()) // the certificates, with their pins
	}
	switch imapclient.Classify(err).Class {
	case imapclient.ClassConfig: // somebody has to change something
	case imapclient.ClassTransient: // try again later
	}
}

func ExampleParseProxy() {
	proxy, err := imapclient.ParseProxy("socks5://jo:secret@proxy.example.org:1080")
	if err != nil {
		panic(err)
	}
	o := &imapclient.Options{Addr: "mail.example.org", Proxy: proxy}
	fmt.Println(o.Proxy)
	// Output: socks5://proxy.example.org:1080
}

func ExampleParseURL() {
	u, err := imapclient.ParseURL("imap://jo%40example.org@mail.example.org/Lists/golang")
	if err != nil {
		panic(err)
	}
	o := u.Options()
	fmt.Println(o.Addr, o.Security, u.User, u.Mailbox)
	// Output: mail.example.org STARTTLS jo@example.org Lists/golang
}

// A client certificate, an address to bind to, and a peer that is given up after half a minute.
func ExampleOptions_network() {
	cert, err := tls.LoadX509KeyPair("client.pem", "client.key")
	if err != nil {
		fmt.Println("there is none here")
	}
	o := &imapclient.Options{
		Addr:      "mail.example.org",
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}},
		Dialer: &net.Dialer{
			LocalAddr:       &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7)},
			KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 20 * time.Second, Interval: 5 * time.Second, Count: 2},
		},
		UserTimeout: 30 * time.Second,
	}
	fmt.Println(o.Dialer.LocalAddr)
	// Output:
	// there is none here
	// 192.0.2.7:0
}
