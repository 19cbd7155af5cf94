package imapsort_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapsort"
)

func ExampleThread() {
	rows := []*imap.Message{ // from FETCH (UID INTERNALDATE ENVELOPE …)
		{UID: 7, InternalDate: time.Unix(100, 0), Envelope: &imap.Envelope{Subject: "Lunch?", MessageID: "<a@x>"}},
		{UID: 8, InternalDate: time.Unix(200, 0), Envelope: &imap.Envelope{Subject: "Re: Lunch?", MessageID: "<b@x>", InReplyTo: "<a@x>"}},
		{UID: 9, InternalDate: time.Unix(300, 0), Envelope: &imap.Envelope{Subject: "Minutes", MessageID: "<c@x>"}},
		{UID: 10, InternalDate: time.Unix(400, 0), Envelope: &imap.Envelope{Subject: "Re: Lunch?", MessageID: "<d@x>", InReplyTo: "<b@x>"}},
	}
	var messages []imapsort.Message
	for _, row := range rows {
		messages = append(messages, imapsort.FromFetch(row, nil))
	}
	threads, err := imapsort.Thread(messages, "REFERENCES", nil)
	if err != nil {
		fmt.Println(err)
	}
	var show func(nodes []imap.ThreadNode, depth int)
	show = func(nodes []imap.ThreadNode, depth int) {
		for _, n := range nodes {
			fmt.Println(strings.Repeat("  ", depth), n.Num)
			show(n.Children, depth+1)
		}
	}
	show(threads, 0)
	// Output:
	//  7
	//    8
	//      10
	//  9
}
