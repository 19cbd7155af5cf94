// Package imapsort sorts and threads messages on this side, as a server with SORT and THREAD would
// (RFC 5256, RFC 5957): for servers that have neither, and for messages that are kept locally. It is
// pure: no I/O, no clock; the same messages give the same result in whatever order they come.
//
// Make a [Message] of what FETCH told with [FromFetch], and give them to [Sort] or [Thread]:
//
//	messages = append(messages, imapsort.FromFetch(row, nil))
//	threads, err := imapsort.Thread(messages, "REFERENCES", nil)
//
// imapclient's Conn.Sort and Conn.Thread do it when the server cannot.
//
// Time and memory grow with the number of messages and of their references (times its logarithm, for
// sorting), whatever senders write into them; nothing is recursive.
package imapsort
