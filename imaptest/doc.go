// Package imaptest tests IMAP clients without a network and without waiting.
//
// [Server] is an in-memory IMAP4rev1 server with the extensions that matter to a client that watches
// mailboxes: IDLE, CONDSTORE, QRESYNC, UIDPLUS, MOVE, ESEARCH, LIST-STATUS, OBJECTID, and, for who asks, NOTIFY. It speaks the
// real protocol over any [net.Conn], to many sessions that see each other's changes as they happen.
// A test changes mailboxes with plain Go calls ([Mailbox.Append], [Mailbox.AddFlags],
// [Mailbox.Expunge]) and makes the server fail the way servers fail: refuse, delay or forget commands
// ([ServerOptions.OnCommand]), cut, stall or half-close a connection, push nothing while idle, send
// one byte at a time, or write garbage ([Session]).
//
// [Transcript] plays the server's side of one conversation from a script, when a test is about the
// exact bytes and their order.
//
// Both work inside a [testing/synctest] bubble over [net.Pipe], where 29 minutes of IDLE cost nothing:
// nothing here sleeps, and every goroutine ends with its connection.
//
// When this server and a real one disagree, this one is wrong. Its answers are compared with those of
// Dovecot in the tests.
package imaptest
