// Package imapauth logs in: SASL mechanisms, the choice among them, and secrets that do not show.
//
// A mechanism is any value with the two methods of [sasl.Client], so those of go-sasl and of others
// work as well. The ones here differ from go-sasl's where real servers need it: LOGIN takes whatever
// prompt, XOAUTH2 exists, and a refused token ends the exchange the way the server expects and leaves
// an [OAuthError] with what the server said: see [Explain].
//
//	mechanism, err := imapauth.Select(caps, cred)
//	client, err := cred.Client(ctx, mechanism, false)
//	err = imapauth.Explain(client, conn.Authenticate(ctx, client))
//
// The package opens no connection. Every mechanism but EXTERNAL and ANONYMOUS shows the secret to the
// server, so it belongs on TLS.
package imapauth
