package config

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/pushmail/pushmail/imapauth"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/internal/suggest"
	"github.com/pushmail/pushmail/provider"
)

func (l *loader) checkAccount(n *node, path string, a *Account) {
	l.checkName(n, path, a.Name)
	l.checkSettings(n, path, &a.Settings)
	l.checkURL(n, path, a)
	if a.Password.IsZero() && a.Token.IsZero() && a.OAuth == nil && a.ClientCert == "" && n.table["password"] == nil && n.table["token"] == nil {
		l.report(n.src, n.key.start, Problem{
			Key: path, Message: "there is nothing to log in with",
			Hint: `add password = "file:PATH", token for an OAuth 2.0 access token, [account.oauth] or client_cert`,
		})
	}
	if a.Mailboxes == nil && !a.AllMailboxes {
		a.Mailboxes = []string{"INBOX"}
	}
}

func (l *loader) checkURL(n *node, path string, a *Account) {
	u, at, path := a.URL, n.at("url"), join(path, "url")
	if u == nil {
		if n.table["url"] == nil {
			l.missing(n, strings.TrimSuffix(path, ".url"), "url", `"imaps://USER@HOST"`)
		}
		return
	}
	switch {
	case u.HasPassword:
		at.hide()
		l.report(at.src, at.place.start, Problem{
			Key: path, Message: "the password does not belong into the URL",
			Hint: `take it out and write password = "file:PATH", with the password in a file that only you can read; or ` + `password = "env:NAME"`,
		})
	case u.User == "":
		l.report(at.src, at.place.start, Problem{Key: path, Message: "names no user", Hint: `want "imaps://USER@HOST"; @ in the user may stand as it is: imaps://jo@example.org@mail.example.org`})
	}
	if u.Auth != "" && u.Auth != "*" {
		if m, err := parseMechanism(u.Auth); err != nil {
			l.wrong(at, path, err.Error())
		} else if a.Auth == nil {
			a.Auth = []imapauth.Mechanism{m}
		}
	}
	if u.Mailbox != "" {
		if n.table["mailboxes"] != nil || n.table["all_mailboxes"] != nil {
			l.wrong(at, path, "names a mailbox, and so does mailboxes or all_mailboxes: say it once")
		}
		a.Mailboxes, a.AllMailboxes = []string{u.Mailbox}, false
	}
	l.checkSecurity(n, path, a)
}

// checkSecurity: cleartext has to be asked for by its name.
func (l *loader) checkSecurity(n *node, path string, a *Account) {
	u, at := a.URL, n.at("url")
	switch {
	case u.Security == imapclient.InsecurePlaintext || u.Security == imapclient.InsecureOpportunisticTLS:
		l.report(at.src, at.place.start, Problem{Key: path, Message: "security= in the URL is not taken here", Hint: "imap:// switches to TLS by STARTTLS; insecure_plaintext = true sends password and mail in cleartext"})
	case a.InsecurePlaintext && u.Security == imapclient.ImplicitTLS && n.table["insecure_plaintext"] != nil:
		l.report(at.src, at.place.start, Problem{Key: path, Message: "imaps:// is encrypted, and insecure_plaintext says that nothing is", Hint: "leave out one, or write imap://"})
	case a.InsecurePlaintext && u.Security != imapclient.ImplicitTLS:
		u.Security = imapclient.InsecurePlaintext
		l.warn(at, path, "nothing is encrypted: anyone on the way can read password and mail", "leave out insecure_plaintext if the server has TLS")
	}
}

var headerName = regexp.MustCompile("^[!-9;-~]+$") // RFC 5322 section 2.2

// checkSettings checks what an account and the defaults can both say.
func (l *loader) checkSettings(n *node, path string, s *Settings) {
	if n == nil || n.table == nil || n == l.root {
		return
	}
	var given []string
	for _, key := range []string{"password", "token", "oauth"} {
		if n.table[key] != nil {
			given = append(given, key)
		}
	}
	if len(given) > 1 {
		l.wrong(n.at(given[1]), join(path, given[1]), "contradicts "+given[0]+": one of "+strings.Join(given, ", ")+" is enough")
	}
	if s.AllMailboxes && n.table["mailboxes"] != nil && n.table["all_mailboxes"] != nil {
		l.wrong(n.at("all_mailboxes"), join(path, "all_mailboxes"), "contradicts mailboxes: leave out one")
	}
	if n.table["mailboxes"] != nil && len(s.Mailboxes) == 0 && n.at("mailboxes").list != nil {
		l.wrong(n.at("mailboxes"), join(path, "mailboxes"), "names none: leave it out for INBOX, or write all_mailboxes = true")
	}
	for _, key := range []string{"mailboxes", "exclude", "hot"} {
		for i, name := range map[string][]string{"mailboxes": s.Mailboxes, "exclude": s.Exclude, "hot": s.Hot}[key] {
			if at := n.table[key]; name == "" && at != nil && len(at.list) > i && at.list[i].value == "" {
				l.wrong(at.list[i], join(path, key), "is empty")
			}
		}
	}
	if s.OAuth != nil && n.table["oauth"] != nil {
		l.checkOAuth(n.at("oauth"), join(path, "oauth"), s.OAuth)
	}
	if c := n.at("max_connections"); c != n && !l.bad[c] && (s.MaxConnections < 1 || s.MaxConnections > 100) {
		l.wrong(c, join(path, "max_connections"), "want 1 to 100")
	}
	if s.Text > 256<<10 {
		l.wrong(n.at("text"), join(path, "text"), "is more than 256KiB")
	}
	for i, name := range s.Headers {
		if at := n.table["headers"]; at != nil && !headerName.MatchString(name) {
			if i < len(at.list) {
				at = at.list[i]
			}
			if _, ok := at.value.(string); ok {
				l.wrong(at, join(path, "headers"), quoted(name)+" is not the name of a header field, such as \"List-Id\", without a colon")
			}
		}
	}
	l.checkProxy(n, path, s)
	l.checkFiles(n, path, &s.CAFile, &s.ClientCert, &s.ClientKey)
	l.positive(n, path, "verify_interval", s.VerifyInterval, 0)
	l.positive(n, path, "stale_after", s.StaleAfter, 0)
	l.positive(n, path, "sweep_interval", s.SweepInterval, 0)
	l.positive(n, path, "idle_restart", s.IdleRestart, 29*time.Minute) // RFC 2177 section 3
	l.positive(n, path, "connect_timeout", s.ConnectTimeout, time.Hour)
	if s.StaleAfter > 0 && s.VerifyInterval > 0 && s.StaleAfter <= s.VerifyInterval && n.table["stale_after"] != nil {
		l.wrong(n.at("stale_after"), join(path, "stale_after"), "is not more than verify_interval: the mailbox would be stale between any two checks")
	}
}

func (l *loader) checkProxy(n *node, path string, s *Settings) {
	at, path := n.table["proxy"], join(path, "proxy")
	if at == nil || s.Proxy == "" || s.Proxy == "env" {
		if n.table["proxy_password"] != nil && (s.Proxy == "" || s.Proxy == "env") {
			l.wrong(n.at("proxy_password"), path+"_password", "needs a proxy with a user: proxy = \"socks5://USER@HOST:PORT\"")
		}
		return
	}
	if _, err := imapclient.ParseProxy(s.Proxy); err != nil {
		at.hide()
		l.wrong(at, path, err.Error())
		return
	}
	u, err := url.Parse(s.Proxy)
	if err != nil {
		return
	}
	if _, has := u.User.Password(); has {
		at.hide()
		l.report(at.src, at.place.start, Problem{Key: path, Message: "the password does not belong into the URL", Hint: `take it out and write proxy_password = "file:PATH"`})
	}
	if !s.ProxyPassword.IsZero() && u.User.Username() == "" {
		l.wrong(at, path, "has no user for proxy_password: want \"socks5://USER@HOST:PORT\"")
	}
}

// checkOAuth fills in what is known of the provider.
func (l *loader) checkOAuth(n *node, path string, o *OAuth) {
	if o.Provider != "" {
		l.fillProvider(n, path, o)
	}
	if o.TokenURL == "" && o.Provider == "" {
		l.missing(n, path, "token_url", `"https://HOST/PATH", or provider = "gmail" with the id of docs/providers.md`)
	}
	if o.TokenURL != "" {
		u, err := url.Parse(o.TokenURL)
		switch {
		case err != nil || u.Host == "":
			l.wrong(n.at("token_url"), join(path, "token_url"), `want "https://HOST/PATH"`)
		case u.User != nil:
			n.at("token_url").hide()
			l.wrong(n.at("token_url"), join(path, "token_url"), "must not have a user or password in it: they are client_id and client_secret")
		case u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u)):
			l.wrong(n.at("token_url"), join(path, "token_url"), "must be https://: tokens would travel in cleartext")
		}
	}
	if o.ClientID == "" {
		l.missing(n, path, "client_id", `"…", as the provider gave it to your application`)
	}
	if o.RefreshToken.IsZero() && o.ClientSecret.IsZero() && n.table["refresh_token"] == nil && n.table["client_secret"] == nil {
		l.missing(n, path, "refresh_token", `"file:PATH"; or client_secret, for an application that acts for itself`)
	}
}

// companies are other names that people know providers by.
var companies = map[string]string{"google": "gmail", "microsoft": "outlook"}

func (l *loader) fillProvider(n *node, path string, o *OAuth) {
	if id, ok := companies[o.Provider]; ok {
		o.Provider = id
	}
	row := provider.Standard().Get(o.Provider)
	if row == nil || row.OAuth == nil {
		var ids []string
		for _, p := range provider.Standard() {
			if p.OAuth != nil {
				ids = append(ids, p.ID)
			}
		}
		hint := "known are " + quotedList(ids) + "; or give token_url"
		if word := suggest.Nearest(o.Provider, ids); word != "" {
			hint = fmt.Sprintf("did you mean %q?", word)
		}
		l.report(n.src, n.at("provider").place.start, Problem{Key: join(path, "provider"), Message: "nothing is known of OAuth at " + quoted(o.Provider), Hint: hint})
		return
	}
	if o.TokenURL == "" {
		tenant := o.Tenant
		if tenant == "" {
			tenant = "common"
		}
		o.TokenURL = regexp.MustCompile(`\{tenant[^}]*\}`).ReplaceAllLiteralString(row.OAuth.Token, url.PathEscape(tenant))
		if strings.Contains(o.TokenURL, "{") {
			l.wrong(n.at("provider"), join(path, "provider"), "needs a token_url: that of this provider is not the same for everybody")
		}
	}
	if o.Scopes == nil {
		o.Scopes = row.OAuth.Scopes
		if o.RefreshToken.IsZero() {
			o.Scopes = row.OAuth.AppScopes
		}
	}
}
