package clients

import (
	"context"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/pushmail/pushmail/bench/recording"
)

func goimap2Fetch(addr string, use func(*imapclient.FetchCommand) error, m *meter) error {
	c, err := imapclient.DialInsecure(addr, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Login("jo", "pass").Wait(); err != nil {
		return err
	}
	selected, err := c.Select("INBOX", &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil {
		return err
	}
	var all imap.SeqSet
	all.AddRange(1, selected.NumMessages)
	m.start()
	cmd := c.Fetch(all, &imap.FetchOptions{
		UID: true, Flags: true, InternalDate: true, RFC822Size: true, Envelope: true,
		BodyStructure: &imap.FetchItemBodyStructure{Extended: true},
	})
	if err := use(cmd); err != nil {
		return err
	}
	return c.Logout().Wait()
}

func goimap2Stream(_ context.Context, addr string, m *meter) error {
	return goimap2Fetch(addr, func(cmd *imapclient.FetchCommand) error {
		for {
			data := cmd.Next()
			if data == nil {
				break
			}
			row, err := data.Collect()
			if err != nil {
				return err
			}
			if row.Envelope == nil { // cut off; Close says why
				break
			}
			countGoimap2(&m.r.Totals, row)
		}
		err := cmd.Close()
		m.stop()
		return err
	}, m)
}

func goimap2Collect(_ context.Context, addr string, m *meter) error {
	return goimap2Fetch(addr, func(cmd *imapclient.FetchCommand) error {
		all, err := cmd.Collect()
		m.stop()
		if err != nil {
			return err
		}
		m.live()
		for _, row := range all {
			countGoimap2(&m.r.Totals, row)
		}
		return nil
	}, m)
}

func countGoimap2(t *recording.Totals, row *imapclient.FetchMessageBuffer) {
	e := row.Envelope
	t.Messages++
	t.UIDs += uint64(row.UID)
	t.Sizes += uint64(row.RFC822Size)
	t.Decoded += sum(e.Subject)
	t.Addresses += len(e.From) + len(e.Sender) + len(e.ReplyTo) + len(e.To) + len(e.Cc) + len(e.Bcc)
	t.Leaves += leavesGoimap2(row.BodyStructure)
}

func leavesGoimap2(b imap.BodyStructure) int {
	switch b := b.(type) {
	case *imap.BodyStructureSinglePart:
		if b.MessageRFC822 != nil {
			return 1 + leavesGoimap2(b.MessageRFC822.BodyStructure)
		}
		return 1
	case *imap.BodyStructureMultiPart:
		n := 0
		for _, child := range b.Children {
			n += leavesGoimap2(child)
		}
		return n
	}
	return 0
}
