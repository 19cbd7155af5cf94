package imaptest

import (
	"slices"
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// greet says hello. It reports false when the session cannot go on.
func (s *Session) greet() bool {
	status := &imap.Status{Kind: imap.OK, Text: s.server.opts.Greeting}
	if status.Text == "" {
		status.Text = "imaptest ready"
	}
	if name := s.server.opts.PreAuth; name != "" {
		user := s.server.user(name)
		if user == nil {
			s.send(&imap.Status{Kind: imap.BYE, Text: "No such user"})
			s.flush()
			return false
		}
		status.Kind = imap.PREAUTH
		s.change(func() { s.user, s.state = user, Authenticated })
	}
	if !s.server.opts.QuietCapabilities {
		status.Code = s.capabilityCode()
	}
	s.send(status)
	s.flush()
	return true
}

// capabilities are what the server can do for this session now.
func (s *Session) capabilities() imap.Capabilities {
	caps := slices.Clone(s.server.caps)
	if s.State() != NotAuthenticated {
		return caps
	}
	if s.canStartTLS() {
		caps = append(caps, imap.CapStartTLS)
	}
	if s.loginDisabled() {
		return append(caps, imap.CapLoginDisabled)
	}
	if len(caps.Auth()) == 0 {
		caps = append(caps, "AUTH=PLAIN")
	}
	return caps
}

func (s *Session) capabilityCode() *imap.Code {
	caps := s.capabilities()
	return &imap.Code{Name: imap.CodeCapability, Caps: caps}
}

func (s *Session) cmdCapability(args *arguments) imap.Status {
	if e := args.end(); e != nil {
		return *e
	}
	s.send(imap.CapabilityData(s.capabilities()))
	return ok("CAPABILITY completed")
}

func (s *Session) cmdNoop(args *arguments) imap.Status {
	if e := args.end(); e != nil {
		return *e
	}
	return ok("NOOP completed")
}

func (s *Session) cmdCheck(args *arguments) imap.Status {
	if e := args.end(); e != nil {
		return *e
	}
	return ok("CHECK completed")
}

func (s *Session) cmdLogout(args *arguments) imap.Status {
	if e := args.end(); e != nil {
		return *e
	}
	s.send(&imap.Status{Kind: imap.BYE, Text: "Logging out"})
	s.leave()
	s.change(func() { s.state = LoggedOut })
	return ok("LOGOUT completed")
}

// cmdID answers with the server's name (RFC 2971). What the client says of itself is not kept.
func (s *Session) cmdID(args *arguments) imap.Status {
	if args.peekList() {
		if len(args.list())%2 != 0 {
			return bad("A field without a value")
		}
	} else if !args.next().Is("NIL") {
		args.fail("Expected a list or NIL")
	}
	if e := args.end(); e != nil {
		return *e
	}
	s.send(&imap.ID{Pairs: []imap.Attribute{{Name: "name", Value: "imaptest"}}})
	return ok("ID completed")
}

// cmdEnable switches extensions on (RFC 5161). What is not known is not named in the answer.
func (s *Session) cmdEnable(args *arguments) imap.Status {
	var enabled imap.Enabled
	for first := true; first || args.more(); first = false {
		switch c := imap.Capability(strings.ToUpper(args.atom())); {
		case c == imap.CapCondStore && s.can(c):
			enabled = append(enabled, c)
		case c == imap.CapQResync && s.can(c):
			s.qresync = true
			enabled = append(enabled, c)
		}
	}
	if e := args.end(); e != nil {
		return *e
	}
	s.send(enabled)
	if len(enabled) > 0 {
		s.enableCondStore()
	}
	return ok("ENABLE completed")
}

// enableCondStore notes a CONDSTORE enabling command. RFC 7162 section 3.1: the first one while a
// mailbox is selected makes the server say its HIGHESTMODSEQ.
func (s *Session) enableCondStore() {
	if s.condStore {
		return
	}
	s.condStore = true
	if s.view != nil {
		s.sendHighest(s.view.modSeq)
	}
}

func (s *Session) cmdNamespace(args *arguments) imap.Status {
	if e := args.end(); e != nil {
		return *e
	}
	s.send(&imap.Namespaces{Personal: []imap.Namespace{{Delim: delim}}})
	return ok("NAMESPACE completed")
}

func numCode(name imap.CodeName, n uint64) *imap.Code {
	return &imap.Code{Name: name, Num: n}
}
