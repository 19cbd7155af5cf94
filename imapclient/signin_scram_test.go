package imapclient_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xdg-go/scram"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapauth"
	"github.com/pushmail/pushmail/imapclient"
)

var serverCert = sync.OnceValues(func() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
})

// scramPeer is an IMAP server on TLS that knows SCRAM and nothing else: jo, with the password hunter2!.
type scramPeer struct {
	version    uint16
	mechanisms string
	// binding is the type that it knows.
	binding scram.ChannelBindingType
	// intercepted makes it see another TLS connection than the client.
	intercepted bool
	// masked is what the client must not use.
	masked imap.Capability
	// last changes how the exchange ends: "" as it should.
	last string

	conn *tls.Conn
	in   *bufio.Reader
	log  []string // mechanisms that were asked for
}

// serve runs the server on its end of a pipe until the client hangs up.
func (p *scramPeer) serve(nc net.Conn) {
	defer nc.Close()
	cert, err := serverCert()
	if err != nil {
		return
	}
	p.conn = tls.Server(nc, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: p.version, MaxVersion: p.version})
	p.in = bufio.NewReader(p.conn)
	caps := "IMAP4rev1 SASL-IR LOGINDISABLED"
	for _, m := range strings.Fields(p.mechanisms) {
		caps += " AUTH=" + m
	}
	p.say("* OK [CAPABILITY " + caps + "] hello")
	for {
		line, err := p.in.ReadString('\n')
		if err != nil {
			return
		}
		words := strings.Fields(line)
		if len(words) != 4 || words[1] != "AUTHENTICATE" {
			p.say(words[0] + " BAD what?")
			continue
		}
		p.log = append(p.log, words[2])
		p.say(words[0] + " " + p.authenticate(words[2], words[3]))
	}
}

func (p *scramPeer) say(line string) { _, _ = p.conn.Write([]byte(line + "\r\n")) }

// ask sends a challenge and returns the answer.
func (p *scramPeer) ask(challenge string) (string, bool) {
	p.say("+ " + base64.StdEncoding.EncodeToString([]byte(challenge)))
	line, err := p.in.ReadString('\n')
	text, err64 := base64.StdEncoding.DecodeString(strings.TrimSpace(line))
	return string(text), err == nil && err64 == nil
}

func (p *scramPeer) authenticate(mechanism, initial string) string {
	var hash scram.HashGeneratorFcn = scram.SHA256
	if strings.Contains(mechanism, "SHA-1") {
		hash = scram.SHA1
	} else if strings.Contains(mechanism, "SHA-512") {
		hash = scram.SHA512
	}
	client, _ := hash.NewClient("jo", hunter2, "")
	stored, _ := client.GetStoredCredentialsWithError(scram.KeyFactors{Salt: "0123456789abcdef", Iters: 4096})
	server, _ := hash.NewServer(func(name string) (scram.StoredCredentials, error) {
		if name != "jo" {
			return stored, errors.New("unknown")
		}
		return stored, nil
	})
	talk := server.NewConversation()
	if p.binding != "" {
		talk = server.NewConversationWithChannelBinding(p.channel())
	}
	first, _ := base64.StdEncoding.DecodeString(initial)
	challenge, err := talk.Step(string(first))
	reply, ok := p.ask(challenge)
	if err != nil || !ok {
		return "NO [AUTHENTICATIONFAILED] first"
	}
	if challenge, err = talk.Step(reply); err != nil && p.last == "" {
		p.ask(challenge)
		return "NO [AUTHENTICATIONFAILED] " + err.Error()
	}
	return p.end(challenge)
}

func (p *scramPeer) end(challenge string) string {
	switch p.last {
	case "OK without the signature":
		return "OK [CAPABILITY IMAP4rev1] welcome"
	case "signature in the OK":
		return "OK [CAPABILITY IMAP4rev1] " + challenge
	case "wrong signature":
		p.ask("v=" + base64.StdEncoding.EncodeToString(make([]byte, 32)))
		return "OK [CAPABILITY IMAP4rev1] welcome"
	case "another challenge":
		p.ask(challenge)
		if _, ok := p.ask("more"); !ok {
			return "OK [CAPABILITY IMAP4rev1] welcome"
		}
	case "bad protocol": // as Cyrus answers a wrong binding
		if strings.HasSuffix(p.log[len(p.log)-1], "-PLUS") {
			return "NO bad protocol / cancel"
		}
		p.ask(challenge)
	case "NO after the signature":
		p.ask(challenge)
		return "NO [AUTHORIZATIONFAILED] not this mailbox"
	default:
		p.ask(challenge)
	}
	return "OK [CAPABILITY IMAP4rev1] welcome"
}

// channel is what the server's end is bound to.
func (p *scramPeer) channel() scram.ChannelBinding {
	state := p.conn.ConnectionState()
	data := []byte("another connection")
	if !p.intercepted {
		switch p.binding {
		case scram.ChannelBindingTLSExporter:
			data, _ = state.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32)
		case scram.ChannelBindingTLSUnique:
			data = state.TLSUnique
		case scram.ChannelBindingTLSServerEndpoint:
			cert, _ := serverCert()
			leaf, _ := x509.ParseCertificate(cert.Certificate[0])
			b, _ := scram.NewTLSServerEndpointBinding(&tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}})
			data = b.Data
		}
	}
	return scram.ChannelBinding{Type: p.binding, Data: data}
}

func TestSCRAMLoginsOverTLS(t *testing.T) {
	const (
		both     = "SCRAM-SHA-256 SCRAM-SHA-256-PLUS SCRAM-SHA-1 SCRAM-SHA-1-PLUS"
		plus     = "SCRAM-SHA-256-PLUS"
		exporter = scram.ChannelBindingTLSExporter
		unique   = scram.ChannelBindingTLSUnique
		endPoint = scram.ChannelBindingTLSServerEndpoint
		tls12    = tls.VersionTLS12
		tls13    = tls.VersionTLS13
	)
	ok := func(err error) bool { return err == nil }
	refused := func(r imapclient.Refusal) func(error) bool {
		return func(err error) bool {
			e, is := errors.AsType[*imapclient.AuthError](err)
			return is && e.Refusal == r
		}
	}
	intruder := func(err error) bool { return errors.As(err, new(*imapauth.ExchangeError)) }
	for _, tt := range []struct {
		name     string
		peer     scramPeer
		password string
		want     string // mechanisms that were tried
		check    func(error) bool
		closed   bool
	}{
		{"without binding", scramPeer{version: tls13, mechanisms: "SCRAM-SHA-1 SCRAM-SHA-256 PLAIN"}, hunter2, "SCRAM-SHA-256", ok, false},
		{"SHA-512", scramPeer{version: tls13, mechanisms: "SCRAM-SHA-1 SCRAM-SHA-512 SCRAM-SHA-256 PLAIN"}, hunter2, "SCRAM-SHA-512", ok, false},
		{"exporter", scramPeer{version: tls13, mechanisms: both, binding: exporter}, hunter2, "SCRAM-SHA-256-PLUS", ok, false},
		{"unique", scramPeer{version: tls12, mechanisms: both, binding: unique}, hunter2, "SCRAM-SHA-256-PLUS", ok, false},
		{"end point, for want of the exporter", scramPeer{version: tls13, mechanisms: both, binding: endPoint}, hunter2, "SCRAM-SHA-256-PLUS SCRAM-SHA-256-PLUS", ok, false},
		{"none that we know", scramPeer{version: tls13, mechanisms: both + " PLAIN", binding: "tls-something"}, hunter2, "SCRAM-SHA-256-PLUS SCRAM-SHA-256-PLUS SCRAM-SHA-256", ok, false},
		{"end point, for want of unique", scramPeer{version: tls12, mechanisms: plus + " PLAIN", binding: endPoint}, hunter2, "SCRAM-SHA-256-PLUS SCRAM-SHA-256-PLUS", ok, false},
		{"wrong password", scramPeer{version: tls13, mechanisms: both, binding: exporter}, "wrong", "SCRAM-SHA-256-PLUS", refused(imapclient.RefusedCredentials), false},
		{"wrong password without binding", scramPeer{version: tls13, mechanisms: "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN"}, "wrong", "SCRAM-SHA-256", refused(imapclient.RefusedCredentials), false},
		{"somebody in the middle", scramPeer{version: tls13, mechanisms: both, binding: exporter, intercepted: true}, hunter2, "SCRAM-SHA-256-PLUS", refused(imapclient.RefusedIntercepted), false},
		{"masked", scramPeer{version: tls13, mechanisms: "SCRAM-SHA-256 SCRAM-SHA-256-PLUS", binding: exporter, masked: "AUTH=SCRAM-SHA-256-PLUS"}, hunter2, "SCRAM-SHA-256", ok, false},
		{"somebody who changed the offer", scramPeer{version: tls13, mechanisms: "SCRAM-SHA-256 PLAIN", binding: exporter}, hunter2, "SCRAM-SHA-256", refused(imapclient.RefusedIntercepted), false},
		{"OK without the signature", scramPeer{version: tls13, mechanisms: both, binding: exporter, last: "OK without the signature"}, hunter2, "SCRAM-SHA-256-PLUS", intruder, true},
		{"signature in the OK", scramPeer{version: tls13, mechanisms: plus, binding: exporter, last: "signature in the OK"}, hunter2, plus, intruder, true},
		{"wrong signature", scramPeer{version: tls13, mechanisms: plus, binding: exporter, last: "wrong signature"}, hunter2, plus, intruder, true},
		{"who does not know the password", scramPeer{version: tls13, mechanisms: plus, binding: exporter, last: "OK without the signature"}, "other", plus, intruder, true},
		{"another challenge", scramPeer{version: tls13, mechanisms: plus, binding: exporter, last: "another challenge"}, hunter2, plus, intruder, true},
		{"wrong for tls-unique", scramPeer{version: tls12, mechanisms: both, binding: unique, last: "bad protocol"}, hunter2, "SCRAM-SHA-256-PLUS", refused(imapclient.RefusedIntercepted), false},
		{"wrong for all bindings of TLS 1.3", scramPeer{version: tls13, mechanisms: both, binding: exporter, last: "bad protocol"}, hunter2, "SCRAM-SHA-256-PLUS SCRAM-SHA-256-PLUS SCRAM-SHA-256", ok, false},
		{"NO after the signature", scramPeer{version: tls13, mechanisms: both, binding: exporter, last: "NO after the signature"}, hunter2, plus, refused(imapclient.RefusedIdentity), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cert, err := serverCert()
			if err != nil {
				t.Fatal(err)
			}
			leaf, err := x509.ParseCertificate(cert.Certificate[0])
			if err != nil {
				t.Fatal(err)
			}
			roots := x509.NewCertPool()
			roots.AddCert(leaf)
			theirs, ours := net.Pipe()
			deadline := time.Now().Add(20 * time.Second)
			_, _ = theirs.SetDeadline(deadline), ours.SetDeadline(deadline)
			var wg sync.WaitGroup
			wg.Go(func() { tt.peer.serve(theirs) })
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			var trace bytes.Buffer
			c, err := imapclient.New(ctx, ours, &imapclient.Options{
				Addr: "localhost", TLSConfig: &tls.Config{RootCAs: roots}, Trace: &imapclient.Trace{W: &trace}, MaskCapabilities: []imap.Capability{tt.peer.masked},
			})
			if err != nil {
				t.Fatal(err)
			}
			err = c.SignIn(ctx, &imapauth.Credentials{Username: "jo", Password: imapauth.NewSecret(tt.password)})
			if !tt.check(err) {
				t.Errorf("%T %v", err, err)
			}
			if (c.Err() != nil) != tt.closed {
				t.Errorf("the connection is %v", c.Err())
			}
			if loggedIn := c.State() == imapclient.StateAuthenticated; loggedIn != (err == nil) {
				t.Errorf("state %v after %v", c.State(), err)
			}
			c.Close()
			wg.Wait()
			if got := strings.Join(tt.peer.log, " "); got != tt.want {
				t.Errorf("tried %s, want %s", got, tt.want)
			}
			for _, text := range []string{trace.String(), fmt.Sprintf("%v %+v %#v", err, err, err)} {
				noSecret(t, text)
				if strings.Contains(text, "n=jo") || strings.Contains(text, ",r=") && !strings.Contains(text, "does not") {
					t.Errorf("a part of the exchange shows:\n%s", text)
				}
			}
		})
	}
}
