// Package event is the JSON that leaves the program: one change of a mailbox, or of the link to it, as
// one CloudEvents 1.0 object. It is the same on stdout, in the body of a webhook and in a stream, and
// docs/events.md is its reference. Receivers written in Go import this package:
//
//	var e event.Event
//	if err := json.Unmarshal(line, &e); err != nil {
//		return err
//	}
//	switch d := e.Data.(type) {
//	case *event.MessageNew:
//		fmt.Println(d.Mailbox, d.UID, d.Envelope.Subject)
//	}
//
// It uses the standard library alone and nothing else of this module. Readers ignore fields that they
// do not know, so that fields can be added; types that they do not know become [Unknown].
package event
