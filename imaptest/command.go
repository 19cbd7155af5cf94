package imaptest

import (
	"math"
	"strings"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// handler runs one command and returns its tagged answer.
type handler struct {
	run func(*Session, *arguments) imap.Status
	// states are those in which the command is allowed.
	states []State
	// needs is a capability without which the command is unknown.
	needs imap.Capability
	// updates says what of the mailbox may be told before the tagged answer.
	updates updatePolicy
}

// updatePolicy says which updates a command's answer can carry.
type updatePolicy uint8

const (
	noUpdates updatePolicy = iota
	// noExpunges: RFC 9051 section 7.5.1: EXPUNGE must not be sent while answering FETCH, STORE or
	// SEARCH, which would make their sequence numbers ambiguous.
	noExpunges
	allUpdates
)

var (
	anyState      = []State{NotAuthenticated, Authenticated, Selected}
	beforeLogin   = []State{NotAuthenticated}
	afterLogin    = []State{Authenticated, Selected}
	whileSelected = []State{Selected}
)

var handlers map[string]handler

func init() {
	handlers = map[string]handler{
		"CAPABILITY": {run: (*Session).cmdCapability, states: anyState, updates: allUpdates},
		"NOOP":       {run: (*Session).cmdNoop, states: anyState, updates: allUpdates},
		"LOGOUT":     {run: (*Session).cmdLogout, states: anyState},
		"ID":         {run: (*Session).cmdID, states: anyState, needs: imap.CapID, updates: allUpdates},

		"STARTTLS":     {run: (*Session).cmdStartTLS, states: beforeLogin},
		"LOGIN":        {run: (*Session).cmdLogin, states: beforeLogin},
		"AUTHENTICATE": {run: (*Session).cmdAuthenticate, states: beforeLogin},

		"ENABLE":      {run: (*Session).cmdEnable, states: afterLogin, needs: imap.CapEnable, updates: allUpdates},
		"SELECT":      {run: (*Session).cmdSelect, states: afterLogin},
		"EXAMINE":     {run: (*Session).cmdExamine, states: afterLogin},
		"CREATE":      {run: (*Session).cmdCreate, states: afterLogin, updates: allUpdates},
		"DELETE":      {run: (*Session).cmdDelete, states: afterLogin, updates: allUpdates},
		"RENAME":      {run: (*Session).cmdRename, states: afterLogin, updates: allUpdates},
		"SUBSCRIBE":   {run: (*Session).cmdSubscribe, states: afterLogin, updates: allUpdates},
		"UNSUBSCRIBE": {run: (*Session).cmdUnsubscribe, states: afterLogin, updates: allUpdates},
		"LIST":        {run: (*Session).cmdList, states: afterLogin, updates: allUpdates},
		"LSUB":        {run: (*Session).cmdLsub, states: afterLogin, updates: allUpdates},
		"NAMESPACE":   {run: (*Session).cmdNamespace, states: afterLogin, needs: imap.CapNamespace, updates: allUpdates},
		"STATUS":      {run: (*Session).cmdStatus, states: afterLogin, updates: allUpdates},
		"APPEND":      {run: (*Session).cmdAppend, states: afterLogin, updates: allUpdates},
		"IDLE":        {run: (*Session).cmdIdle, states: afterLogin, needs: imap.CapIdle},
		"NOTIFY":      {run: (*Session).cmdNotify, states: afterLogin, needs: imap.CapNotify, updates: allUpdates},

		"CHECK":       {run: (*Session).cmdCheck, states: whileSelected, updates: allUpdates},
		"CLOSE":       {run: (*Session).cmdClose, states: whileSelected},
		"UNSELECT":    {run: (*Session).cmdUnselect, states: whileSelected, needs: imap.CapUnselect},
		"EXPUNGE":     {run: (*Session).cmdExpunge, states: whileSelected, updates: allUpdates},
		"FETCH":       {run: (*Session).cmdFetch, states: whileSelected, updates: noExpunges},
		"STORE":       {run: (*Session).cmdStore, states: whileSelected, updates: noExpunges},
		"SEARCH":      {run: (*Session).cmdSearch, states: whileSelected, updates: noExpunges},
		"COPY":        {run: (*Session).cmdCopy, states: whileSelected, updates: allUpdates},
		"MOVE":        {run: (*Session).cmdMove, states: whileSelected, needs: imap.CapMove, updates: allUpdates},
		"UID EXPUNGE": {run: (*Session).cmdUIDExpunge, states: whileSelected, needs: imap.CapUIDPlus, updates: allUpdates},
		"UID FETCH":   {run: (*Session).cmdUIDFetch, states: whileSelected, updates: allUpdates},
		"UID STORE":   {run: (*Session).cmdUIDStore, states: whileSelected, updates: allUpdates},
		"UID SEARCH":  {run: (*Session).cmdUIDSearch, states: whileSelected, updates: allUpdates},
		"UID COPY":    {run: (*Session).cmdUIDCopy, states: whileSelected, updates: allUpdates},
		"UID MOVE":    {run: (*Session).cmdUIDMove, states: whileSelected, needs: imap.CapMove, updates: allUpdates},
	}
}

// The answers of handlers.

func ok(text string) imap.Status  { return imap.Status{Kind: imap.OK, Text: text} }
func bad(text string) imap.Status { return imap.Status{Kind: imap.BAD, Text: text} }

func okCode(code *imap.Code, text string) imap.Status {
	return imap.Status{Kind: imap.OK, Code: code, Text: text}
}

func no(code imap.CodeName, text string) imap.Status {
	s := imap.Status{Kind: imap.NO, Text: text}
	if code != "" {
		s.Code = &imap.Code{Name: code}
	}
	return s
}

// none is the answer of a command that answered by itself, or will.
var none = imap.Status{}

// command runs what is not part of another command.
func (s *Session) command(in input) {
	tag, name, args, err := imapwire.ParseCommand(imapwire.Frame{Data: in.line})
	if tag == "" {
		s.send(&imap.Status{Kind: imap.BAD, Text: "Invalid tag"})
		return
	}
	s.tag = tag
	s.change(func() { s.last = name })
	switch {
	case in.err != nil:
		s.answer(imap.Status{Kind: imap.NO, Code: &imap.Code{Name: imap.CodeTooBig}, Text: "Too big"})
		return
	case err != nil:
		s.answer(bad("Syntax error: " + syntaxReason(err)))
		return
	}
	s.decide(Command{s, tag, name, args}, func() { s.execute(name, args) })
}

// decide asks the hook what to do with a command.
func (s *Session) decide(c Command, run func()) {
	switch v := (*s.server.onCommand.Load())(c); v.kind {
	case verdictPass:
		run()
	case verdictRefuse:
		s.answer(v.status)
	case verdictDrop:
		s.Cut()
	case verdictReply:
		s.flush()
		s.out.write([]byte(strings.ReplaceAll(v.raw, "{tag}", c.Tag)))
	case verdictDelay:
		s.flush()
		select {
		case <-v.until:
			run()
		case <-s.stopped:
		case <-s.readEnd:
			s.stop("", true) // what comes behind must not overtake it
		}
	}
}

func (s *Session) execute(name string, args []imapwire.Arg) {
	h, found := handlers[name]
	if !found || h.needs != "" && !s.can(h.needs) {
		s.answer(bad("Unknown command"))
		return
	}
	if !allows(h.states, s.State()) {
		s.answer(bad("Not now: the session is " + s.State().String()))
		return
	}
	if n := s.maxNonSync(); longestNonSync(args) > n {
		s.answer(bad("Literal must wait for the server"))
		return
	}
	s.failed, s.policy = nil, h.updates
	status := h.run(s, &arguments{left: args})
	status = s.withHighest(status, s.sync(s.policy))
	if s.policy == allUpdates && s.server.deafIdle.Load() {
		s.tellOthers() // what a server that is deaf has held back
	}
	if s.failed != nil {
		status = no(imap.CodeServerBug, imap.Printable(s.failed.Error()))
	}
	s.answer(status)
}

// withHighest puts a HIGHESTMODSEQ into the answer of a command, or before it if there is no room.
func (s *Session) withHighest(status imap.Status, n imap.ModSeq) imap.Status {
	if n != 0 && status.Kind == imap.OK && status.Code == nil {
		status.Code = numCode(imap.CodeHighestModSeq, uint64(n))
	} else {
		s.sendHighest(n)
	}
	return status
}

// answer ends the running command.
func (s *Session) answer(status imap.Status) {
	if status.Kind != 0 {
		s.send(&imap.Tagged{Tag: s.tag, Status: status})
	}
}

func (s *Session) can(c imap.Capability) bool { return s.server.caps.Has(c) }

func allows(states []State, state State) bool {
	for _, s := range states {
		if s == state {
			return true
		}
	}
	return false
}

// maxNonSync is how long a literal can be that does not wait for "+", or -1 (RFC 7888).
func (s *Session) maxNonSync() int {
	switch {
	case s.can(imap.CapLiteralPlus):
		return math.MaxInt
	case s.can(imap.CapLiteralMinus):
		return 4096
	}
	return -1
}

// longestNonSync is the length of the longest literal that does not wait, or -1 without one.
func longestNonSync(args []imapwire.Arg) int {
	longest := -1
	for _, a := range args {
		if a.NonSync {
			longest = max(longest, len(a.Text))
		}
		longest = max(longest, longestNonSync(a.List))
	}
	return longest
}

func isStartTLS(line []byte) bool {
	_, rest, _ := strings.Cut(string(line[:min(len(line), 200)]), " ")
	return strings.EqualFold(rest, "STARTTLS")
}

// syntaxReason says what was wrong without quoting the command, which may hold a password.
func syntaxReason(err error) string {
	if syntax, ok := err.(*imapwire.SyntaxError); ok {
		return syntax.Reason
	}
	return "invalid"
}
