package config

import (
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapauth"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/internal/secret"
)

// Account is one mail account to watch.
type Account struct {
	// Name is how events call it; no two accounts have the same. It is USER@HOST of URL if the file gives none.
	Name string `toml:"name"`
	// URL has host, port, user and how to encrypt, and no password. Its Mailbox is in Mailboxes.
	URL *imapclient.URL `toml:"url"`
	Settings
}

// Settings are what accounts and [Config.Defaults] can say.
type Settings struct {
	// At most one of Password, Token and OAuth is given.
	Password secret.Ref `toml:"password"`
	// Token refers to an OAuth 2.0 access token. It is fetched at each login, and again if it is refused.
	Token secret.Ref `toml:"token"`
	// OAuth has access tokens fetched. Nil does not.
	OAuth *OAuth `toml:"oauth"`
	*Common
}

// Common are the settings that many accounts have in common. Those that are equal exist once, so that ten thousand accounts do not
// take half a kilobyte each.
type Common struct {
	// Auth are the only mechanisms to log in by, in this order. Nil chooses.
	Auth []imapauth.Mechanism `toml:"auth"`
	// Identity is whose mailboxes are opened, if not those of the user of the URL.
	Identity string `toml:"identity"`

	// Mailboxes are what is watched: names, patterns with * and %, and special-use attributes such as \Sent. Nil means
	// INBOX, unless AllMailboxes.
	Mailboxes []string `toml:"mailboxes"`
	// Exclude are patterns of mailboxes that are left out.
	Exclude      []string `toml:"exclude"`
	AllMailboxes bool     `toml:"all_mailboxes"`
	// Hot are mailboxes that get a connection of their own where the server has no NOTIFY. Nil means INBOX.
	Hot []string `toml:"hot"`
	// MaxConnections is how many connections the account may have. Zero lets the watcher decide.
	MaxConnections int `toml:"max_connections"`
	// From says which messages are new when a mailbox is watched for the first time.
	From From `toml:"from"`

	// What events tell of a message, as watch.Content has it.
	Brief   bool     `toml:"brief"`
	Headers []string `toml:"headers"`
	Preview bool     `toml:"preview"`
	Text    Size     `toml:"text"`

	// Proxy is the URL of a proxy, without a password, or "env". Empty means none.
	Proxy         string     `toml:"proxy"`
	ProxyPassword secret.Ref `toml:"proxy_password"`
	// Pins are the keys of which the server must have one.
	Pins []imapclient.Pin `toml:"pin"`
	// CAFile, ClientCert and ClientKey are files in PEM. ClientKey is ClientCert if that file has both.
	CAFile     string `toml:"ca_file"`
	ClientCert string `toml:"client_cert"`
	ClientKey  string `toml:"client_key"`
	// InsecurePlaintext allows imap:// without TLS.
	InsecurePlaintext bool              `toml:"insecure_plaintext"`
	MaskCapabilities  []imap.Capability `toml:"mask_capabilities"`

	// Times as watch.Options and imapclient.Options have them. Zero means their default.
	VerifyInterval time.Duration `toml:"verify_interval"`
	StaleAfter     time.Duration `toml:"stale_after"`
	SweepInterval  time.Duration `toml:"sweep_interval"`
	IdleRestart    time.Duration `toml:"idle_restart"`
	ConnectTimeout time.Duration `toml:"connect_timeout"`
}

// OAuth says how to get access tokens.
type OAuth struct {
	// Provider is the id of a row of package provider that has TokenURL and Scopes; "" if they are given. They are filled
	// in from it.
	Provider string `toml:"provider"`
	// Tenant stands for {tenant} in the provider's URLs.
	Tenant       string     `toml:"tenant"`
	TokenURL     string     `toml:"token_url"`
	ClientID     string     `toml:"client_id"`
	ClientSecret secret.Ref `toml:"client_secret"`
	// RefreshToken has tokens fetched for a user (RFC 6749 section 6); the zero Ref for the program itself, by its
	// ClientSecret (section 4.4).
	RefreshToken secret.Ref `toml:"refresh_token"`
	Scopes       []string   `toml:"scopes"`
}
