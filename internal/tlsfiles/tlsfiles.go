// Package tlsfiles makes TLS settings of the files that people name: authorities to trust, a certificate to show.
package tlsfiles

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// Files are the names of files in PEM. Empty means none.
type Files struct {
	// CA has certificates of authorities that are trusted besides those of the system.
	CA string
	// Cert is the certificate to show to the other side, Key its private key; empty if Cert has both.
	Cert, Key string
}

// Which of the files an [Error] is about.
const (
	CA   = "CA"
	Cert = "Cert"
)

// Error says which of the files cannot be used.
type Error struct {
	Which string // CA or Cert
	Err   error
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Load reads the files. It returns nil if none is named, and otherwise a *Error for what cannot be read or understood.
func Load(f Files) (*tls.Config, error) {
	if f.CA == "" && f.Cert == "" {
		if f.Key != "" {
			return nil, &Error{Cert, errors.New("a private key without its certificate")}
		}
		return nil, nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.Cert != "" {
		cert, err := tls.LoadX509KeyPair(f.Cert, cmp.Or(f.Key, f.Cert))
		if err != nil {
			return nil, &Error{Cert, err}
		}
		cfg.Certificates = []tls.Certificate{cert}
	}
	if f.CA == "" {
		return cfg, nil
	}
	text, err := os.ReadFile(f.CA)
	if err != nil {
		return nil, &Error{CA, err}
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // a system without any
	}
	if !roots.AppendCertsFromPEM(text) {
		return nil, &Error{CA, fmt.Errorf("%q has no certificate in PEM format (-----BEGIN CERTIFICATE-----)", f.CA)}
	}
	cfg.RootCAs = roots
	return cfg, nil
}
