// Package imapclient speaks IMAP4rev1 (RFC 3501) and IMAP4rev2 (RFC 9051) with a server.
//
//	c, err := imapclient.Dial(ctx, &imapclient.Options{Addr: "mail.example.org:993"})
//	if err != nil { … }
//	defer c.Close()
//	err = c.Login(ctx, "jo", "secret")
//	box, err := c.Select(ctx, "INBOX", &imapclient.SelectOptions{ReadOnly: true})
//	for m, err := range c.Fetch(ctx, imap.SetOfRange[imap.UID](1, 0), &imapclient.FetchOptions{Items: imap.ItemsAll}) { … }
//
// # Connecting
//
// [Dial] tries the addresses of a host in turns (RFC 8305), speaks TLS from the start unless
// Options.Security says otherwise, and reads the greeting. [Options] has the rest: client certificates
// and roots (TLSConfig), [Pin], [Proxy], what concerns TCP (Dialer, UserTimeout), a deadline for each step. [New]
// takes any net.Conn. [ParseURL] makes Options of a URL, and [Conn.Security] says what a connection became.
//
// # Who drives
//
// A [Conn] has no goroutine of its own. Whoever calls a method drives the connection: sends the
// command and reads until its answer is complete. Calls from several goroutines wait for each other
// in order. Waiting for the server to push is a call too, [Conn.Wait]; a command that comes while
// another goroutine is in Wait interrupts it, and Wait goes on afterwards.
//
// # What the server says by itself
//
// Data that no command asked for (EXISTS, EXPUNGE, FETCH rows of other messages, VANISHED, alerts)
// goes to Options.Handler, in the order of the wire, and never into the results of a command.
//
// # Contexts
//
// Every method that blocks takes a context and returns promptly when it ends. Unless the doc of a
// method says otherwise the connection stays usable: the late answer is read, and thrown away,
// before the next command is sent. Three cases close the connection with a cause: a command that was
// written only in part, a literal that was announced but not sent, and an authentication exchange
// that was under way.
//
// # Errors
//
// *imap.StatusError: the server said NO, BAD or BYE. [ErrNotAuthenticated] and [ErrNotSelected]: the
// command does not fit the state, and nothing was sent. *[UnsupportedError]: the server lacks an
// extension, and nothing was sent. *[TimeoutError], *[GreetingError], *[DialError], *[CertificateError],
// *[SecurityError], *[OptionError]: what they say. Once a connection is closed, every error unwraps to
// net.ErrClosed and to the cause. [Classify] and [SafeToRetry] sort errors by what a caller can do about them.
package imapclient
