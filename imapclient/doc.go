// Package imapclient speaks IMAP4rev1 (RFC 3501) and IMAP4rev2 (RFC 9051) with a server.
//
//	c, err := imapclient.Dial(ctx, &imapclient.Options{Addr: "mail.example.org:993"})
//	if err != nil { … }
//	defer c.Close()
//	err = c.SignIn(ctx, &imapauth.Credentials{Username: "jo", Password: imapauth.NewSecret("secret")})
//	box, err := c.Select(ctx, "INBOX", &imap.SelectOptions{ReadOnly: true})
//	for m, err := range c.Fetch(ctx, imap.SetOfRange[imap.UID](1, 0), &imap.FetchOptions{Items: imap.ItemsAll}) { … }
//
// # What there is
//
// Everything is a method of [Conn]; what its arguments and results are made of is in package imap.
//
//   - Connection: [Dial], [New], [ParseURL], [Options]; [Conn.Close], [Conn.Logout], [Conn.Err], [Conn.Done]
//   - Login: [Conn.SignIn] chooses the best way, [Conn.Login], [Conn.Authenticate]; [Conn.Unauthenticate]
//   - What the server can do: [Conn.Capabilities], [Conn.Supported]; [Conn.Enable], [Conn.Enabled]; [Conn.ID], [ClientID]
//   - Mailboxes: [Conn.List], [Conn.SpecialUses], [Conn.Namespace], [Conn.Status]; [Conn.Create], [Conn.Delete],
//     [Conn.Rename], [Conn.Subscribe]; [Conn.GetACL], [Conn.GetQuotaRoot], [Conn.GetMetadata] and their kin
//   - The selected mailbox: [Conn.Select], [Conn.Selected]; [Conn.Unselect], [Conn.CloseMailbox]
//   - Reading: [Conn.Fetch], [Conn.FetchBodies], [Conn.FetchSection], [Conn.Previews]
//   - Searching: [Conn.Search], [Conn.SearchWith], [Conn.SearchLive], [Conn.SearchMailboxes], [Conn.Sort], [Conn.Thread]
//   - Changing: [Conn.Store], [Conn.Copy], [Conn.Move], [Conn.ExpungeUIDs], [Conn.Expunge]; [Conn.Append],
//     [Conn.AppendMessages], [Conn.Replace]
//   - Being told: [Conn.Wait], [Conn.Idle], [Conn.Notify]; Options.Handler, Options.Observer
//   - Speed: [Conn.Pipeline] for many commands in few round trips, [Conn.Compress]
//   - Language and order of texts: [Conn.SetLanguage], [Conn.Comparator]; another protocol: [Conn.JMAPAccess]
//   - Errors: [Classify], [SafeToRetry]; what was said: [Trace]; how far a command is: [Progress]
//
// A method whose extension the server lacks returns an *[UnsupportedError] and sends nothing, unless its doc
// has another way to the same end.
//
// Name messages by UID. A set of UIDs is sent as ranges, in several commands if one line would be too long
// for the server (Options.MaxCommandLine) or the server stops after so many messages (MESSAGELIMIT, RFC
// 9738); if a later part fails, a *[PartialError] says what was done. Sequence numbers are allowed
// wherever the protocol has them, and refused where it forbids them: in a set that is too long for a
// line, after ENABLE UIDONLY (RFC 9586), and where [Conn.Notify] or [Conn.Pipeline] say so.
//
// After ENABLE IMAP4rev2 or UTF8=ACCEPT names and strings are UTF-8 on the wire; here they always are. A server
// that has IMAP4rev2 has what RFC 9051 appendix E lists, be it announced or not: ESEARCH, MOVE, BINARY and so on.
// Literals are sent without waiting where LITERAL+ or LITERAL- allow it (RFC 7888).
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
// goes to Options.Handler, in the order of the wire, and never into the results of a command. An alert or
// a BYE is handed over as soon as it is read; the reason of a BYE is also in the error of the connection.
//
// EXPUNGE and most FETCH rows name messages by sequence number. Package mailbox turns them into UIDs: give
// Options.Observer to a mailbox.View, as its example does. Package watch does that and more: it survives
// lost connections.
//
// # Contexts
//
// Every method that blocks takes a context and returns promptly when it ends. Unless the doc of a
// method says otherwise the connection stays usable: the late answer is read, and thrown away,
// before the next command is sent. What it says is not lost on the connection: ENABLE, NOTIFY, COMPRESS
// and UNAUTHENTICATE take effect when it comes. Three cases close the connection with a cause: a command
// that was written only in part, a literal that was announced but not sent, and a login that was under way.
//
// # Errors
//
// *imap.StatusError: the server said NO, BAD or BYE. [ErrNotAuthenticated] and [ErrNotSelected]: the
// command does not fit the state, and nothing was sent. *[UnsupportedError]: the server lacks an
// extension, and nothing was sent. *[TimeoutError], *[GreetingError], *[DialError], *[CertificateError],
// *[SecurityError], *[OptionError], *[PartialError], *[PipelineError]: what they say. Once a connection is closed, every error unwraps to
// net.ErrClosed and to the cause. [Classify] and [SafeToRetry] sort errors by what a caller can do about them.
package imapclient
