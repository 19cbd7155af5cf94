package imapclient

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

// Pin is the SHA-256 of a certificate's public key (its SubjectPublicKeyInfo, RFC 7469 section 2.4). It
// stays the same when a certificate is renewed with its key. As text it is "sha256/" and base64.
type Pin [sha256.Size]byte

// PinOf returns the pin of a certificate's key.
func PinOf(cert *x509.Certificate) Pin { return sha256.Sum256(cert.RawSubjectPublicKeyInfo) }

// ParsePin reads a pin: "sha256/BASE64", curl's "sha256//BASE64" or the BASE64 of RFC 7469 alone. The pin of a
// server is in the [CertificateError] for a wrong one; without asking for an error it is printed by
//
//	openssl s_client -connect mail.example.org:993 </dev/null 2>/dev/null | openssl x509 -pubkey -noout |
//	openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64
func ParsePin(text string) (Pin, error) {
	encoded := strings.TrimSpace(text)
	if method, rest, ok := strings.Cut(encoded, "/"); ok && strings.EqualFold(method, "sha256") {
		encoded = strings.TrimPrefix(rest, "/")
		// A digest of which the base64 itself begins with "/" has lost it.
		if len(encoded) == base64.StdEncoding.EncodedLen(sha256.Size)-1 {
			encoded = rest
		}
	}
	sum, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(sum) != sha256.Size {
		return Pin{}, fmt.Errorf("not a pin: want sha256/ and the base64 of 32 bytes, such as %v", Pin{})
	}
	return Pin(sum), nil
}

// String returns the pin as "sha256/BASE64".
func (p Pin) String() string { return "sha256/" + base64.StdEncoding.EncodeToString(p[:]) }

// MarshalText returns the pin as String does.
func (p Pin) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads a pin as [ParsePin] does, for flags and configuration files.
func (p *Pin) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePin(string(text))
	return err
}

// PinError says that the server has none of the pinned keys. It is in a *[CertificateError].
type PinError struct {
	Pinned []Pin
	// Seen are the certificates that could have had a pinned key, the server's own first.
	Seen []*x509.Certificate
}

func (e *PinError) Error() string {
	pinned := make([]string, len(e.Pinned))
	for i, p := range e.Pinned {
		pinned[i] = p.String()
	}
	var seen []string
	for _, cert := range e.Seen[:min(len(e.Seen), 4)] {
		seen = append(seen, fmt.Sprintf("%v of %s", PinOf(cert), subjectOf(cert)))
	}
	return "none of its keys is pinned: seen " + strings.Join(seen, ", ") + "; pinned " + strings.Join(pinned, ", ")
}

// checkPins returns a *PinError unless a key of the connection is pinned or nothing is.
func checkPins(pins []Pin, s *tls.ConnectionState) error {
	if len(pins) == 0 {
		return nil
	}
	seen := pinnable(s)
	for _, cert := range seen {
		if slices.Contains(pins, PinOf(cert)) {
			return nil
		}
	}
	return &PinError{Pinned: pins, Seen: seen}
}

// pinnable returns the certificates that vouch for the server: all of its verified chains (RFC 7469
// section 2.6). Without any only the server's own does: anybody can send the others along.
func pinnable(s *tls.ConnectionState) []*x509.Certificate {
	if len(s.VerifiedChains) == 0 {
		return s.PeerCertificates[:min(len(s.PeerCertificates), 1)]
	}
	var all []*x509.Certificate
	for _, chain := range s.VerifiedChains {
		for _, cert := range chain {
			if !slices.ContainsFunc(all, cert.Equal) {
				all = append(all, cert)
			}
		}
	}
	return all
}
