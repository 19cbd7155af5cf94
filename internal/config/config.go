package config

import (
	"log/slog"
	"time"

	"github.com/pushmail/pushmail/internal/secret"
)

// Config is a whole configuration, checked, with defaults filled in and relative paths made absolute. It must not be
// changed.
type Config struct {
	// File is the file that was read.
	File string `toml:"-"`
	// State is the directory of the journal.
	State string `toml:"state"`
	// Include are patterns of further files with accounts, sinks and routes.
	Include []string `toml:"include"`
	Log     Log      `toml:"log"`
	Journal Journal  `toml:"journal"`
	Secrets Secrets  `toml:"secrets"`
	API     API      `toml:"api"`
	Limits  Limits   `toml:"limits"`
	// Defaults hold for accounts that say nothing else. They are in Accounts already; accounts that are added while
	// pushmail runs need them.
	Defaults Settings  `toml:"defaults"`
	Accounts []Account `toml:"account"`
	Sinks    []Sink    `toml:"sink"`
	// Routes say which events go to which sinks. Without any, all events go to all sinks.
	Routes []Route `toml:"route"`
}

// Log says what is logged to standard error.
type Log struct {
	Level slog.Level `toml:"level"`
	// Format is "text" or "json".
	Format string `toml:"format"`
}

// Journal says how long events are kept.
type Journal struct {
	// Retain is how long an event is kept at least. Zero is for ever.
	Retain time.Duration `toml:"retain"`
	// MaxSize is how large the database may become before the oldest events go, even if they are younger than Retain. What a
	// sink has not had stays. Zero is no limit.
	MaxSize Size `toml:"max_size"`
}

// Limits spare mail servers.
type Limits struct {
	// LoginsPerSecond is how many connections are begun per second with one host, once LoginBurst were begun at once. Zero is no
	// limit.
	LoginsPerSecond int `toml:"logins_per_second"`
	LoginBurst      int `toml:"login_burst"`
}

// Secrets says what seals credentials in the database.
type Secrets struct {
	// Key refers to the key that seals. The zero Ref means that accounts with credentials cannot be added by the API.
	Key secret.Ref `toml:"key"`
	// OldKeys refer to keys that still open what they sealed.
	OldKeys []secret.Ref `toml:"old_keys"`
}

// API says where the HTTP API and the dashboard listen.
type API struct {
	// Listen is HOST:PORT. Empty means that there is no API.
	Listen string  `toml:"listen"`
	Tokens []Token `toml:"tokens"`
	// TLSCert and TLSKey are the files of a certificate and its key, in PEM. Both or neither are given.
	TLSCert string `toml:"tls_cert"`
	TLSKey  string `toml:"tls_key"`
	// Hosts are the names, without ports, under which the API may be asked, besides the host of Listen, localhost and loopback
	// addresses.
	Hosts []string `toml:"hosts"`
}

// Token is one who may use the API.
type Token struct {
	// Name is what the log says of who it was.
	Name   string     `toml:"name"`
	Token  secret.Ref `toml:"token"`
	Scopes []Scope    `toml:"scopes"`
}

// Scope is what a Token allows.
type Scope string

// The scopes; each is on its own.
const (
	Read  Scope = "read"  // look at everything but secrets
	Write Scope = "write" // pause, resume and replay; drop dead letters
	Admin Scope = "admin" // add, change and remove accounts, reload
)

// Route sends events to sinks.
type Route struct {
	// Where is an expression that is true for the events that are meant. Empty means all.
	Where string `toml:"where"`
	// To are the names of sinks.
	To []string `toml:"to"`
	// Place is where the route is written, for messages.
	Place Place `toml:"-"`
}
