package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/internal/tlsfiles"
	"github.com/pushmail/pushmail/provider"
)

// connFlags are the flags of every command that connects to a server.
type connFlags struct {
	passwordFile    string
	passwordCommand string
	oauth           bool
	tokenCommand    string
	auth            []string
	identity        string
	proxy           string
	pins            []string
	clientCert      string
	clientKey       string
	caFile          string
	plaintext       bool
	connectTimeout  time.Duration
	masked          []string
	protocolLog     string
	timestamps      bool
	logLevel        string
	verbose         bool
	providers       string
}

func (f *connFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.passwordFile, "password-file", "", "read the password from the first line of `FILE`, - for standard input")
	fs.StringVar(&f.passwordCommand, "password-command", "", "take the password from what `CMD` prints (pushmail help passwords)")
	fs.BoolVar(&f.oauth, "oauth", false, "what is given as the password is an OAuth 2.0 access token (OAUTHBEARER, XOAUTH2)")
	fs.StringVar(&f.tokenCommand, "token-command", "", "take an OAuth 2.0 access token from what `CMD` prints; run on each connect, and again if the token is refused")
	fs.StringArrayVar(&f.auth, "auth", nil, "log in by this `MECHANISM` only, such as SCRAM-SHA-256 (repeatable: in this order)")
	fs.StringVar(&f.identity, "identity", "", "open the mailboxes of `USER` instead of those of who logs in")
	fs.StringVar(&f.proxy, "proxy", "", "connect through this proxy: socks5://, http:// or https:// `URL`; env takes it from the environment")
	fs.StringArrayVar(&f.pins, "pin", nil, "accept only a server with this public key: sha256/BASE64 as `PIN` (repeatable)")
	fs.StringVar(&f.clientCert, "client-cert", "", "show the server the certificate in `FILE` (PEM), and log in by it if no password is given")
	fs.StringVar(&f.clientKey, "client-key", "", "its private key in `FILE` (default: the same file)")
	fs.StringVar(&f.caFile, "ca-file", "", "trust the certificates in `FILE` (PEM), besides those the system trusts")
	fs.BoolVar(&f.plaintext, "plaintext", false, "with imap:// do not encrypt: anyone on the way can read password and mail")
	fs.DurationVar(&f.connectTimeout, "connect-timeout", 20*time.Second, "how long the server may take to answer at first")
	fs.StringArrayVar(&f.masked, "mask-capability", nil, "do not use this `CAPABILITY` of the server, where it is broken (repeatable)")
	fs.StringVar(&f.providers, "providers", "", "what is known of mail services, in `FILE` (JSON), on top of what is built in: see docs/providers.md")
	fs.StringVar(&f.protocolLog, "protocol-log", "", "append what client and server say to `FILE`, without the password; - for standard error")
	fs.BoolVar(&f.timestamps, "protocol-log-timestamps", false, "put the time before each line of the protocol log")
	fs.StringVar(&f.logLevel, "log-level", "warn", "what to log on standard error: debug, info, warn or error")
	fs.BoolVarP(&f.verbose, "verbose", "v", false, "the same as --log-level info")
}

// connection says how to reach a mailbox.
type connection struct {
	url     *imapclient.URL
	mailbox string
	client  imapclient.Options
	login   func(context.Context, *imapclient.Conn) error
	logger  *slog.Logger
	closers []io.Closer
	// certificateAlone: the login is by a client certificate, without a password.
	certificateAlone bool
	// providers is what is known of mail services.
	providers provider.Table
}

// close closes the protocol log.
func (c *connection) close() {
	for _, closer := range c.closers {
		_ = closer.Close()
	}
}

// host is the name of the server without its port.
func (c *connection) host() string {
	if host, _, err := net.SplitHostPort(c.url.Addr); err == nil {
		return host
	}
	return c.url.Addr
}

// account is the default name of the account: "jo@mail.example.org", with the port if it is unusual.
func (c *connection) account() string {
	host, port, err := net.SplitHostPort(c.url.Addr)
	if err != nil || port == "" || port == "993" || port == "143" {
		return c.url.User + "@" + c.host()
	}
	return c.url.User + "@" + net.JoinHostPort(host, port)
}

// resolve makes a connection of the flags and a URL. It may ask for the password.
func (f *connFlags) resolve(a *app, rawURL string) (c *connection, err error) {
	c = &connection{}
	if c.url, err = imapclient.ParseURL(rawURL); err != nil {
		return nil, usageError{err}
	}
	if c.url.User == "" {
		return nil, usageError{errors.New("the URL names no user: want " + schemeOf(c.url) + "://USER@" + clean(c.url.Addr) + "/MAILBOX")}
	}
	c.mailbox = cmp.Or(c.url.Mailbox, "INBOX")
	c.client = *c.url.Options()
	if c.client.Security, err = f.security(c.url); err != nil {
		return nil, err
	}
	if f.connectTimeout <= 0 {
		return nil, usageError{errors.New("--connect-timeout must be more than 0")}
	}
	c.client.DialTimeout, c.client.TLSTimeout, c.client.GreetingTimeout = f.connectTimeout, f.connectTimeout, f.connectTimeout
	for _, name := range f.masked {
		c.client.MaskCapabilities = append(c.client.MaskCapabilities, imap.Capability(strings.ToUpper(name)))
	}
	if c.client.TLSConfig, err = f.tlsConfig(); err != nil {
		return nil, err
	}
	if err := f.route(&c.client); err != nil {
		return nil, err
	}
	if c.logger, err = f.logger(a.err); err != nil {
		return nil, err
	}
	c.certificateAlone = f.certificateAlone(a, c.url)
	if c.providers, err = f.providerTable(); err != nil {
		return nil, err
	}
	if c.login, err = f.loginFrom(a, c.url); err != nil {
		return nil, err
	}
	return c, f.openTrace(a, c)
}

// providerTable is the standard table, with what --providers says.
func (f *connFlags) providerTable() (provider.Table, error) {
	standard := provider.Standard()
	if f.providers == "" {
		return standard, nil
	}
	file, err := os.Open(f.providers)
	if err != nil {
		return nil, usageError{fmt.Errorf("--providers: %w", err)}
	}
	defer file.Close()
	table, err := standard.Extend(file)
	if err != nil {
		return nil, usageError{fmt.Errorf("--providers %s: %w", clean(f.providers), err)}
	}
	return table, nil
}

// usesToken reports whether the login is by an access token.
func (f *connFlags) usesToken() bool { return f.oauth || f.tokenCommand != "" }

func schemeOf(u *imapclient.URL) string {
	scheme, _, _ := strings.Cut(u.String(), ":")
	return scheme
}

func (f *connFlags) security(u *imapclient.URL) (imapclient.Security, error) {
	if !f.plaintext {
		return u.Security, nil
	}
	if u.Security == imapclient.ImplicitTLS {
		return 0, usageError{errors.New("--plaintext contradicts imaps://, which is encrypted: leave out one, or write imap://")}
	}
	return imapclient.InsecurePlaintext, nil
}

// route sets the proxy and the pins.
func (f *connFlags) route(o *imapclient.Options) (err error) {
	switch f.proxy {
	case "":
	case "env":
		o.Proxy = imapclient.ProxyFromEnvironment()
	default:
		if o.Proxy, err = imapclient.ParseProxy(f.proxy); err != nil {
			return usageError{fmt.Errorf("--proxy: %w", err)}
		}
	}
	for _, text := range f.pins {
		pin, err := imapclient.ParsePin(text)
		if err != nil {
			return usageError{fmt.Errorf("--pin: %w", err)}
		}
		o.Pins = append(o.Pins, pin)
	}
	return nil
}

// tlsConfig returns nil without --ca-file and --client-cert.
func (f *connFlags) tlsConfig() (*tls.Config, error) {
	if f.clientKey != "" && f.clientCert == "" {
		return nil, usageError{errors.New("--client-key needs --client-cert FILE")}
	}
	cfg, err := tlsfiles.Load(tlsfiles.Files{CA: f.caFile, Cert: f.clientCert, Key: f.clientKey})
	var wrong *tlsfiles.Error
	switch {
	case !errors.As(err, &wrong):
		return cfg, err
	case wrong.Which == tlsfiles.CA:
		return nil, usageError{fmt.Errorf("--ca-file: %w", err)}
	}
	return nil, usageError{fmt.Errorf("--client-cert: %w", err)}
}

func (f *connFlags) logger(w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.logLevel)); err != nil {
		return nil, usageError{fmt.Errorf("--log-level %s: want debug, info, warn or error", clean(f.logLevel))}
	}
	if f.verbose {
		level = min(level, slog.LevelInfo)
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level})), nil
}

// openTrace opens the protocol log.
func (f *connFlags) openTrace(a *app, c *connection) error {
	switch f.protocolLog {
	case "":
		if f.timestamps {
			return usageError{errors.New("--protocol-log-timestamps needs --protocol-log FILE")}
		}
		return nil
	case "-":
		c.client.Trace = &imapclient.Trace{W: printable{a.err}, Timestamps: f.timestamps}
		return nil
	}
	// It has the texts of mails: for its owner alone.
	file, err := os.OpenFile(f.protocolLog, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return usageError{fmt.Errorf("--protocol-log: %w", err)}
	}
	c.closers = append(c.closers, file)
	c.client.Trace = &imapclient.Trace{W: file, Timestamps: f.timestamps}
	return nil
}

// printable keeps what a server or a sender wrote from steering the terminal.
type printable struct{ w io.Writer }

func (p printable) Write(text []byte) (int, error) {
	lines := strings.Split(string(text), "\n")
	for i := range lines {
		lines[i] = imap.Printable(lines[i])
	}
	if _, err := io.WriteString(p.w, strings.Join(lines, "\n")); err != nil {
		return 0, err
	}
	return len(text), nil
}
