package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/watch"
)

const listLong = `List the messages of a mailbox, the newest last, and change nothing there.

A line has the UID, the date, marks, the sender, the subject, and the size. The marks:
N not read, A answered, F flagged, D deleted, T draft. --json prints an object a line
with all flags and the envelope. Messages are printed as they arrive, so a mailbox may
be of any size.

For URL and password see "pushmail watch --help" and "pushmail help passwords".`

const listExample = `  pushmail list imaps://jo@mail.example.org/INBOX
  pushmail list --limit 0 --json imaps://jo@mail.example.org/Archive > archive.jsonl
  pushmail list --mailboxes imaps://jo@mail.example.org`

// listFlags are the flags of "list".
type listFlags struct {
	conn      connFlags
	limit     int
	json      bool
	mailboxes bool
}

func (a *app) listCommand() *cobra.Command {
	f := &listFlags{}
	cmd := &cobra.Command{
		Use:     "list [flags] URL",
		Short:   "List the messages of a mailbox, or the mailboxes",
		Long:    listLong,
		Example: listExample,
		Args:    oneURL,
		RunE:    func(cmd *cobra.Command, args []string) error { return a.list(cmd.Context(), f, args[0]) },

		DisableFlagsInUseLine: true,
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.IntVarP(&f.limit, "limit", "n", 50, "list the last `N` messages, 0 for all")
	fs.BoolVar(&f.json, "json", false, "print an object of JSON a line")
	fs.BoolVar(&f.mailboxes, "mailboxes", false, "list the names of the mailboxes instead")
	f.conn.register(fs)
	return cmd
}

func (a *app) list(ctx context.Context, f *listFlags, url string) error {
	if f.limit < 0 {
		return usageError{errors.New("--limit must not be negative")}
	}
	c, err := f.conn.resolve(a, url)
	if err != nil {
		return err
	}
	defer c.close()
	ctx, done := untilHangup(ctx, a.out)
	defer done()
	return atURL(c.url, a.listFrom(ctx, f, c))
}

func (a *app) listFrom(ctx context.Context, f *listFlags, c *connection) (err error) {
	conn, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Logout(context.WithoutCancel(ctx)) }()
	if f.mailboxes {
		return a.listMailboxes(ctx, f, conn)
	}
	box, err := conn.Select(ctx, c.mailbox, &imap.SelectOptions{ReadOnly: true})
	if refused(err) {
		return &watch.MailboxError{Mailbox: c.mailbox, Err: err}
	}
	if err != nil || box.Exists == 0 {
		return err
	}
	return a.listMessages(ctx, f, conn, box.Exists)
}

// refused reports whether the server said NO or BAD, and that about the command and not about the connection.
func refused(err error) bool {
	var st *imap.StatusError
	return errors.As(err, &st) && st.Kind != imap.BYE
}

// listItems are what is fetched of each message.
const listItems = imap.ItemFlags | imap.ItemInternalDate | imap.ItemSize | imap.ItemEnvelope | imap.ItemBody

// listMessages prints the last messages of the selected mailbox, which has exists of them. One FETCH
// gets them all: no message can be removed from a mailbox while it runs (RFC 9051 section 7.5.1), so
// sequence numbers hold.
func (a *app) listMessages(ctx context.Context, f *listFlags, conn *imapclient.Conn, exists uint32) error {
	first := imap.SeqNum(1)
	if f.limit > 0 && uint64(f.limit) < uint64(exists) {
		first = imap.SeqNum(exists - uint32(f.limit) + 1)
	}
	total := int(exists - uint32(first) + 1)
	row := a.rowPrinter(f.json)
	bar := a.progress(total, "messages")
	defer bar.finish()
	for m, err := range conn.FetchSeq(ctx, imap.SetOfRange(first, imap.SeqNum(exists)), &imap.FetchOptions{Items: listItems}) {
		if err != nil {
			return err
		}
		if err := row(m); err != nil {
			return err
		}
		bar.step()
	}
	return nil
}

func (a *app) listMailboxes(ctx context.Context, f *listFlags, conn *imapclient.Conn) error {
	boxes, err := conn.List(ctx, nil)
	if err != nil {
		return err
	}
	for _, box := range boxes {
		line := clean(box.Mailbox) + "\n"
		if f.json {
			if line, err = mailboxJSON(&box.List); err != nil {
				return err
			}
		}
		if err := write(a.out, line); err != nil {
			return err
		}
	}
	return nil
}

// connect makes an authenticated connection.
func (c *connection) connect(ctx context.Context) (*imapclient.Conn, error) {
	conn, err := imapclient.Dial(ctx, &c.client)
	if err != nil {
		return nil, err
	}
	if conn.State() == imapclient.StateNotAuthenticated {
		err = c.login(ctx, conn)
	}
	if err == nil && conn.Capabilities().Has(imap.CapID) {
		// Some providers refuse to open a mailbox before.
		if _, idErr := conn.ID(ctx, clientID()...); idErr != nil && !refused(idErr) {
			err = fmt.Errorf("introduce ourselves: %w", idErr)
		}
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}
