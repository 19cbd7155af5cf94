package app

import (
	"context"
	"fmt"
	"net/url"

	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/internal/config"
)

// dialer returns what connects by way of a proxy that wants a password, which is fetched anew each time; nil where none does.
func (a *App) dialer(c *config.Account) func(context.Context, *imapclient.Options) (*imapclient.Conn, error) {
	if c.ProxyPassword.IsZero() {
		return nil
	}
	return func(ctx context.Context, o *imapclient.Options) (*imapclient.Conn, error) {
		password, err := a.resolver.Secret(ctx, c.ProxyPassword)
		if err != nil {
			return nil, fmt.Errorf("proxy_password: %w", err)
		}
		u, err := url.Parse(c.Proxy)
		if err != nil {
			return nil, err
		}
		u.User = url.UserPassword(u.User.Username(), password.Reveal())
		through := *o
		if through.Proxy, err = imapclient.ParseProxy(u.String()); err != nil {
			return nil, err
		}
		return imapclient.Dial(ctx, &through)
	}
}
