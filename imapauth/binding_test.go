package imapauth_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapauth"
)

// connect returns both ends' view of a TLS connection over a pipe.
func connect(t *testing.T, cert tls.Certificate, version uint16, client *tls.Config) (theirs, ours tls.ConnectionState) {
	t.Helper()
	a, b := net.Pipe()
	deadline := time.Now().Add(10 * time.Second)
	_, _ = a.SetDeadline(deadline), b.SetDeadline(deadline)
	server := tls.Server(a, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: version, MaxVersion: version})
	done := make(chan error, 1)
	go func() {
		_, err := server.Write([]byte{1})
		done <- err
	}()
	if client == nil {
		client = &tls.Config{}
	}
	client.InsecureSkipVerify, client.ServerName = true, "localhost"
	conn := tls.Client(b, client)
	defer a.Close()
	defer b.Close()
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return server.ConnectionState(), conn.ConnectionState()
}

// certificate makes a self-signed certificate.
func certificate(t *testing.T, key crypto.Signer, algorithm x509.SignatureAlgorithm) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), SignatureAlgorithm: algorithm,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func ecKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func rsaKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sum(h crypto.Hash, b []byte) []byte {
	d := h.New()
	d.Write(b)
	return d.Sum(nil)
}

// RFC 5929 section 4.1: the hash of the certificate is that of its signature, but not MD5 or SHA-1.
func TestServerEndPointHashes(t *testing.T) {
	ec, rsa := ecKey(t), rsaKey(t)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		algorithm x509.SignatureAlgorithm
		key       crypto.Signer
		want      crypto.Hash // 0 for none
	}{
		{x509.ECDSAWithSHA1, ec, crypto.SHA256},
		{x509.ECDSAWithSHA256, ec, crypto.SHA256},
		{x509.ECDSAWithSHA384, ec, crypto.SHA384},
		{x509.ECDSAWithSHA512, ec, crypto.SHA512},
		{x509.SHA256WithRSA, rsa, crypto.SHA256},
		{x509.SHA384WithRSA, rsa, crypto.SHA384},
		{x509.SHA512WithRSA, rsa, crypto.SHA512},
		{x509.SHA256WithRSAPSS, rsa, crypto.SHA256},
		{x509.SHA384WithRSAPSS, rsa, crypto.SHA384},
		{x509.SHA512WithRSAPSS, rsa, crypto.SHA512},
		{x509.PureEd25519, ed, 0},
	} {
		t.Run(c.algorithm.String(), func(t *testing.T) {
			signed := c.algorithm
			if signed == x509.ECDSAWithSHA1 {
				signed = x509.ECDSAWithSHA384 // Go does not sign with SHA-1 any more
			}
			cert := certificate(t, c.key, signed)
			_, ours := connect(t, cert, tls.VersionTLS13, nil)
			ours.PeerCertificates[0].SignatureAlgorithm = c.algorithm
			var got []byte
			for _, b := range imapauth.BindingsOf(&ours) {
				if b.Type() == "tls-server-end-point" {
					got = b.Data()
				}
			}
			if c.want == 0 && got == nil {
				return
			}
			if want := sum(c.want, cert.Certificate[0]); !bytes.Equal(got, want) {
				t.Errorf("%x, want %x", got, want)
			}
		})
	}
}

// bound returns what the server's end of a connection is bound to, computed apart from the client.
func bound(t *testing.T, theirs tls.ConnectionState, cert tls.Certificate, kind string) []byte {
	t.Helper()
	switch kind {
	case "tls-exporter": // RFC 9266 section 2
		data, err := theirs.ExportKeyingMaterial("EXPORTER-Channel-Binding", []byte{}, 32)
		if err != nil {
			t.Fatal(err)
		}
		return data
	case "tls-unique": // RFC 5929 section 3
		return theirs.TLSUnique
	case "tls-server-end-point":
		return sum(crypto.SHA256, cert.Certificate[0])
	}
	return nil
}

func TestWhatALoginCanBeBoundTo(t *testing.T) {
	cert := certificate(t, ecKey(t), x509.ECDSAWithSHA256)
	for version, want := range map[uint16][]string{
		tls.VersionTLS13: {"tls-exporter", "tls-server-end-point"},
		tls.VersionTLS12: {"tls-unique", "tls-server-end-point"},
	} {
		theirs, ours := connect(t, cert, version, nil)
		got := imapauth.BindingsOf(&ours)
		if len(got) != len(want) {
			t.Fatalf("%s: %v, want %v", tls.VersionName(version), got, want)
		}
		for i, b := range got {
			if b.Type() != want[i] || len(b.Data()) == 0 || !bytes.Equal(b.Data(), bound(t, theirs, cert, want[i])) {
				t.Errorf("%s: %s is %x, the server has %x", tls.VersionName(version), b.Type(), b.Data(), bound(t, theirs, cert, want[i]))
			}
		}
	}
	for name, state := range map[string]*tls.ConnectionState{"none": nil, "unfinished": {PeerCertificates: []*x509.Certificate{{SignatureAlgorithm: x509.ECDSAWithSHA256}}}} {
		if got := imapauth.BindingsOf(state); len(got) != 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
	// Where Go exports nothing, as without the extended master secret (RFC 7627) or with renegotiation, two
	// connections can have the same tls-unique.
	_, weak := connect(t, cert, tls.VersionTLS12, &tls.Config{Renegotiation: tls.RenegotiateOnceAsClient})
	if got := imapauth.BindingsOf(&weak); len(weak.TLSUnique) == 0 || len(got) != 1 || got[0].Type() != "tls-server-end-point" {
		t.Errorf("without an exporter: %v", got)
	}
}

// scramServer is the server's side of RFC 5802, apart from the library that the client uses.
type scramServer struct {
	hash    func() hash.Hash
	user    string
	secret  string
	offers  bool // -PLUS mechanisms
	kind    string
	binding []byte

	plus             bool
	gs2, bare, first string
	identity         string
	iterations       int
}

func (s *scramServer) hmac(key []byte, text string) []byte {
	h := hmac.New(s.hash, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// begin reads the client's first message.
func (s *scramServer) begin(message string) (string, error) {
	fields := strings.SplitN(message, ",", 3)
	s.gs2, s.bare = fields[0]+","+fields[1]+",", fields[2]
	s.identity = strings.TrimPrefix(fields[1], "a=")
	kind, p := strings.CutPrefix(fields[0], "p=")
	switch {
	case p != s.plus:
		return "", fmt.Errorf("%q does not fit the mechanism", fields[0])
	case fields[0] == "y" && s.offers:
		return "e=server-does-support-channel-binding", nil
	case p && kind != s.kind:
		return "e=unsupported-channel-binding-type", nil
	}
	name, nonce, _ := strings.Cut(s.bare, ",r=")
	if name != "n="+s.user {
		return "e=unknown-user", nil
	}
	s.first = "r=" + nonce + "xyz,s=" + base64.StdEncoding.EncodeToString([]byte("salt")) + ",i=" + fmt.Sprint(s.iterations)
	return s.first, nil
}

// end reads the client's proof.
func (s *scramServer) end(message string) (string, error) {
	without, proof, _ := strings.Cut(message, ",p=")
	c, r, _ := strings.Cut(without, ",r=")
	if !strings.HasPrefix(s.first, "r="+r+",") {
		return "", fmt.Errorf("nonce %q", r)
	}
	if got, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(c, "c=")); err != nil || string(got) != s.gs2+string(s.binding) {
		return "e=channel-bindings-dont-match", nil
	}
	salted, err := pbkdf2.Key(s.hash, s.secret, []byte("salt"), s.iterations, s.hash().Size())
	if err != nil {
		return "", err
	}
	clientKey := s.hmac(salted, "Client Key")
	stored := s.hash()
	stored.Write(clientKey)
	text := s.bare + "," + s.first + "," + without
	signature := s.hmac(stored.Sum(nil), text)
	got, err := base64.StdEncoding.DecodeString(proof)
	if err != nil || len(got) != len(signature) {
		return "", fmt.Errorf("proof %q", proof)
	}
	for i := range got {
		if got[i]^signature[i] != clientKey[i] {
			return "e=invalid-proof", nil
		}
	}
	return "v=" + base64.StdEncoding.EncodeToString(s.hmac(s.hmac(salted, "Server Key"), text)), nil
}

// run lets the client log in, and returns what the server said last.
func (s *scramServer) run(client sasl.Client) (string, error) {
	name, ir, err := client.Start()
	if err != nil {
		return "", err
	}
	s.plus = strings.HasSuffix(name, "-PLUS")
	said, err := s.begin(string(ir))
	if err != nil {
		return "", err
	}
	reply, err := client.Next([]byte(said))
	if err != nil || strings.HasPrefix(said, "e=") {
		return said, err
	}
	if said, err = s.end(string(reply)); err != nil {
		return "", err
	}
	_, err = client.Next([]byte(said))
	return said, err
}

var hashes = map[imapauth.Mechanism]func() hash.Hash{
	imapauth.SCRAMSHA1: sha1.New, imapauth.SCRAMSHA256: sha256.New, imapauth.SCRAMSHA512: sha512.New,
	imapauth.SCRAMSHA1Plus: sha1.New, imapauth.SCRAMSHA256Plus: sha256.New, imapauth.SCRAMSHA512Plus: sha512.New,
}

func TestSCRAMOverRealTLS(t *testing.T) {
	cert := certificate(t, ecKey(t), x509.ECDSAWithSHA256)
	const plusAndNot = "AUTH=SCRAM-SHA-1 AUTH=SCRAM-SHA-1-PLUS AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-256-PLUS AUTH=SCRAM-SHA-512 AUTH=SCRAM-SHA-512-PLUS"
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		theirs, ours := connect(t, cert, version, nil)
		cred := &imapauth.Credentials{Username: "jo", Password: imapauth.NewSecret("pencil"), Identity: "ann"}
		ways, err := imapauth.Select(imapauth.Peer{Capabilities: imap.ParseCapabilities(plusAndNot), TLS: &ours}, cred)
		if err != nil || len(ways) != 9 {
			t.Fatalf("%v, %v", ways, err)
		}
		for i, w := range ways {
			if plus := strings.HasSuffix(string(w.Mechanism), "-PLUS"); plus != (i < 6) {
				t.Errorf("%v is number %d of %v", w, i, ways)
			}
			s := &scramServer{hash: hashes[w.Mechanism], user: "jo", secret: "pencil", offers: true, iterations: 4096, kind: w.Binding.Type()}
			s.binding = bound(t, theirs, cert, s.kind)
			client, err := w.Client(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			said, err := s.run(client)
			if err != nil || !strings.HasPrefix(said, "v=") || client.(imapauth.Finisher).Finished() != nil || s.identity != "ann" {
				t.Errorf("%s, %v: %q, %v", tls.VersionName(version), w, said, err)
			}
		}
	}
}

// Somebody who ends the TLS connection and opens one of his own to the server is found out.
func TestManInTheMiddleIsFoundOut(t *testing.T) {
	hisCert := certificate(t, ecKey(t), x509.ECDSAWithSHA256)
	cert := certificate(t, ecKey(t), x509.ECDSAWithSHA256)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		_, ours := connect(t, hisCert, version, nil)
		theirs, _ := connect(t, cert, version, nil)
		cred := &imapauth.Credentials{Username: "jo", Password: imapauth.NewSecret("pencil")}
		for caps, want := range map[string]string{
			"AUTH=SCRAM-SHA-256-PLUS": "channel-bindings-dont-match",
			"AUTH=SCRAM-SHA-256":      "server-does-support-channel-binding", // he has removed the other from the offer
		} {
			ways, err := imapauth.Select(imapauth.Peer{Capabilities: imap.ParseCapabilities(caps + " LOGINDISABLED"), TLS: &ours}, cred)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range ways {
				s := &scramServer{hash: sha256.New, user: "jo", secret: "pencil", offers: true, iterations: 4096, kind: w.Binding.Type()}
				s.binding = bound(t, theirs, cert, s.kind)
				client, err := w.Client(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := s.run(client); err != nil {
					t.Fatal(err)
				}
				why, ok := errors.AsType[*imapauth.SCRAMError](imapauth.Explain(client, errors.New("NO")))
				if !ok || why.Value != want || !why.Intercepted() || client.(imapauth.Finisher).Finished() == nil {
					t.Errorf("%s, %v: %v", tls.VersionName(version), w, why)
				}
			}
		}
	}
}

// RFC 5802 section 6: who could bind, and sees no offer, says so; who cannot, or will not, does not.
func TestBindingFlag(t *testing.T) {
	_, ours := connect(t, certificate(t, ecKey(t), x509.ECDSAWithSHA256), tls.VersionTLS13, nil)
	for _, c := range []struct {
		name, caps, cred string
		tls              *tls.ConnectionState
		want             string
	}{
		{"not offered", "AUTH=SCRAM-SHA-256", "password", &ours, "y,,"},
		{"other -PLUS offered", "AUTH=SCRAM-SHA-256 AUTH=GS2-KRB5-PLUS", "password", &ours, "y,,"},
		{"without TLS", "AUTH=SCRAM-SHA-256", "password", nil, "n,,"},
		{"TLS that cannot be bound to", "AUTH=SCRAM-SHA-256", "password", secure, "n,,"},
		{"offered, but forbidden", "AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-256-PLUS", "password -SCRAM-SHA-256-PLUS", &ours, "n,,"},
		{"forbidden and not seen", "AUTH=SCRAM-SHA-256", "password -SCRAM-SHA-256-PLUS", &ours, "n,,"},
		{"chosen without", "AUTH=SCRAM-SHA-256", "password =SCRAM-SHA-256", &ours, "n,,"},
		{"offered for another hash", "AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-1-PLUS", "password -SCRAM-SHA-1-PLUS", &ours, "n,,"},
		{"offered", "AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-256-PLUS", "password", &ours, "p=tls-exporter,,"},
	} {
		ways, err := imapauth.Select(imapauth.Peer{Capabilities: imap.ParseCapabilities(c.caps), TLS: c.tls}, credentials(c.cred))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		client, err := ways[0].Client(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if said, err := talk(client); err != nil || !strings.HasPrefix(said[1], c.want+"n=jo,r=") {
			t.Errorf("%s: %q, %v, want %s", c.name, said, err, c.want)
		}
	}
}
