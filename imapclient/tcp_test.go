package imapclient_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
)

func TestLocalAddress(t *testing.T) {
	s := listening(t, &imaptest.ServerOptions{Plain: true})
	o := &imapclient.Options{Addr: s.Addr().String(), Security: imapclient.InsecurePlaintext}
	for _, tt := range []struct {
		local net.Addr
		want  string // part of the error, "" for none
	}{
		{&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, ""},
		{&net.TCPAddr{}, ""},
		{&net.TCPAddr{IP: net.IPv6loopback}, "of the other family"},
		{&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}, "connect 127.0.0.1"}, // not one of this machine
		{&net.UnixAddr{Name: "x", Net: "unix"}, "LocalAddr must be a *net.TCPAddr"},
	} {
		o.Dialer = &net.Dialer{LocalAddr: tt.local}
		c, err := imapclient.Dial(t.Context(), o)
		if err == nil {
			c.Close()
		}
		if (tt.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("from %v: error %v, want %q", tt.local, err, tt.want)
		}
	}
}

func TestAddressesThatCannotBeReached(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	var dial *imapclient.DialError
	_, err = imapclient.Dial(t.Context(), &imapclient.Options{Addr: l.Addr().String()})
	if !errors.As(err, &dial) || dial.Stage != "connect" || imapclient.Classify(err).Class != imapclient.ClassTransient {
		t.Errorf("refused: error %v", err)
	}
	resolver := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no network")
	}}
	_, err = imapclient.Dial(t.Context(), &imapclient.Options{Addr: "mail.example.org", Dialer: &net.Dialer{Resolver: resolver}})
	if !errors.As(err, &dial) || dial.Stage != "resolve" || imapclient.Classify(err).Class != imapclient.ClassTransient {
		t.Errorf("not resolved: error %v", err)
	}
}

func TestOptionsThatCannotBeUsed(t *testing.T) {
	for _, tt := range []struct {
		o    imapclient.Options
		want string
	}{
		{imapclient.Options{}, "Options.Addr: it is empty"},
		{imapclient.Options{Addr: ":993"}, "Options.Addr: it names no host"},
		{imapclient.Options{Addr: "h:imaps"}, "Options.Addr: the port"},
		{imapclient.Options{Addr: "h:70000"}, "Options.Addr: the port"},
		{imapclient.Options{Addr: "h:0"}, "Options.Addr: the port"},
		{imapclient.Options{Addr: "imaps://h"}, "Options.Addr: it is a URL"},
		{imapclient.Options{Addr: "jo@h"}, "Options.Addr: not a host"},
		{imapclient.Options{Addr: "h\r\nX-Injected: y"}, "Options.Addr: not a host"},
		{imapclient.Options{Addr: "h", Security: 17}, "Options.Security"},
		{imapclient.Options{Addr: "h", DialTimeout: -1}, "Options.DialTimeout: it is negative"},
		{imapclient.Options{Addr: "h", UserTimeout: -1}, "Options.UserTimeout: it is negative"},
		{imapclient.Options{Addr: "h", Proxy: &imapclient.Proxy{}}, "Options.Proxy: it is empty"},
	} {
		tt.o.DialContext = func(context.Context, string, string) (net.Conn, error) {
			t.Errorf("%v: something was dialled", tt.want)
			return nil, errors.New("no")
		}
		_, err := imapclient.Dial(t.Context(), &tt.o)
		if !errors.As(err, new(*imapclient.OptionError)) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error %v, want %q", err, tt.want)
		}
		if class := imapclient.Classify(err).Class; class != imapclient.ClassConfig {
			t.Errorf("%v: class %v", err, class)
		}
	}
	// New closes what it was given. It needs to know a name for TLS.
	ours, theirs := net.Pipe()
	_, err := imapclient.New(t.Context(), ours, &imapclient.Options{})
	if !errors.As(err, new(*imapclient.OptionError)) || !strings.Contains(err.Error(), "ServerName") {
		t.Errorf("New without a name: error %v", err)
	}
	_ = theirs.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := theirs.Read(make([]byte, 1)); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("New left the connection open: %v", err)
	}
}

func TestAddressesThatAreDialled(t *testing.T) {
	for _, tt := range []struct {
		addr     string
		security imapclient.Security
		want     string
	}{
		{"mail.example.org", imapclient.ImplicitTLS, "mail.example.org:993"},
		{"mail.example.org", imapclient.StartTLS, "mail.example.org:143"},
		{"mail.example.org", imapclient.InsecureOpportunisticTLS, "mail.example.org:143"},
		{"mail.example.org:1143", imapclient.ImplicitTLS, "mail.example.org:1143"},
		{"2001:db8::1", imapclient.ImplicitTLS, "[2001:db8::1]:993"},
		{"[2001:db8::1]", imapclient.ImplicitTLS, "[2001:db8::1]:993"},
		{"[2001:db8::1]:143", imapclient.ImplicitTLS, "[2001:db8::1]:143"},
		{"mail.bücher.example", imapclient.ImplicitTLS, "mail.xn--bcher-kva.example:993"},
		{"MAIL.Bücher.example:143", imapclient.ImplicitTLS, "mail.xn--bcher-kva.example:143"},
	} {
		var got string
		o := &imapclient.Options{Addr: tt.addr, Security: tt.security}
		o.DialContext = func(_ context.Context, _, addr string) (net.Conn, error) {
			got = addr
			return nil, errors.New("no")
		}
		if _, err := imapclient.Dial(t.Context(), o); got != tt.want {
			t.Errorf("%s with %v: dialled %q, want %q (%v)", tt.addr, tt.security, got, tt.want, err)
		}
	}
}
