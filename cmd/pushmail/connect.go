package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
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
	"github.com/pushmail/pushmail/imapauth"
	"github.com/pushmail/pushmail/imapclient"
)

// connFlags are the flags of every command that connects to a server.
type connFlags struct {
	passwordFile    string
	passwordCommand string
	oauth           bool
	caFile          string
	plaintext       bool
	connectTimeout  time.Duration
	masked          []string
	protocolLog     string
	timestamps      bool
	logLevel        string
	verbose         bool
}

func (f *connFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.passwordFile, "password-file", "", "read the password from the first line of `FILE`, - for standard input")
	fs.StringVar(&f.passwordCommand, "password-command", "", "take the password from what `CMD` prints (pushmail help passwords)")
	fs.BoolVar(&f.oauth, "oauth", false, "what is given as the password is an OAuth 2.0 access token (OAUTHBEARER, XOAUTH2)")
	fs.StringVar(&f.caFile, "ca-file", "", "trust the certificates in `FILE` (PEM), besides those the system trusts")
	fs.BoolVar(&f.plaintext, "plaintext", false, "with imap:// do not encrypt: anyone on the way can read password and mail")
	fs.DurationVar(&f.connectTimeout, "connect-timeout", 20*time.Second, "how long the server may take to answer at first")
	fs.StringArrayVar(&f.masked, "mask-capability", nil, "do not use this `CAPABILITY` of the server, where it is broken (repeatable)")
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
	if c.logger, err = f.logger(a.err); err != nil {
		return nil, err
	}
	password, err := f.passwordFrom(a, c.url.User, c.url.Password, c.url.HasPassword)
	if err != nil {
		return nil, err
	}
	c.login = f.login(c.url.User, password)
	return c, f.openTrace(a, c)
}

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

// tlsConfig returns nil without --ca-file.
func (f *connFlags) tlsConfig() (*tls.Config, error) {
	if f.caFile == "" {
		return nil, nil
	}
	text, err := os.ReadFile(f.caFile)
	if err != nil {
		return nil, usageError{fmt.Errorf("--ca-file: %w", err)}
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // a system without any
	}
	if !roots.AppendCertsFromPEM(text) {
		return nil, usageError{fmt.Errorf("--ca-file: %s has no certificate in PEM format (-----BEGIN CERTIFICATE-----)", clean(f.caFile))}
	}
	return &tls.Config{RootCAs: roots}, nil
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

// login returns a function that logs in with what source brings, by the best way that the server offers.
func (f *connFlags) login(user string, source passwordSource) func(context.Context, *imapclient.Conn) error {
	memory := &imapauth.Memory{}
	return func(ctx context.Context, c *imapclient.Conn) error {
		secret, err := source(ctx)
		if err != nil {
			return err
		}
		cred := &imapauth.Credentials{Username: user, Password: imapauth.NewSecret(secret), AllowCleartext: f.plaintext, Memory: memory}
		if f.oauth {
			cred.Password, cred.Tokens = imapauth.Secret{}, imapauth.StaticToken(imapauth.NewSecret(secret))
		}
		err = withoutSecret(c.SignIn(ctx, cred), secret)
		var none *imapauth.NoMechanismError
		if errors.As(err, &none) && none.LoginDisabled && c.TLS() == nil {
			return &imapclient.SecurityError{Reason: "the server does not accept a password without TLS: use imaps://, or imap:// without --plaintext"}
		}
		return err
	}
}

// withoutSecret takes the secret out of what the server said: some repeat a command that they did not
// understand.
func withoutSecret(err error, secret string) error {
	var st *imap.StatusError
	if !errors.As(err, &st) || secret == "" || !strings.Contains(st.Text, secret) {
		return err
	}
	masked := *st
	masked.Text = strings.ReplaceAll(st.Text, secret, "********")
	return &masked
}
