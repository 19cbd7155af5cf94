// Package imapwire turns the bytes of an IMAP connection into the values of package imap, and back.
//
// Bytes are framed before they are parsed: a [Framer] finds one whole response, a line with its
// literals, and a [Decoder] turns it into an [imap.Response]. So a response that cannot be parsed
// costs itself and never the connection. Both are bounded by [Limits] and lenient where real servers
// break the rules; each tolerance is a named [Quirk] that can be switched off.
//
// The package does no I/O of its own but through the reader of a Framer, starts no goroutines, and
// uses the standard library alone.
package imapwire
