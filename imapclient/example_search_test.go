package imapclient_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
)

// searchForExample returns a connection with four messages in INBOX, which is selected.
func searchForExample(ctx context.Context) (c *imapclient.Conn, end func(), err error) {
	s := imaptest.NewServer(nil)
	inbox := s.AddUser("jo", "secret").Mailbox("INBOX")
	for _, header := range []string{
		"Subject: Lunch?\r\nFrom: ann@example.org\r\nMessage-ID: <a@x>\r\nDate: Thu, 1 Jan 2026 10:00:00 +0000",
		"Subject: Minutes\r\nFrom: bob@example.org\r\nMessage-ID: <b@x>\r\nDate: Wed, 7 Jan 2026 10:00:00 +0000",
		"Subject: Re: Lunch?\r\nFrom: jo@example.org\r\nMessage-ID: <c@x>\r\nIn-Reply-To: <a@x>\r\nDate: Sat, 3 Jan 2026 10:00:00 +0000",
		"Subject: Re: Lunch?\r\nFrom: ann@example.org\r\nMessage-ID: <d@x>\r\nReferences: <a@x> <c@x>\r\nDate: Fri, 9 Jan 2026 10:00:00 +0000",
	} {
		inbox.Append([]byte(header + "\r\n\r\nHello.\r\n"))
	}
	if err := s.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, nil, err
	}
	c, err = imapclient.Dial(ctx, &imapclient.Options{Addr: s.Addr().String(), TLSConfig: s.TLSConfig()})
	if err == nil {
		err = c.Login(ctx, "jo", "secret")
	}
	if err == nil {
		_, err = c.Select(ctx, "INBOX", nil)
	}
	return c, func() { c.Close(); s.Close() }, err
}

// How many there are, without a list of them.
func ExampleConn_SearchWith() {
	ctx := context.Background()
	c, end, err := searchForExample(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer end()
	key := imap.And(imap.Subject("lunch"), imap.Not(imap.From("jo@")), imap.SentSince(time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)))
	found, err := c.SearchWith(ctx, key, &imapclient.SearchOptions{Return: imap.ReturnCount | imap.ReturnMax})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(found.Count, "found, the newest has UID", found.Max)
	// Output: 1 found, the newest has UID 4
}

// The two newest messages, for the first page of a list. Here the server has no SORT.
func ExampleConn_Sort() {
	ctx := context.Background()
	c, end, err := searchForExample(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer end()
	newest := []imap.SortKey{{Key: "DATE", Reverse: true}}
	found, err := c.Sort(ctx, newest, imap.All(), &imapclient.SearchOptions{Return: imap.ReturnCount, Partial: &imap.PartialRange{First: 1, Last: 2}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(slices.Collect(found.Partial.Order.All()), "of", found.Count, "sorted here:", found.Local)
	// Output: [4 2] of 4 sorted here: true
}

func ExampleConn_Thread() {
	ctx := context.Background()
	c, end, err := searchForExample(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer end()
	threads, err := c.Thread(ctx, "REFERENCES", imap.All(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	// Without recursion, for threads can be very deep.
	type place struct {
		node  imap.ThreadNode
		depth int
	}
	var stack []place
	for _, root := range slices.Backward(threads.Roots) {
		stack = append(stack, place{root, 0})
	}
	for len(stack) > 0 {
		p := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		fmt.Printf("%s%d\n", strings.Repeat("  ", p.depth), p.node.Num)
		for _, child := range slices.Backward(p.node.Children) {
			stack = append(stack, place{child, p.depth + 1})
		}
	}
	// Output:
	// 1
	//   3
	//     4
	// 2
}
