package imapauth

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"strings"

	"github.com/emersion/go-sasl"
	"github.com/xdg-go/scram"
)

// Mechanism is the name of a way to log in: a SASL mechanism, or [LoginCommand].
type Mechanism string

// The ways to log in that this package knows.
const (
	EXTERNAL    Mechanism = sasl.External    // RFC 4422 appendix A
	OAUTHBEARER Mechanism = sasl.OAuthBearer // RFC 7628
	XOAUTH2     Mechanism = "XOAUTH2"        // Google, Microsoft

	// RFC 5802, RFC 7677, and draft-melnikov-scram-sha-512. -PLUS binds the login to the TLS connection.
	SCRAMSHA512Plus Mechanism = "SCRAM-SHA-512-PLUS"
	SCRAMSHA256Plus Mechanism = "SCRAM-SHA-256-PLUS"
	SCRAMSHA1Plus   Mechanism = "SCRAM-SHA-1-PLUS"
	SCRAMSHA512     Mechanism = "SCRAM-SHA-512"
	SCRAMSHA256     Mechanism = "SCRAM-SHA-256"
	SCRAMSHA1       Mechanism = "SCRAM-SHA-1"

	CRAMMD5   Mechanism = "CRAM-MD5"     // RFC 2195
	PLAIN     Mechanism = sasl.Plain     // RFC 4616
	LOGIN     Mechanism = sasl.Login     // has no RFC
	ANONYMOUS Mechanism = sasl.Anonymous // RFC 4505
	// LoginCommand is no mechanism but the LOGIN command (RFC 9051 section 6.2.3), which servers
	// have unless they say LOGINDISABLED.
	LoginCommand Mechanism = "LOGIN command"
)

// Cleartext reports whether m shows the server, and whoever can read the connection, the password or
// the token itself.
func (m Mechanism) Cleartext() bool {
	switch m {
	case PLAIN, LOGIN, LoginCommand, OAUTHBEARER, XOAUTH2:
		return true
	}
	return false
}

// IsOAuth reports whether m takes an access token.
func (m Mechanism) IsOAuth() bool { return m == OAUTHBEARER || m == XOAUTH2 }

// IsSCRAM reports whether m is one of the SCRAM family.
func (m Mechanism) IsSCRAM() bool { return m.hash() != nil }

// plus returns the form of m with channel binding.
func (m Mechanism) plus() Mechanism { return m + "-PLUS" }

func (m Mechanism) isPlus() bool { return strings.HasSuffix(string(m), "-PLUS") }

// hash returns the hash function of a SCRAM mechanism, or nil.
func (m Mechanism) hash() scram.HashGeneratorFcn {
	switch m {
	case SCRAMSHA1, SCRAMSHA1Plus:
		return sha1.New
	case SCRAMSHA256, SCRAMSHA256Plus:
		return sha256.New
	case SCRAMSHA512, SCRAMSHA512Plus:
		return sha512.New
	}
	return nil
}
