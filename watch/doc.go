// Package watch turns a mailbox into an ordered, resumable stream of changes: nothing lost, nothing
// silently deaf.
//
//	for ev, err := range watch.Mailbox(ctx, watch.Options{
//		Client: imapclient.Options{Addr: "mail.example.org"},
//		Login:  func(ctx context.Context, c *imapclient.Conn) error { return c.Login(ctx, "jo", secret) },
//		Store:  watch.FileStore{Dir: "state"},
//	}) {
//		if err != nil { … }
//		if ev.Type == watch.MessageNew { … }
//	}
//
// # What is promised
//
// At least once, in order. Asking for the next event acknowledges the one before: only then does the
// checkpoint move past it. A program that dies in between is told the event again at its next start,
// with the same ID. Nothing is promised of what came and went unseen: a message that arrived and was
// removed while nobody looked is no event, nor are flags that were set and taken back.
//
// The push of a server is a hint, the checkpoint is the truth. After every (re)connect the mailbox
// is compared with the checkpoint before anything is waited for, by the cheapest way that the server
// offers: QRESYNC, CONDSTORE (RFC 7162), or a comparison of UIDs and flags. On a schedule the server
// is asked for its figures, whatever it pushed: a server that forgot to push is found out.
//
// # Who runs it
//
// The goroutine that ranges over the sequence does all the work; there is no other. While the body
// of the loop runs, nothing is read from the server; it may take its time.
package watch
