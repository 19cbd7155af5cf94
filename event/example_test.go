package event_test

import (
	"encoding/json"
	"fmt"

	"github.com/pushmail/pushmail/event"
)

func Example() {
	const line = `{"specversion":"1.0","id":"7jgrkxyndc5kfsjx3ibqwuczxe","type":"mail.message.new",
		"source":"imap://jo@mail.example.org/INBOX","subject":"42","time":"2026-11-22T10:00:00.123Z",
		"data":{"account":"jo","mailbox":"INBOX","uidvalidity":1700000000,"uid":42,"envelope":{"subject":"Hello"}}}`
	var e event.Event
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		fmt.Println(err)
		return
	}
	switch d := e.Data.(type) {
	case *event.MessageNew:
		fmt.Println(d.Mailbox, d.UID, d.Envelope.Subject)
	case *event.MessageExpunge:
		fmt.Println(d.UID, "is gone")
	}
	// Output: INBOX 42 Hello
}
