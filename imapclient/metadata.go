package imapclient

import (
	"context"
	"slices"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// Metadata are entries of a mailbox or of the server, as [Conn.GetMetadata] found them.
type Metadata struct {
	Mailbox string
	// Values are the entries that exist.
	Values []imap.Attribute
	// LongEntries is the size in bytes of the longest value that was left out because of MaxSize; 0 for none.
	LongEntries uint64
}

// Get returns the value of an entry, whose name has no case, and whether it exists.
func (m *Metadata) Get(entry string) (string, bool) {
	for _, v := range m.Values {
		if imap.EqualFlag(imap.Flag(v.Name), imap.Flag(entry)) {
			return v.Value, true
		}
	}
	return "", false
}

// maxEntries bounds what one GETMETADATA returns; what comes after it goes to the Handler.
const maxEntries = 100_000

// GetMetadata returns entries such as "/private/comment" of a mailbox, or of the server if mailbox is ""
// (RFC 5464 section 4.2). Depth asks for what is below the entries, too; MaxSize leaves out long values
// and says so in LongEntries. It needs METADATA; for the server METADATA-SERVER is enough.
//
// That entries have changed, the Handler is told after ENABLE METADATA: see imap.Metadata.Changed.
func (c *Conn) GetMetadata(ctx context.Context, mailbox string, o *imap.GetMetadataOptions, entries ...string) (*Metadata, error) {
	if err := c.needMetadata(mailbox); err != nil {
		return nil, err
	}
	got := &Metadata{Mailbox: mailbox}
	cmd, err := c.exec(ctx, "GETMETADATA", func(e *imapwire.Command) { e.GetMetadata(mailbox, entries, o) }, func(r imap.Response) bool {
		m, ok := r.(*imap.Metadata)
		if !ok || m.Changed != nil || !alike(m.Mailbox, mailbox) || len(got.Values) > maxEntries {
			return false
		}
		got.Values = append(got.Values, existing(m.Values)...) // a server may answer for each entry
		return true
	})
	if err != nil {
		return nil, err
	}
	if code := cmd.status.Code; code != nil && code.Name == imap.CodeMetadata && len(code.Words) > 1 && imap.EqualFlag(imap.Flag(code.Words[0]), "LONGENTRIES") {
		got.LongEntries = code.Num
	}
	return got, nil
}

// existing leaves out entries with NIL, which some servers send for those that do not exist.
func existing(values []imap.Attribute) []imap.Attribute {
	return slices.DeleteFunc(values, func(v imap.Attribute) bool { return v.Nil })
}

// SetMetadata sets entries of a mailbox, or of the server if mailbox is "", and removes those that are Nil
// (RFC 5464 section 4.3): all of them or none. What it needs is as with [Conn.GetMetadata].
//
// A value that is too long, one entry too many, and private entries where there are none are refused
// with the code METADATA, whose words are MAXSIZE with the limit in Num, TOOMANY, and NOPRIVATE.
func (c *Conn) SetMetadata(ctx context.Context, mailbox string, entries ...imap.Attribute) error {
	if err := c.needMetadata(mailbox); err != nil {
		return err
	}
	_, err := c.exec(ctx, "SETMETADATA", func(e *imapwire.Command) { e.SetMetadata(mailbox, entries) }, nil)
	return err
}

func (c *Conn) needMetadata(mailbox string) error {
	if err := c.need(StateAuthenticated); err != nil {
		return err
	}
	if mailbox == "" {
		return c.require(imap.CapMetadataServer)
	}
	return c.require(imap.CapMetadata)
}
