package imapclient_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/imapclient"
)

func TestPinsAsText(t *testing.T) {
	// The example of RFC 7469 section 2.1.5.
	const text = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="
	want, err := imapclient.ParsePin(text)
	if err != nil {
		t.Fatal(err)
	}
	if want.String() != "sha256/"+text {
		t.Errorf("String: %s", want)
	}
	for _, same := range []string{"sha256/" + text, "SHA256/" + text, "sha256//" + text, " sha256/" + text + "\n"} {
		if got, err := imapclient.ParsePin(same); err != nil || got != want {
			t.Errorf("%q: %v, %v", same, got, err)
		}
	}
	var read imapclient.Pin
	if written, err := want.MarshalText(); err != nil || read.UnmarshalText(written) != nil || read != want {
		t.Errorf("read %v of %s, %v", read, written, err)
	}
	for _, bad := range []string{"", "sha256/", "sha1/" + text, "sha256/" + text[1:], "sha256/" + text + "AA==", "sha256/" + strings.Repeat("A", 43) + "!", "6bdb18b5"} {
		if got, err := imapclient.ParsePin(bad); err == nil {
			t.Errorf("%q was read as %v", bad, got)
		}
	}
	// Base64 itself may begin with a slash, after one slash and after two.
	slash := imapclient.Pin{0xff, 0xff, 0xff}
	for _, form := range []string{slash.String(), strings.Replace(slash.String(), "/", "//", 1), strings.TrimPrefix(slash.String(), "sha256/")} {
		if got, err := imapclient.ParsePin(form); err != nil || got != slash {
			t.Errorf("%s: %v, %v", form, got, err)
		}
	}
}

func TestPins(t *testing.T) {
	ca, strangers := newAuthority(t, "test CA"), newAuthority(t, "strange CA")
	pair, spare := certify(t, ca, nil), certify(t, ca, nil)
	lone := certify(t, nil, func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = nil, nil })
	pin := imapclient.PinOf
	for _, tt := range []struct {
		name     string
		server   *tls.Config
		pins     []*x509.Certificate
		insecure bool
		fine     bool
	}{
		{"the server's key", server(pair), []*x509.Certificate{pair.Leaf}, false, true},
		{"the authority's key", server(pair), []*x509.Certificate{ca.cert}, false, true},
		{"one of several", server(pair), []*x509.Certificate{spare.Leaf, pair.Leaf}, false, true},
		{"another key", server(pair), []*x509.Certificate{spare.Leaf}, false, false},
		{"a key that the server only sends along", server(pair, strangers.cert), []*x509.Certificate{strangers.cert}, false, false},
		{"a pinned key does not make up for an unknown authority", server(lone), []*x509.Certificate{lone.Leaf}, false, false},
		{"nothing but the pin: self-signed", server(lone), []*x509.Certificate{lone.Leaf}, true, true},
		{"nothing but the pin: another key", server(lone), []*x509.Certificate{pair.Leaf}, true, false},
		{"nothing but the pin: the key is only sent along", server(lone, pair.Leaf), []*x509.Certificate{pair.Leaf}, true, false},
		{"nothing but the pin: the authority's key proves nothing", server(pair, ca.cert), []*x509.Certificate{ca.cert}, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			addr := tlsServer(t, tt.server)
			o := &imapclient.Options{Addr: addr, TLSConfig: ca.config()}
			o.TLSConfig.InsecureSkipVerify = tt.insecure
			for _, cert := range tt.pins {
				o.Pins = append(o.Pins, pin(cert))
			}
			c, err := imapclient.Dial(t.Context(), o)
			if err == nil {
				c.Close()
			}
			if (err == nil) != tt.fine {
				t.Fatalf("error %v", err)
			}
			if tt.fine || tt.name == "a pinned key does not make up for an unknown authority" {
				return
			}
			var cert *imapclient.CertificateError
			var wrong *imapclient.PinError
			if !errors.As(err, &cert) || !errors.As(err, &wrong) {
				t.Fatalf("error %v, want a PinError in a CertificateError", err)
			}
			leaf, _ := x509.ParseCertificate(tt.server.Certificates[0].Certificate[0])
			wantParts(t, err.Error(), []string{"seen " + pin(leaf).String(), "pinned " + o.Pins[0].String()})
		})
	}
}

// Somebody else made the connection: the pins hold all the same.
func TestPinsOfAConnThatWasGiven(t *testing.T) {
	pair := certify(t, nil, nil)
	addr := tlsServer(t, server(pair))
	for _, right := range []bool{true, false} {
		nc, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		o := &imapclient.Options{Pins: []imapclient.Pin{{}}}
		if right {
			o.Pins = append(o.Pins, imapclient.PinOf(pair.Leaf))
		}
		c, err := imapclient.New(t.Context(), nc, o)
		if err == nil {
			c.Close()
		}
		if (err == nil) != right {
			t.Errorf("pinned: %v, error %v", right, err)
		}
	}
}

func ExampleOptions_pins() {
	// A server of one's own with a self-signed certificate: its key alone is trusted, not its names, dates and issuer.
	pin, err := imapclient.ParsePin("sha256/LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=")
	if err != nil {
		panic(err)
	}
	o := &imapclient.Options{
		Addr:      "mail.example.org",
		TLSConfig: &tls.Config{InsecureSkipVerify: true},
		Pins:      []imapclient.Pin{pin},
	}
	fmt.Println(o.Addr, o.Pins)
	// Output: mail.example.org [sha256/LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=]
}
