package httpapi

import (
	"net/url"
	"strings"
)

// AccountSpec describes an account. Its fields have the names and the meaning of those of [[account]] in the configuration
// file, but for secrets: here they are themselves, not references. Files, commands and the environment of the program cannot be
// referred to, or who may add an account could read them by having them sent to a server of his.
type AccountSpec struct {
	Name string `json:"name" minLength:"1" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]+$" patternDescription:"text without control characters" doc:"How events call the account; no two have the same"`
	URL  string `json:"url" maxLength:"2000" pattern:"^imaps?(\\+[a-z]+)?://" patternDescription:"an IMAP URL" doc:"Host, port, user and encryption: imaps://jo%40example.org@mail.example.org. No password" example:"imaps://jo@mail.example.org"`

	Password string `json:"password,omitempty" maxLength:"10000" writeOnly:"true" doc:"The password. It is kept encrypted and never returned"`
	// PasswordFrom is the URL of a service that answers with the password.
	PasswordFrom string `json:"password_from,omitempty" maxLength:"2000" pattern:"^https?://" patternDescription:"an http or https URL" doc:"URL of a service that is asked for the password at each login, instead of password"`
	TokenFrom    string `json:"token_from,omitempty" maxLength:"2000" pattern:"^https?://" patternDescription:"an http or https URL" doc:"URL of a service that is asked for an OAuth 2.0 access token at each login"`
	OAuth        *OAuth `json:"oauth,omitempty" doc:"Have access tokens fetched"`

	Auth             []string `json:"auth,omitempty" maxItems:"16" nullable:"false" doc:"The only mechanisms to log in by, in this order"`
	Identity         string   `json:"identity,omitempty" maxLength:"1000" doc:"Whose mailboxes are opened, if not those of the user"`
	Mailboxes        []string `json:"mailboxes,omitempty" maxItems:"1000" nullable:"false" doc:"Names, patterns with * and %, and special-use attributes such as \\Sent; INBOX unless given"`
	Exclude          []string `json:"exclude,omitempty" maxItems:"1000" nullable:"false" doc:"Patterns of mailboxes that are left out"`
	AllMailboxes     bool     `json:"all_mailboxes,omitempty" doc:"Watch all mailboxes"`
	Hot              []string `json:"hot,omitempty" maxItems:"100" nullable:"false" doc:"Mailboxes that get a connection of their own; INBOX unless given"`
	MaxConnections   int      `json:"max_connections,omitempty" minimum:"0" maximum:"1000" doc:"How many connections the account may have; 0 lets pushmail decide"`
	From             string   `json:"from,omitempty" maxLength:"100" doc:"Which messages are new at the first time: now, all, a time back such as 7d, or a time"`
	Brief            bool     `json:"brief,omitempty" doc:"Events tell nothing of a message but its UID and flags"`
	Headers          []string `json:"headers,omitempty" maxItems:"100" nullable:"false" doc:"Header fields that events tell"`
	Preview          bool     `json:"preview,omitempty" doc:"Events tell the first words of a message"`
	Text             string   `json:"text,omitempty" maxLength:"100" doc:"How much of the text of a message events tell, such as 64KiB; nothing unless given"`
	Proxy            string   `json:"proxy,omitempty" maxLength:"2000" doc:"URL of a proxy, without a password"`
	Pin              []string `json:"pin,omitempty" maxItems:"16" nullable:"false" doc:"Keys of which the server must have one"`
	InsecurePlain    bool     `json:"insecure_plaintext,omitempty" doc:"Allow imap:// without encryption"`
	VerifyInterval   string   `json:"verify_interval,omitempty" maxLength:"100" doc:"How often it is checked that nothing is missing, such as 15m"`
	MaskCapabilities []string `json:"mask_capabilities,omitempty" maxItems:"100" nullable:"false" doc:"Capabilities of the server not to be used"`
}

// OAuth says how access tokens are fetched (RFC 6749).
type OAuth struct {
	Provider     string   `json:"provider,omitempty" maxLength:"200" doc:"Id of a provider that pushmail knows, such as gmail; then token_url and scopes are known"`
	Tenant       string   `json:"tenant,omitempty" maxLength:"200"`
	TokenURL     string   `json:"token_url,omitempty" maxLength:"2000" pattern:"^https?://" patternDescription:"an http or https URL"`
	ClientID     string   `json:"client_id" maxLength:"1000"`
	ClientSecret string   `json:"client_secret,omitempty" maxLength:"10000" writeOnly:"true" doc:"It is kept encrypted and never returned"`
	RefreshToken string   `json:"refresh_token,omitempty" maxLength:"10000" writeOnly:"true" doc:"It is kept encrypted and never returned"`
	Scopes       []string `json:"scopes,omitempty" maxItems:"50" nullable:"false"`
}

// hasSecret reports whether the spec brings something to log in with.
func (s *AccountSpec) hasSecret() bool {
	return s.Password != "" || s.PasswordFrom != "" || s.TokenFrom != "" || s.OAuth != nil && (s.OAuth.ClientSecret != "" || s.OAuth.RefreshToken != "")
}

// withoutSecrets returns a copy that can be shown. The services return none either; two locks are better.
func (s AccountSpec) withoutSecrets() AccountSpec {
	s.Password = ""
	if s.OAuth != nil {
		o := *s.OAuth
		o.ClientSecret, o.RefreshToken = "", ""
		s.OAuth = &o
	}
	return s
}

// check returns what is wrong with the spec as far as it can be seen here.
func (s *AccountSpec) check() (errs FieldErrors) {
	add := func(field, message string) { errs = append(errs, FieldError{field, message}) }
	switch u, err := url.Parse(s.URL); {
	case err != nil:
		add("url", "it is not a URL; want imaps://USER@HOST, with @ in USER written as %40")
	case u.Host == "":
		add("url", "the host is missing; want imaps://USER@HOST")
	case u.User == nil || u.User.Username() == "":
		add("url", "the user is missing; want imaps://USER@HOST, with @ in USER written as %40")
	default:
		if _, has := u.User.Password(); has {
			add("url", "a password does not belong into a URL: give it as password")
		}
	}
	ways := 0
	for _, is := range []bool{s.Password != "", s.PasswordFrom != "", s.TokenFrom != "", s.OAuth != nil} {
		if is {
			ways++
		}
	}
	if ways > 1 {
		add("password", "give only one of password, password_from, token_from and oauth")
	}
	if s.AllMailboxes && len(s.Mailboxes) > 0 {
		add("mailboxes", "give only one of mailboxes and all_mailboxes")
	}
	return errs
}

// sends returns where and how credentials are sent: when that changes, they must be given again, or who may change an account
// could have its password sent to himself.
func (s *AccountSpec) sends() string {
	plain := "tls"
	if s.InsecurePlain {
		plain = "plain"
	}
	token := ""
	if s.OAuth != nil {
		token = s.OAuth.TokenURL + " " + s.OAuth.Provider + " " + s.OAuth.Tenant
	}
	return strings.Join([]string{s.URL, plain, s.Proxy, strings.Join(s.Pin, " "), strings.Join(s.Auth, " "), token}, "\n")
}
