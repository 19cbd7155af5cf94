package imapclient_test

import (
	"context"
	"fmt"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
)

// connectForExample returns a connection to a server in memory, logged in.
func connectForExample(ctx context.Context) (c *imapclient.Conn, end func(), err error) {
	s := imaptest.NewServer(nil)
	u := s.AddUser("jo", "secret")
	u.Mailbox("INBOX").Append([]byte("Subject: Hello\r\n\r\nHow are you?\r\n"))
	u.Mailbox("Projects/Garden")
	if err := s.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, nil, err
	}
	c, err = imapclient.Dial(ctx, &imapclient.Options{Addr: s.Addr().String(), TLSConfig: s.TLSConfig()})
	if err == nil {
		err = c.Login(ctx, "jo", "secret")
	}
	return c, func() { c.Close(); s.Close() }, err
}

// All mailboxes with the number of their messages: one command where the server has LIST-STATUS, and
// otherwise a LIST and a STATUS for each, sent together.
func ExampleConn_List() {
	ctx := context.Background()
	c, end, err := connectForExample(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer end()
	boxes, err := c.List(ctx, &imap.ListOptions{ReturnStatus: imap.StatusMessages | imap.StatusUnseen})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, box := range boxes {
		if box.Has(imap.AttrNoSelect) {
			fmt.Println(box.Mailbox, "has only others below it")
			continue
		}
		fmt.Println(box.Mailbox, box.Status.Messages)
	}
	// Output:
	// INBOX 1
	// Projects has only others below it
	// Projects/Garden 0
}

// Where to put a copy of what was sent.
func ExampleConn_SpecialUses() {
	ctx := context.Background()
	c, end, err := connectForExample(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer end()
	uses, err := c.SpecialUses(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	sent := uses.Mailbox(imap.AttrSent)
	if sent == "" {
		// The server knows of none. Perhaps there is one all the same.
		boxes, err := c.List(ctx, nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		sent = imapclient.GuessSpecialUses(boxes).Mailbox(imap.AttrSent)
	}
	if sent == "" {
		made, err := c.Create(ctx, "Sent")
		if err != nil {
			fmt.Println(err)
			return
		}
		sent = made.Mailbox
	}
	fmt.Println(sent)
	// Output: Sent
}
