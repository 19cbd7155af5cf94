package imapclient_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
)

// exampleConn is a connection to a server with three messages.
func exampleConn(ctx context.Context) (c *imapclient.Conn, end func()) {
	srv := imaptest.NewServer(&imaptest.ServerOptions{Plain: true})
	user := srv.AddUser("jo", "secret")
	user.Mailbox("Archive")
	for _, text := range []string{"one", "two", "three"} {
		user.Mailbox("INBOX").Append([]byte("Subject: " + text + "\r\nContent-Type: text/html\r\n\r\n<p>This is <b>" + text + "</b>.</p>\r\n"))
	}
	c, err := imapclient.New(ctx, srv.Pipe(), &imapclient.Options{Security: imapclient.InsecurePlaintext})
	if err == nil {
		err = c.Login(ctx, "jo", "secret")
	}
	if err == nil {
		_, err = c.Select(ctx, "INBOX", nil)
	}
	if err != nil {
		panic(err)
	}
	return c, func() { c.Close(); srv.Close() }
}

// All messages of a mailbox go to files: one command, and no message is ever in memory as a whole.
func ExampleConn_FetchBodies() {
	ctx := context.Background()
	c, end := exampleConn(ctx)
	defer end()
	dir, _ := os.MkdirTemp("", "mail")
	defer os.RemoveAll(dir)
	o := &imap.FetchOptions{Items: imap.ItemSize, Sections: []imap.SectionRequest{{}}}
	for body, err := range c.FetchBodies(ctx, imap.SetOfRange[imap.UID](1, 0), o) {
		if err != nil {
			fmt.Println(err)
			return
		}
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%d.eml", body.Message.UID)))
		if err != nil {
			fmt.Println(err)
			return
		}
		n, err := io.Copy(f, body)
		fmt.Println(body.Message.UID, n, n == body.Message.Size, errors.Join(err, f.Close()))
	}
	// Output:
	// 1 69 true <nil>
	// 2 69 true <nil>
	// 3 73 true <nil>
}

// A download that was cut off goes on where it ended.
func ExampleConn_FetchSection_resume() {
	ctx := context.Background()
	c, end := exampleConn(ctx)
	defer end()
	var file strings.Builder
	n, err := c.FetchSection(ctx, 1, imap.SectionRequest{Length: 20}, &file) // what came before the end of the link
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = c.FetchSection(ctx, 1, imap.SectionRequest{Offset: n, Length: imap.ToEnd}, &file)
	fmt.Println(strings.HasSuffix(file.String(), "one</b>.</p>\r\n"), file.Len(), err)
	// Output: true 69 <nil>
}

func ExampleConn_Previews() {
	ctx := context.Background()
	c, end := exampleConn(ctx)
	defer end()
	for p, err := range c.Previews(ctx, imap.UIDs(1, 3), nil) {
		fmt.Println(p.UID, p.Text, err)
	}
	// Output:
	// 1 This is one. <nil>
	// 3 This is three. <nil>
}

func ExampleConn_Move() {
	ctx := context.Background()
	c, end := exampleConn(ctx)
	defer end()
	moved, err := c.Move(ctx, imap.UIDs(2, 3, 77), "Archive", nil)
	for from, to := range moved.UIDs.All() {
		fmt.Println(from, "is", to, "now")
	}
	fmt.Println(err)

	_, err = c.Move(ctx, imap.UIDs(1), "Nowhere", nil)
	if s, ok := errors.AsType[*imap.StatusError](err); ok && s.HasCode(imap.CodeTryCreate) {
		fmt.Println("create it first")
	}
	// Output:
	// 2 is 1 now
	// 3 is 2 now
	// <nil>
	// create it first
}

func ExampleConn_AppendMessages() {
	ctx := context.Background()
	c, end := exampleConn(ctx)
	defer end()
	done, err := c.AppendMessages(ctx, "Archive",
		imap.AppendMessage{Flags: []imap.Flag{imap.FlagSeen}, Data: []byte("Subject: short\r\n\r\n")},
		imap.AppendMessage{Reader: strings.NewReader("Subject: from a file\r\n\r\n"), Size: 24},
	)
	for _, a := range done {
		fmt.Println(a.UID)
	}
	fmt.Println(err)
	// Output:
	// 1
	// 2
	// <nil>
}
