package watch

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/provider"
)

// Options are the settings of [Mailbox]. Client.Addr and Login are needed, the rest has defaults.
type Options struct {
	// Account is the name of the account in events and in the Store. Empty means the host of
	// Client.Addr.
	Account string
	// User is the user name for the source of events, "imap://USER@HOST/MAILBOX"; may be empty.
	User string
	// Mailbox is the mailbox to watch. Empty means INBOX. It is opened read-only: watching changes nothing.
	Mailbox string

	// Client says how to connect. Its Handler and Observer are replaced.
	Client imapclient.Options
	// Login authenticates a new connection; it is called on each connect, so that it can bring fresh
	// credentials. Not needed if the server greets with PREAUTH.
	Login func(ctx context.Context, c *imapclient.Conn) error
	// Dial replaces imapclient.Dial, for pipes and tests.
	Dial func(ctx context.Context, o *imapclient.Options) (*imapclient.Conn, error)

	// Store keeps the checkpoint. Nil means a memory that ends with the sequence.
	Store Store
	// Since has messages that arrived then or later (by INTERNALDATE) reported as new when a mailbox is watched for
	// the first time, that is, without a checkpoint. Zero reports none that is there already; [Everything]
	// reports all.
	Since time.Time
	// Content is what events tell of a message.
	Content Content
	// Own has the application's own changes be marked in events. It may be nil.
	Own *Own
	// KeepTrying has a failure before the mailbox was opened for the first time retried for ever, like
	// any later one. Otherwise the sequence ends with it, so that a wrong password or host name is noticed.
	KeepTrying bool

	// Provider is what is known of the server. Nil has it looked up by the name of the host, by what the server says to
	// ID, and by its capabilities: see provider.Lookup. What Client says of IdleRestart and PollInterval wins.
	Provider *provider.Provider
	// Providers is the table to look it up in. Nil means provider.Standard().
	Providers provider.Table
	// Hosts has the limit of logins, and what was learned of servers while they were watched: a connection that died of
	// silence has IDLE begun anew sooner, on all connections to that host. Nil is shared by the whole process.
	Hosts *Hosts
	// DeadPeer bounds how long a peer that is gone without a word stays unnoticed where the system's TCP can tell, by
	// keepalive and TCP_USER_TIMEOUT. Zero means 1 minute; negative leaves it to Client, which wins where it says
	// something. It tells nothing of a server that hangs, or is behind a proxy: such a one is noticed 30 seconds after
	// IDLE was to be begun anew (each 9 minutes, see Provider), or where it says something in IDLE by
	// itself regularly, 30 seconds after it has not for 1.5 periods.
	DeadPeer time.Duration

	// SessionLife is how long a session lasts at most, as far as that is known: shortly before, another connection takes over,
	// which is compared with the checkpoint before the old one is left; no event tells of it. Where the connection
	// budget has no room for both the old one is closed first. Zero means what Provider says, negative never.
	SessionLife time.Duration

	// VerifyInterval is the time between two truth checks that do not depend on the push. Zero means
	// 10 minutes, negative never. They find changed flags, too: by HIGHESTMODSEQ, or, on a mailbox without mod-sequences
	// where the server does not push or was found deaf, by comparing all flags, once an hour (less often beyond 25,000 messages).
	VerifyInterval time.Duration
	// StaleAfter is how long a mailbox may go unverified before it is reported as stale. Zero means
	// three times VerifyInterval, or 30 minutes.
	StaleAfter time.Duration
	// Remember bounds how many summaries of messages seen are kept, so that an expunge can say what is
	// gone: in memory, and, each 5 minutes and at the end, in the Store. Zero means 1,000, negative none.
	Remember int
	// Backoff is the pause after the first failed attempt to connect, before jitter; it doubles with
	// each further one up to MaxBackoff. Zero means 1 second and 5 minutes. A refused password waits
	// at least 5 minutes, then twice as long each time, up to an hour. A pause that the server asks for is kept.
	Backoff, MaxBackoff time.Duration

	// ClientID is what the server is told by ID (RFC 2971). Nil means the name "pushmail".
	ClientID []imap.Attribute
	// Logger gets what happens to the connection. Nil is silent. Passwords and contents of mail are
	// never logged.
	Logger *slog.Logger

	// budget is that of the account, nil for a mailbox on its own.
	budget *budget
	// pushed is told of news that the server tells by itself; nil is nobody.
	pushed func()
	// memory bounds what many mailboxes remember together; nil does not.
	memory *memory
}

func (o Options) resolved() (Options, error) {
	if o.Client.Addr == "" && o.Dial == nil {
		return o, errors.New("watch: Options.Client.Addr is empty")
	}
	o.Mailbox = cmp.Or(o.Mailbox, "INBOX")
	o.Account = cmp.Or(o.Account, o.host())
	o.VerifyInterval = cmp.Or(o.VerifyInterval, 10*time.Minute)
	if o.VerifyInterval > 0 {
		o.StaleAfter = cmp.Or(o.StaleAfter, 3*o.VerifyInterval)
	}
	o.StaleAfter = cmp.Or(o.StaleAfter, 30*time.Minute)
	o.Remember = cmp.Or(o.Remember, 1000)
	o.DeadPeer = cmp.Or(o.DeadPeer, time.Minute)
	o.Hosts = cmp.Or(o.Hosts, &processHosts)
	o.Backoff = cmp.Or(o.Backoff, time.Second)
	o.MaxBackoff = cmp.Or(o.MaxBackoff, 5*time.Minute)
	if o.Store == nil {
		o.Store = &MemoryStore{}
	}
	if o.Dial == nil {
		o.Dial = imapclient.Dial
	}
	if o.ClientID == nil {
		o.ClientID = defaultID
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

// host is the host name of the server.
func (o *Options) host() string {
	if host, _, err := net.SplitHostPort(o.Client.Addr); err == nil {
		return host
	}
	return o.Client.Addr
}

// pollInterval is how often a server is asked that does not push.
func (o *Options) pollInterval() time.Duration {
	return cmp.Or(o.Client.PollInterval, o.service(nil, nil).PollInterval)
}
