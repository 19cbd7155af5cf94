package imaptest

import (
	"crypto/tls"
	"encoding/base64"
	"strings"

	"github.com/pushmail/pushmail/imap"
)

func (s *Session) canStartTLS() bool { return s.server.opts.StartTLS && !s.tls }

func (s *Session) loginDisabled() bool { return s.server.opts.LoginDisabled && !s.tls }

// cmdStartTLS switches to TLS. Whatever the client sent behind the command is thrown away, as it must
// be (RFC 9051 section 6.2.1): the reader waits meanwhile.
func (s *Session) cmdStartTLS(args *arguments) imap.Status {
	if e := args.end(); e != nil {
		return *e
	}
	if !s.canStartTLS() {
		return bad("STARTTLS is not available")
	}
	s.answer(ok("Begin TLS negotiation now"))
	s.flush()
	if !s.out.flush() {
		return none
	}
	conn := tls.Server(s.connection(), s.server.cert.server())
	if err := conn.Handshake(); err != nil {
		s.Cut()
		return none
	}
	s.tls = true
	s.change(func() { s.conn = conn })
	s.out.set(func() { s.out.conn = conn })
	s.framer.Reset(conn)
	return none
}

// cmdLogin is LOGIN (RFC 9051 section 6.2.3).
func (s *Session) cmdLogin(args *arguments) imap.Status {
	name, password := args.astring(), args.astring()
	if e := args.end(); e != nil {
		return *e
	}
	if s.loginDisabled() {
		return no(imap.CodePrivacyRequired, "LOGIN is disabled without TLS")
	}
	return s.login(name, password)
}

func (s *Session) login(name, password string) imap.Status {
	user := s.server.user(name)
	if user == nil || !user.checkPassword(password) {
		return no(imap.CodeAuthenticationFailed, "Authentication failed")
	}
	s.change(func() { s.user, s.state = user, Authenticated })
	status := ok("Logged in")
	if !s.server.opts.QuietCapabilities {
		status.Code = s.capabilityCode()
	}
	return status
}

// cmdAuthenticate is AUTHENTICATE PLAIN (RFC 4616), with or without an initial response (RFC 4959).
func (s *Session) cmdAuthenticate(args *arguments) imap.Status {
	mechanism := args.atom()
	initial, hasInitial := "", args.more()
	if hasInitial {
		initial = args.atom()
	}
	if e := args.end(); e != nil {
		return *e
	}
	switch {
	case hasInitial && !s.can(imap.CapSASLIR):
		return bad("SASL-IR is not supported")
	case !strings.EqualFold(mechanism, "PLAIN") || !s.capabilities().HasAuth("PLAIN"):
		return no(imap.CodeCannot, "Unsupported authentication mechanism")
	}
	if !hasInitial {
		s.send(&imap.Continuation{})
		var alive bool
		if initial, alive = s.nextLine(); !alive {
			return none
		}
	}
	if initial == "*" {
		return bad("AUTHENTICATE was cancelled")
	}
	data, err := base64.StdEncoding.DecodeString(initial)
	if err != nil {
		return bad("Invalid base64")
	}
	return s.plain(string(data))
}

// plain checks "authzid NUL authcid NUL password".
func (s *Session) plain(message string) imap.Status {
	parts := strings.Split(message, "\x00")
	if len(parts) != 3 {
		return no(imap.CodeAuthenticationFailed, "Invalid PLAIN message")
	}
	if parts[0] != "" && parts[0] != parts[1] {
		return no(imap.CodeAuthorizationFailed, "Can't act as another user")
	}
	return s.login(parts[1], parts[2])
}
