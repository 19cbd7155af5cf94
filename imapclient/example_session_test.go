package imapclient_test

import (
	"context"
	"fmt"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
)

// The number of messages in many mailboxes: all commands are on their way before the first answer is back.
func ExampleConn_Pipeline() {
	server := imaptest.NewServer(nil)
	defer server.Close()
	user := server.AddUser("jo", "secret")
	ctx := context.Background()
	c, err := imapclient.New(ctx, server.Pipe(), &imapclient.Options{Security: imapclient.InsecurePlaintext})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	if err := c.Login(ctx, "jo", "secret"); err != nil {
		fmt.Println(err)
		return
	}
	names := []string{"Drafts", "Sent", "Lists/go", "Lists/imap"}
	for i, name := range names {
		box := user.Mailbox(name)
		for range i {
			box.Append([]byte("Subject: Hello\n\nHi\n"))
		}
	}

	messages := make([]uint32, len(names))
	calls := make([]func(context.Context, *imapclient.Conn) error, len(names))
	for i, name := range names {
		calls[i] = func(ctx context.Context, c *imapclient.Conn) error {
			status, err := c.Status(ctx, name, imap.StatusMessages)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			messages[i] = status.Messages
			return nil
		}
	}
	if err := c.Pipeline(ctx, calls...); err != nil {
		fmt.Println(err)
	}
	for i, name := range names {
		fmt.Println(name, messages[i])
	}

	// Output:
	// Drafts 0
	// Sent 1
	// Lists/go 2
	// Lists/imap 3
}
