package imaptest

import (
	"time"

	"github.com/pushmail/pushmail/imap"
)

// ServerOptions configure a [Server]. The zero value works: every capability, no users.
type ServerOptions struct {
	// Capabilities are what the server announces and does; a command or argument that needs another
	// one is answered BAD. Nil means [DefaultCapabilities]. STARTTLS, LOGINDISABLED and AUTH=PLAIN
	// are announced by themselves when they apply.
	Capabilities imap.Capabilities
	// Without are capabilities to leave out of Capabilities.
	Without imap.Capabilities
	// Greeting is the text of the greeting. "" means a text of the server's own.
	Greeting string
	// QuietCapabilities: capabilities are neither in the greeting nor in the OK of LOGIN and
	// AUTHENTICATE, so that a client has to ask.
	QuietCapabilities bool
	// PreAuth, if set, is the user that every session is logged in as by its greeting (PREAUTH).
	PreAuth string
	// StartTLS: [Server.Listen] listens without TLS, and STARTTLS is there. A session without TLS
	// over [Server.ServeConn] has it too.
	StartTLS bool
	// Plain: [Server.Listen] listens without TLS, and there is no STARTTLS.
	Plain bool
	// LoginDisabled: LOGINDISABLED is announced, and LOGIN and AUTHENTICATE PLAIN are refused, while
	// there is no TLS. With TLS it has no effect.
	LoginDisabled bool
	// StillHere, if not 0, makes an idling session say "* OK Still here" that often.
	StillHere time.Duration
	// DeafIdle: nothing about mailboxes is sent while a session idles, or listens after NOTIFY; it comes with
	// the next command.
	DeafIdle bool
	// Chunked: every byte is a write of its own.
	Chunked bool
	// CutAfter, if not 0, cuts every connection after the server has sent that many bytes of it
	// (of plain text, below TLS records).
	CutAfter int64
	// MaxLiteral bounds a literal, such as a message in APPEND. Zero means 64 MiB.
	MaxLiteral int64
	// FirstUIDValidity is the UIDVALIDITY of the first mailbox; each later one gets the next number.
	// Zero means 1700000000.
	FirstUIDValidity uint32

	// OnCommand, if set, decides what happens with each command before it runs. It is called by the
	// session's goroutine and may block only that session; see [Command]. [Server.SetOnCommand]
	// changes it while the server runs.
	OnCommand func(Command) Verdict
	// OnSession, if set, is called with each new session before its greeting.
	OnSession func(*Session)
}

// DefaultCapabilities are what a [Server] announces unless told otherwise: all that it can, except for NOTIFY (RFC 5465),
// with which clients do all differently.
func DefaultCapabilities() imap.Capabilities {
	return imap.Capabilities{
		imap.CapIMAP4rev1, imap.CapLiteralPlus, imap.CapSASLIR, imap.CapID, imap.CapEnable, imap.CapIdle,
		imap.CapNamespace, imap.CapUIDPlus, imap.CapUnselect, "CHILDREN", imap.CapListExtended, imap.CapListStatus,
		imap.CapSpecialUse, imap.CapStatusSize, imap.CapCondStore, imap.CapQResync, imap.CapESearch,
		imap.CapMove, imap.CapObjectID,
	}
}
