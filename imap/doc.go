// Package imap is the vocabulary of IMAP4rev1 (RFC 3501), IMAP4rev2 (RFC 9051) and their extensions:
// the values that a client and a server exchange, as plain Go values.
//
// It owns no I/O, no parser and no connection. Package imapwire turns bytes into these values and
// back, package imapclient exchanges them with a server, package mailbox reasons about them. It
// uses the standard library alone, so that the vocabulary never moves under its users.
//
// # Strings
//
// Strings are what the server sent, without the quoting of the wire. Mailbox names are UTF-8
// (decoded from modified UTF-7 where the server uses it). Header values in an [Envelope] may hold
// RFC 2047 encoded words; [Envelope] and [Address] say how to read them.
//
// Strings of one [Message] share one allocation. Keep a whole Message, or clone (strings.Clone)
// the few strings that outlive it.
package imap
