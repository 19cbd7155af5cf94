package mailbox_test

import (
	"context"
	"fmt"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/mailbox"
)

// follower has a View of the mailbox that is selected on a Conn. Its observe goes into Options.Observer, and
// its changes name messages by UID, whatever the server named them by.
type follower struct {
	opening func(imap.Response) // while the mailbox is being read
	view    *mailbox.View       // afterwards
	changes []mailbox.Change
}

func (f *follower) observe(r imap.Response) {
	switch {
	case f.opening != nil:
		f.opening(r)
	case f.view != nil:
		changes, err := f.view.Apply(r)
		if err != nil {
			f.view = nil // the server and we disagree: open the mailbox anew
		}
		f.changes = append(f.changes, changes...)
	}
}

// open selects a mailbox and reads UIDs and flags of its messages: all of them, since it has no State of
// an earlier session.
func (f *follower) open(ctx context.Context, c *imapclient.Conn, name string) error {
	opened := mailbox.Opened{ESearch: c.Capabilities().Has(imap.CapESearch)}
	f.opening = opened.Observe
	if _, err := c.Select(ctx, name, nil); err != nil {
		return err
	}
	rs := mailbox.Begin(nil, opened)
	f.opening = rs.Feed
	for step, more := rs.Next(); more; step, more = rs.Next() {
		for _, err := range c.Fetch(ctx, step.UIDs, &imap.FetchOptions{Items: imap.ItemFlags}) {
			if err != nil {
				return err
			}
		}
	}
	view, _, _, err := rs.Finish()
	f.view, f.opening = view, nil
	return err
}

// next waits until something has changed.
func (f *follower) next(ctx context.Context, c *imapclient.Conn) (mailbox.Change, error) {
	for len(f.changes) == 0 {
		if err := c.Wait(ctx); err != nil {
			return mailbox.Change{}, err
		}
		if uids, ok := f.view.NeedFetch(); ok {
			for _, err := range c.Fetch(ctx, uids, &imap.FetchOptions{Items: imap.ItemFlags}) {
				if err != nil {
					return mailbox.Change{}, err
				}
			}
		}
	}
	first := f.changes[0]
	f.changes = f.changes[1:]
	return first, nil
}

// What a server pushes names messages by sequence number. Here it comes by UID.
func ExampleView() {
	server := imaptest.NewServer(nil)
	defer server.Close()
	inbox := server.AddUser("jo", "secret").Mailbox("INBOX")
	for range 3 {
		inbox.Append([]byte("Subject: Hello\n\nHi Jo\n"))
	}

	ctx := context.Background()
	var f follower
	c, err := imapclient.New(ctx, server.Pipe(), &imapclient.Options{
		Security: imapclient.InsecurePlaintext,
		Observer: f.observe,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	if err := c.Login(ctx, "jo", "secret"); err != nil {
		fmt.Println(err)
		return
	}
	if err := f.open(ctx, c, "INBOX"); err != nil {
		fmt.Println(err)
		return
	}
	for _, happens := range []func(){
		func() { inbox.AddFlags(2, imap.FlagSeen) }, // "* 2 FETCH (FLAGS (\Seen))"
		func() { inbox.Expunge(1) },                 // "* 1 EXPUNGE"
		func() { inbox.AddFlags(3, imap.FlagSeen) }, // "* 2 FETCH …"
		func() { inbox.Append([]byte("Subject: Bye\n\nBye\n")) },
	} {
		happens()
		change, err := f.next(ctx, c)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(change)
	}

	// Output:
	// flags 2 +\Seen (rev 1)
	// expunge 1
	// flags 3 +\Seen (rev 1)
	// new 4
}
