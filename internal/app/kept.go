package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/pushmail/pushmail/internal/config"
	"github.com/pushmail/pushmail/internal/httpapi"
	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/internal/secret"
	"github.com/pushmail/pushmail/internal/status"
)

// keptAccount is an account that was added by the API and is kept in the journal.
type keptAccount struct {
	Spec httpapi.AccountSpec `json:"spec"`
	// RefreshToken is the one that the server wants to be used from now on, "" if it is that of Spec.
	RefreshToken string `json:"refresh_token,omitempty"`
}

// What is kept begins with one of these.
const (
	keptPlain  = 'p' // there is nothing secret in it
	keptSealed = 's'
)

func (k *keptAccount) hasSecret() bool {
	s := &k.Spec
	return s.Password != "" || k.RefreshToken != "" || s.OAuth != nil && (s.OAuth.ClientSecret != "" || s.OAuth.RefreshToken != "")
}

// keep writes an account into the journal, sealed if there is a secret in it. The caller holds keeping.
func (a *App) keep(ctx context.Context, k keptAccount) error {
	text, err := json.Marshal(k)
	if err != nil {
		return err
	}
	switch {
	case !k.hasSecret():
		text = append([]byte{keptPlain}, text...)
	case a.box.Load() == nil:
		return httpapi.ErrNoKey
	default:
		text = append([]byte{keptSealed}, a.box.Load().Seal(k.Spec.Name, text)...)
	}
	if err := a.journal.PutAccount(ctx, k.Spec.Name, text); err != nil {
		return err
	}
	a.kept[k.Spec.Name] = k
	return nil
}

// openKept reads what keep has written.
func (a *App) openKept(row journal.Account) (k keptAccount, err error) {
	if len(row.Sealed) == 0 {
		return k, errors.New("there is nothing in it")
	}
	text := row.Sealed[1:]
	switch row.Sealed[0] {
	case keptPlain:
	case keptSealed:
		box := a.box.Load()
		if box == nil {
			return k, errors.New("its credentials are encrypted: set [secrets] key to the key that they were encrypted with")
		}
		if text, err = box.Open(row.Name, text); err != nil {
			return k, err
		}
	default:
		return k, errors.New("a newer pushmail has written it")
	}
	return k, json.Unmarshal(text, &k)
}

// addKept watches the accounts that are kept in the journal. Those that are watched already, and in the same way, are left alone. The
// caller holds change.
func (a *App) addKept(ctx context.Context) {
	rows, err := a.journal.Accounts(ctx)
	if err != nil {
		a.log.Error("the accounts that were added by the API cannot be read", "err", err)
		return
	}
	rows = slices.DeleteFunc(rows, func(row journal.Account) bool {
		both := a.inFile(row.Name)
		if both {
			a.log.Warn("an account is in the configuration, and was added by the API, too: that of the configuration counts", "account", row.Name)
		}
		return both
	})
	sideBySide(ctx, rows, func(error) {}, func(ctx context.Context, row journal.Account) error {
		err := a.addKeptOne(ctx, row)
		if err != nil {
			a.log.Error("an account that was added by the API cannot be watched", "account", row.Name, "err", err)
			a.noteWatched(row.Name, &watched{origin: status.OriginAPI, err: err})
		}
		return err
	})
}

func (a *App) addKeptOne(ctx context.Context, row journal.Account) error {
	k, err := a.openKept(row)
	if err != nil {
		a.keeping.Lock()
		defer a.keeping.Unlock()
		if _, ok := a.kept[row.Name]; !ok { // so that it can be removed, and put right
			a.kept[row.Name] = keptAccount{Spec: httpapi.AccountSpec{Name: row.Name}}
		}
		return err
	}
	a.keeping.Lock()
	if box := a.box.Load(); row.Sealed[0] == keptSealed && box.Stale(row.Sealed[1:]) {
		err = a.keep(ctx, k)
	}
	a.kept[row.Name] = k
	a.keeping.Unlock()
	if err != nil {
		return err
	}
	c, err := a.configOf(k)
	if err != nil {
		return err
	}
	a.keeping.Lock()
	was, ok := a.watching[row.Name]
	a.keeping.Unlock()
	if ok && was.err == nil && was.origin == status.OriginAPI && reflect.DeepEqual(was.config, c) {
		return nil
	}
	return a.watch(ctx, c, status.OriginAPI)
}

// inFile reports whether an account is one of the configuration.
func (a *App) inFile(name string) bool {
	return slices.ContainsFunc(a.cfg.Load().Accounts, func(c config.Account) bool { return c.Name == name })
}

// keepRefreshToken keeps a refresh token that takes the place of the one before (RFC 6749 section 6). That of an account of
// the configuration is kept in memory: nobody writes into people's files.
func (a *App) keepRefreshToken(ctx context.Context, name string, refresh secret.Secret) error {
	a.keeping.Lock()
	defer a.keeping.Unlock()
	k, ok := a.kept[name]
	if !ok {
		a.log.Warn("the server wants another refresh token to be used from now on: it is kept in memory, and the one in the configuration may be worth nothing after a restart; accounts that are added by the API have it kept",
			"account", name)
		return nil
	}
	k.RefreshToken = refresh.Reveal()
	return a.keep(ctx, k)
}

// configOf makes an account of what was asked for. Errors are httpapi.FieldErrors.
func (a *App) configOf(k keptAccount) (*config.Account, error) {
	s := k.Spec
	text, err := tableOf(&k)
	if err != nil {
		return nil, err
	}
	base := *a.cfg.Load()
	base.Defaults = forOthers(base.Defaults)
	c, problems := config.ParseAccount(text, &base)
	var wrong httpapi.FieldErrors
	for _, p := range problems {
		if !p.Warning {
			wrong = append(wrong, httpapi.FieldError{Field: p.Key, Message: strings.TrimSpace(p.Message + " " + p.Hint)})
		}
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	if from := s.PasswordFrom; from != "" {
		if c.Password, err = secret.Parse(from); err != nil {
			return nil, httpapi.FieldErrors{{Field: "password_from", Message: err.Error()}}
		}
	}
	if from := s.TokenFrom; from != "" {
		if c.Token, err = secret.Parse(from); err != nil {
			return nil, httpapi.FieldErrors{{Field: "token_from", Message: err.Error()}}
		}
	}
	if last := a.common.Load(); last != nil && reflect.DeepEqual(c.Common, last) {
		c.Common = last
	}
	a.common.Store(c.Common)
	return &c, nil
}

// forOthers returns defaults without what logs in: who may add an account must not have the credentials of others sent to a
// server of his.
func forOthers(s config.Settings) config.Settings {
	common := *s.Common
	common.ProxyPassword, common.ClientCert, common.ClientKey, common.Auth, common.Identity = secret.Ref{}, "", "", nil, ""
	return config.Settings{Common: &common}
}

// literal marks a text as the secret itself, whatever it begins with.
const literal = "literal:"

// literalOf is how a configuration has a secret itself, "" for none.
func literalOf(secret string) string {
	if secret == "" {
		return ""
	}
	return literal + secret
}

// tableOf is the [[account]] that an account stands for, as JSON: the fields of a spec have the names of its keys. References to
// services are put in afterwards: see configOf.
func tableOf(k *keptAccount) ([]byte, error) {
	t := struct {
		httpapi.AccountSpec
		Token string `json:"token,omitempty"`
	}{AccountSpec: k.Spec}
	if k.Spec.Password != "" || k.Spec.PasswordFrom != "" {
		t.Password = literal + k.Spec.Password
	}
	if k.Spec.TokenFrom != "" {
		t.Token = literal + "-"
	}
	t.PasswordFrom, t.TokenFrom = "", ""
	if k.Spec.OAuth != nil {
		o := *k.Spec.OAuth
		o.ClientSecret, o.RefreshToken = literalOf(o.ClientSecret), literalOf(cmp.Or(k.RefreshToken, o.RefreshToken))
		t.OAuth = &o
	}
	return json.Marshal(t)
}

// inherit gives a spec the secrets of the one before, where it brings none of its own.
func inherit(s *httpapi.AccountSpec, before *httpapi.AccountSpec) {
	if s.Password != "" || s.PasswordFrom != "" || s.TokenFrom != "" {
		return
	}
	switch {
	case s.OAuth == nil:
		s.Password, s.PasswordFrom, s.TokenFrom = before.Password, before.PasswordFrom, before.TokenFrom
		if before.OAuth != nil {
			o := *before.OAuth
			s.OAuth = &o
		}
	case before.OAuth != nil:
		o := *s.OAuth
		if o.ClientSecret == "" {
			o.ClientSecret = before.OAuth.ClientSecret
		}
		if o.RefreshToken == "" {
			o.RefreshToken = before.OAuth.RefreshToken
		}
		s.OAuth = &o
	}
}

var errGone = fmt.Errorf("account: %w", httpapi.ErrNotFound)
