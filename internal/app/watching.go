package app

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pushmail/pushmail/imapauth"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/internal/config"
	"github.com/pushmail/pushmail/internal/secret"
	"github.com/pushmail/pushmail/internal/status"
	"github.com/pushmail/pushmail/internal/tlsfiles"
	"github.com/pushmail/pushmail/watch"
)

// addAccounts begins to watch all accounts: those of the configuration and those that are kept in the journal. One that
// cannot be watched is an error in the log, and stands in no other's way.
func (a *App) addAccounts(ctx context.Context) {
	a.change.Lock()
	defer a.change.Unlock()
	cfg := a.cfg.Load()
	for i := range cfg.Accounts {
		c := &cfg.Accounts[i]
		if err := a.watch(ctx, c, status.OriginFile); err != nil {
			a.log.Error("an account cannot be watched", "account", c.Name, "err", err)
		}
	}
	a.addKept(ctx)
}

// watched is an account as it is watched, or why it is not.
type watched struct {
	config *config.Account
	origin string
	err    error
	tls    *tls.Config // of the files that config names
}

// watch begins to watch an account, or goes on in another way. The caller holds change.
func (a *App) watch(ctx context.Context, c *config.Account, origin string) error {
	o, err := a.watchOptions(c)
	if err == nil {
		err = a.accounts.Watch(ctx, o)
	}
	a.noteWatched(c.Name, &watched{c, origin, err, o.Client.TLSConfig})
	return err
}

// noteWatched notes how an account is watched, or why it is not; nil is that there is none of that name.
func (a *App) noteWatched(name string, w *watched) {
	a.keeping.Lock()
	defer a.keeping.Unlock()
	if w == nil {
		delete(a.watching, name)
	} else {
		a.watching[name] = *w
	}
}

// unwatched reports whether an account is known that could not be watched.
func (a *App) unwatched(name string) bool {
	a.keeping.Lock()
	defer a.keeping.Unlock()
	return a.watching[name].err != nil
}

// anyUnwatched reports whether there is such an account.
func (a *App) anyUnwatched() bool {
	a.keeping.Lock()
	defer a.keeping.Unlock()
	for _, w := range a.watching {
		if w.err != nil {
			return true
		}
	}
	return false
}

// accountStatus is the state of all accounts, also of those that cannot be watched.
func (a *App) accountStatus() []status.Account {
	all := a.accounts.Status()
	there := make(map[string]bool, len(all))
	a.keeping.Lock()
	defer a.keeping.Unlock()
	for i := range all {
		there[all[i].Name] = true
		a.watching[all[i].Name].describe(&all[i])
	}
	for name, w := range a.watching {
		if w.err == nil || there[name] {
			continue
		}
		one := status.Account{Name: name, Err: w.err.Error()}
		w.describe(&one)
		all = append(all, one)
	}
	return all
}

// describe says where an account is and comes from.
func (w watched) describe(a *status.Account) {
	a.Origin = cmp.Or(w.origin, status.OriginFile)
	if w.config != nil {
		a.User, a.Host = w.config.URL.User, w.config.URL.Addr
	}
}

// hostsOf returns the limits of logins.
func hostsOf(l config.Limits) *watch.Hosts {
	h := &watch.Hosts{LoginsPerSecond: float64(l.LoginsPerSecond), LoginBurst: l.LoginBurst}
	if l.LoginsPerSecond == 0 {
		h.LoginsPerSecond = -1 // no limit
	}
	return h
}

// watchOptions says how an account is watched.
func (a *App) watchOptions(c *config.Account) (watch.AccountOptions, error) {
	client, err := a.clientOptions(c)
	if err != nil {
		return watch.AccountOptions{}, err
	}
	o := watch.AccountOptions{
		Options: watch.Options{
			Account: c.Name, User: c.URL.User, Client: client, Login: a.login(c), Dial: a.dialer(c),
			Since:          c.From.Time(time.Now()),
			Content:        watch.Content{Brief: c.Brief, Headers: c.Headers, Preview: c.Preview, Text: int(c.Text)},
			VerifyInterval: c.VerifyInterval, StaleAfter: c.StaleAfter,
			Hosts:  a.hosts,
			Logger: a.log,
		},
		Exclude: c.Exclude, MaxConnections: c.MaxConnections, Hot: c.Hot, SweepInterval: c.SweepInterval,
	}
	switch {
	case c.AllMailboxes:
	case len(c.Mailboxes) == 0:
		o.Mailbox = "INBOX"
	case len(c.Mailboxes) == 1 && isName(c.Mailboxes[0]) && len(c.Exclude) == 0:
		o.Mailbox = c.Mailboxes[0]
	default:
		o.Patterns = c.Mailboxes
	}
	return o, nil
}

// isName tells a mailbox from a pattern and a special use.
func isName(mailbox string) bool {
	return !strings.ContainsAny(mailbox, "*%") && !strings.HasPrefix(mailbox, `\`)
}

func certificatesOf(c *config.Account) tlsfiles.Files {
	return tlsfiles.Files{CA: c.CAFile, Cert: c.ClientCert, Key: c.ClientKey}
}

func (a *App) clientOptions(c *config.Account) (imapclient.Options, error) {
	o := *c.URL.Options()
	if c.InsecurePlaintext && o.Security != imapclient.ImplicitTLS {
		o.Security = imapclient.InsecurePlaintext
	}
	o.MaskCapabilities = c.MaskCapabilities
	o.Pins = c.Pins
	o.IdleRestart = c.IdleRestart
	if t := c.ConnectTimeout; t > 0 {
		o.DialTimeout, o.TLSTimeout, o.GreetingTimeout = t, t, t
	}
	var err error
	if o.TLSConfig, err = a.certs.load(certificatesOf(c)); err != nil {
		return o, err
	}
	switch c.Proxy {
	case "":
	case "env":
		o.Proxy = imapclient.ProxyFromEnvironment()
	default:
		if !c.ProxyPassword.IsZero() {
			break // see dialer
		}
		if o.Proxy, err = imapclient.ParseProxy(c.Proxy); err != nil {
			return o, fmt.Errorf("proxy: %w", err)
		}
	}
	return o, nil
}

// login returns what logs in to an account, with credentials that are fetched anew each time.
func (a *App) login(c *config.Account) func(context.Context, *imapclient.Conn) error {
	l := &login{a: a, c: c}
	switch {
	case c.OAuth != nil:
		l.tokens = a.resolver.OAuth(a.grant(c))
	case !c.Token.IsZero():
		l.tokens = a.resolver.Tokens(c.Token, whoseSecret(c))
	}
	return l.signIn
}

// login logs in to one account. There is one for each, so it has no more than it must.
type login struct {
	a       *App
	c       *config.Account
	memory  imapauth.Memory
	tokens  imapauth.TokenSource // nil for those with a password
	refused atomic.Bool          // the password that was fetched last
}

func whoseSecret(c *config.Account) secret.For {
	return secret.For{Account: c.Name, User: c.URL.User, Host: c.URL.Addr}
}

func (l *login) signIn(ctx context.Context, conn *imapclient.Conn) error {
	c := l.c
	cred := imapauth.Credentials{
		Username: c.URL.User, Identity: c.Identity, External: c.ClientCert != "", Mechanisms: c.Auth,
		AllowCleartext: c.InsecurePlaintext, Memory: &l.memory, Tokens: l.tokens,
	}
	if c.Password.IsZero() {
		return conn.SignIn(ctx, &cred)
	}
	what := whoseSecret(c)
	what.Renew = l.refused.Load()
	found, err := l.a.resolver.Resolve(ctx, c.Password, what)
	if err != nil {
		return err
	}
	cred.Username = cmp.Or(found.Username, cred.Username)
	if found.IsToken {
		cred.Tokens = imapauth.StaticToken(found.Secret)
	} else {
		cred.Password = found.Secret
	}
	err = conn.SignIn(ctx, &cred)
	l.refused.Store(err != nil && imapclient.Classify(err).Class == imapclient.ClassAuth)
	return err
}

func (a *App) grant(c *config.Account) secret.Grant {
	g := secret.Grant{
		TokenURL: c.OAuth.TokenURL, ClientID: c.OAuth.ClientID, ClientSecret: c.OAuth.ClientSecret,
		RefreshToken: c.OAuth.RefreshToken, Scopes: c.OAuth.Scopes,
	}
	name := c.Name
	g.Rotated = func(ctx context.Context, refresh secret.Secret) error { return a.keepRefreshToken(ctx, name, refresh) }
	return g
}
