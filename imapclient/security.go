package imapclient

// Security says how a connection is protected.
type Security uint8

const (
	// ImplicitTLS speaks TLS from the first byte, as on port 993 (RFC 8314 section 3). The default.
	ImplicitTLS Security = iota
	// StartTLS begins in cleartext, as on port 143, and must switch to TLS before anything else is said,
	// or fail (RFC 9051 section 6.2.1). What the server says before is not believed.
	StartTLS
	// InsecurePlaintext never encrypts: passwords and mail can be read and changed by anyone on the
	// way. For loopback and tests.
	InsecurePlaintext
	// InsecureOpportunisticTLS begins as StartTLS does, and goes on in cleartext if the server answers
	// STARTTLS with NO or BAD: whoever can change packets can make it do so, and then read the
	// password. It helps against those who only listen. [Conn.Security] says what became of it.
	//
	// As much as in StartTLS, what was said before TLS is forgotten, data behind the OK is an error, and
	// so is a certificate that is not trusted. A PREAUTH greeting is refused, and so is a server
	// that offers STARTTLS in its greeting and then does not do it.
	InsecureOpportunisticTLS
)

// String names the mode.
func (s Security) String() string {
	switch s {
	case ImplicitTLS:
		return "TLS"
	case StartTLS:
		return "STARTTLS"
	case InsecureOpportunisticTLS:
		return "opportunistic TLS"
	}
	return "plaintext"
}

// cleartextFirst reports whether a connection begins in cleartext and then switches to TLS.
func (s Security) cleartextFirst() bool { return s == StartTLS || s == InsecureOpportunisticTLS }

// Security returns what the connection became: ImplicitTLS, StartTLS or InsecurePlaintext. A *tls.Conn
// that was given to [New] is ImplicitTLS.
func (c *Conn) Security() Security {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.security
}

func (c *Conn) setSecurity(s Security) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.security = s
}
