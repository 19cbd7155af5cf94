package main

import (
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/provider"
)

// facts are what the doctor saw. A part that is nil was not come to. With --json they are printed
// as they are; people get what judge makes of them.
type facts struct {
	Connection *connectionFacts `json:"connection,omitempty"`
	Login      *loginFacts      `json:"login,omitempty"`
	Server     *serverFacts     `json:"server,omitempty"`
	Provider   *providerFacts   `json:"provider,omitempty"`
	Names      *namesFacts      `json:"mailboxes,omitempty"`
	Mailbox    *mailboxFacts    `json:"mailbox,omitempty"`
	Push       *pushFacts       `json:"push,omitempty"`
	Limits     *limitFacts      `json:"limits,omitempty"`
	Message    *messageFacts    `json:"test_message,omitempty"`
	Idle       *idleFacts       `json:"idle,omitempty"`
	Failure    *failureFacts    `json:"failure,omitempty"`

	provider *provider.Provider // nil if nothing is known
}

// milliseconds is a duration as JSON has it.
type milliseconds float64

func inMilliseconds(d time.Duration) milliseconds {
	return milliseconds(float64(d.Microseconds()) / 1000)
}

func (m milliseconds) duration() time.Duration {
	return time.Duration(float64(m) * float64(time.Millisecond))
}

type connectionFacts struct {
	Address      string       `json:"address"` // IP address and port
	Security     string       `json:"security"`
	Loopback     bool         `json:"loopback"`
	Took         milliseconds `json:"took_ms"`
	TLS          *tlsFacts    `json:"tls,omitempty"`
	Greeting     string       `json:"greeting"`
	Preauth      bool         `json:"preauth,omitempty"`
	Capabilities []string     `json:"capabilities"` // before login
}

type tlsFacts struct {
	Version    string    `json:"version"`
	Cipher     string    `json:"cipher"`
	Names      []string  `json:"names"`
	Issuer     string    `json:"issuer"`
	NotAfter   time.Time `json:"not_after"`
	SelfSigned bool      `json:"self_signed"`
}

type loginFacts struct {
	// Tried are the mechanisms in the order they were tried; the last is the one that worked.
	Tried []string `json:"tried"`
	// Possible are those that both sides can, the best first.
	Possible []string `json:"possible"`
	// Offered are the SASL mechanisms of the server.
	Offered []string     `json:"offered"`
	Took    milliseconds `json:"took_ms"`
}

type serverFacts struct {
	ID           map[string]string `json:"id,omitempty"`
	Capabilities []string          `json:"capabilities"` // after login
	RoundTrip    milliseconds      `json:"round_trip_ms"`

	caps imap.Capabilities
}

func (s *serverFacts) has(c imap.Capability) bool { return s != nil && s.caps.Has(c) }

type namesFacts struct {
	Count int `json:"count"` // that can be opened
	// Chosen is how many of them --mailbox and --exclude choose; all without them.
	Chosen      int               `json:"chosen"`
	InboxChosen bool              `json:"inbox_chosen"`
	Delimiter   string            `json:"delimiter,omitempty"`
	Personal    []string          `json:"personal"` // prefixes
	Other       []string          `json:"other_users,omitempty"`
	Shared      []string          `json:"shared,omitempty"`
	SpecialUse  map[string]string `json:"special_use,omitempty"` // \Sent and its like: the mailbox
	Guessed     bool              `json:"special_use_guessed,omitempty"`
	Refused     string            `json:"refused,omitempty"` // what the server said to LIST

	connections int  // --max-connections, 0 if it was not given
	chosen      bool // --mailbox was given
}

type mailboxFacts struct {
	Name          string `json:"name"`
	Messages      uint32 `json:"messages"`
	UIDValidity   uint32 `json:"uidvalidity"`
	UIDNext       uint32 `json:"uidnext"`
	HighestModSeq uint64 `json:"highestmodseq,omitempty"`
	NoModSeq      bool   `json:"nomodseq,omitempty"`
	UIDNotSticky  bool   `json:"uidnotsticky,omitempty"`
	// QResync says that the server has enabled QRESYNC.
	QResync bool `json:"qresync_enabled,omitempty"`
}

type pushFacts struct {
	Notify bool `json:"notify"`
	Idle   bool `json:"idle"` // offered
	// IdleMasked: it is known not to work there, so it is not used.
	IdleMasked bool `json:"idle_masked,omitempty"`
	// Idles says that the server went into IDLE when asked.
	Idles bool         `json:"idle_works"`
	Took  milliseconds `json:"idle_took_ms,omitempty"`
}

type limitFacts struct {
	AppendLimit  uint64       `json:"append_limit,omitempty"`  // bytes of one message
	MessageLimit uint64       `json:"message_limit,omitempty"` // messages in one command
	Quotas       []quotaFacts `json:"quotas,omitempty"`
}

type quotaFacts struct {
	Root     string `json:"root"`
	Resource string `json:"resource"`
	Usage    int64  `json:"usage"`
	Limit    int64  `json:"limit"`
}

type failureFacts struct {
	Stage    string `json:"stage"` // connect, login, mailbox …
	Text     string `json:"text"`
	ExitCode int    `json:"exit_code"`

	fix string
}
