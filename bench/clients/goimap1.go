package clients

import (
	"context"

	"github.com/emersion/go-imap"
	"github.com/emersion/go-imap/client"

	"github.com/pushmail/pushmail/bench/recording"
)

func goimap1Stream(_ context.Context, addr string, m *meter) error {
	c, err := client.Dial(addr)
	if err != nil {
		return err
	}
	defer func() { _ = c.Terminate() }()
	if err := c.Login("jo", "pass"); err != nil {
		return err
	}
	selected, err := c.Select("INBOX", true)
	if err != nil {
		return err
	}
	all := new(imap.SeqSet)
	all.AddRange(1, selected.Messages)
	m.start()
	rows := make(chan *imap.Message, 100) // what its examples use
	done := make(chan error, 1)
	go func() {
		done <- c.Fetch(all, []imap.FetchItem{
			imap.FetchUid, imap.FetchFlags, imap.FetchInternalDate, imap.FetchRFC822Size, imap.FetchEnvelope, imap.FetchBodyStructure,
		}, rows)
	}()
	for row := range rows {
		countGoimap1(&m.r.Totals, row)
	}
	err = <-done
	m.stop()
	if err != nil {
		return err
	}
	return c.Logout()
}

func countGoimap1(t *recording.Totals, row *imap.Message) {
	e := row.Envelope
	t.Messages++
	t.UIDs += uint64(row.Uid)
	t.Sizes += uint64(row.Size)
	t.Decoded += sum(e.Subject)
	t.Addresses += len(e.From) + len(e.Sender) + len(e.ReplyTo) + len(e.To) + len(e.Cc) + len(e.Bcc)
	t.Leaves += leavesGoimap1(row.BodyStructure)
}

func leavesGoimap1(b *imap.BodyStructure) int {
	n := 1
	if len(b.Parts) > 0 {
		n = 0
	}
	for _, p := range b.Parts {
		n += leavesGoimap1(p)
	}
	if b.BodyStructure != nil {
		n += leavesGoimap1(b.BodyStructure)
	}
	return n
}
