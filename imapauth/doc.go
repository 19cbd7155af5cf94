// Package imapauth logs in: SASL mechanisms, the choice among them, and secrets that do not show.
//
// [Select] chooses, by strength, among what the server offers and what [Credentials] are good for:
//
//	ways, err := imapauth.Select(imapauth.Peer{Capabilities: conn.Capabilities(), TLS: conn.TLS()}, cred)
//	client, err := ways[0].Client(ctx)
//	err = conn.Authenticate(ctx, client)
//
// which is what imapclient.Conn.SignIn does, and it goes on to the next way where the server does not
// take the first.
//
// # Mechanisms
//
// A mechanism is any value with the two methods of [sasl.Client], so those of go-sasl and of others
// work as well. The ones here may have more: see [Finisher], [Judged] and [Failer]. They differ from
// go-sasl's where real servers need it: LOGIN takes whatever prompt, XOAUTH2 exists, and a refused token
// ends the exchange the way the server expects and leaves an [OAuthError] with what the server said.
//
// SCRAM is done by xdg-go/scram, behind checks of everything that a server sends: see [SCRAM].
//
// # Strength
//
// The SCRAM family does not show the password, and lets the server prove that it knows it; its -PLUS
// forms fail if somebody is in the middle of the TLS connection. PLAIN, LOGIN and OAuth show the
// server a secret and belong on TLS: without it they are not chosen unless they are allowed by name.
// CRAM-MD5 comes after PLAIN on TLS and before it elsewhere.
//
// The package opens no connection.
package imapauth
