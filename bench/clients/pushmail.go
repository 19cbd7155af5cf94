package clients

import (
	"context"
	"iter"

	"github.com/pushmail/pushmail/bench/recording"
	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
)

// pushmailRows connects and hands the rows of the FETCH to use.
func pushmailRows(ctx context.Context, addr string, use func(iter.Seq2[*imap.Message, error]) error) error {
	c, err := imapclient.Dial(ctx, &imapclient.Options{Addr: addr, Security: imapclient.InsecurePlaintext})
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Login(ctx, "jo", "pass"); err != nil {
		return err
	}
	selected, err := c.Select(ctx, "INBOX", &imap.SelectOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	rows := c.FetchSeq(ctx, imap.SetOfRange(1, imap.SeqNum(selected.Exists)), &imap.FetchOptions{
		Items: imap.ItemUID | imap.ItemFlags | imap.ItemInternalDate | imap.ItemSize | imap.ItemEnvelope | imap.ItemBody,
	})
	if err := use(rows); err != nil {
		return err
	}
	return c.Logout(ctx)
}

func pushmailStream(ctx context.Context, addr string, m *meter) error {
	return pushmailRows(ctx, addr, func(rows iter.Seq2[*imap.Message, error]) error {
		m.start()
		defer m.stop()
		for row, err := range rows {
			if err != nil {
				return err
			}
			countPushmail(&m.r.Totals, row)
			m.r.Totals.Subjects += sum(row.Envelope.Subject)
		}
		return nil
	})
}

func pushmailCollect(ctx context.Context, addr string, m *meter) error {
	return pushmailRows(ctx, addr, func(rows iter.Seq2[*imap.Message, error]) error {
		m.start()
		var all []*imap.Message
		for row, err := range rows {
			if err != nil {
				return err
			}
			all = append(all, row)
		}
		m.stop()
		m.live()
		for _, row := range all {
			countPushmail(&m.r.Totals, row)
			m.r.Totals.Subjects += sum(row.Envelope.Subject)
		}
		return nil
	})
}

// pushmailDecoded does what go-imap does by itself, as far as it is work: encoded words and the date.
func pushmailDecoded(ctx context.Context, addr string, m *meter) error {
	return pushmailRows(ctx, addr, func(rows iter.Seq2[*imap.Message, error]) error {
		m.start()
		defer m.stop()
		for row, err := range rows {
			if err != nil {
				return err
			}
			countPushmail(&m.r.Totals, row)
			m.r.Totals.Decoded += sum(decodeEnvelope(row.Envelope))
			decodeParts(row.Body)
		}
		return nil
	})
}

// kept keeps the compiler from leaving out what is decoded.
var kept struct {
	text string
	unix int64
}

func decodeEnvelope(e *imap.Envelope) (subject string) {
	if t, ok := e.Time(); ok {
		kept.unix = t.Unix()
	}
	for _, list := range [...][]imap.Address{e.From, e.Sender, e.ReplyTo, e.To, e.Cc, e.Bcc} {
		for i := range list {
			kept.text = imap.DecodeWords(list[i].Name, nil)
		}
	}
	return imap.DecodeWords(e.Subject, nil)
}

func decodeParts(p *imap.BodyPart) {
	for _, params := range [...][]imap.Param{p.Params, p.DispositionParams} {
		for i := range params {
			kept.text = imap.DecodeWords(params[i].Value, nil)
		}
	}
	kept.text = imap.DecodeWords(p.Description, nil)
	if p.Envelope != nil {
		kept.text = decodeEnvelope(p.Envelope)
	}
	for i := range p.Parts {
		decodeParts(&p.Parts[i])
	}
}

func countPushmail(t *recording.Totals, row *imap.Message) {
	e := row.Envelope
	t.Messages++
	t.UIDs += uint64(row.UID)
	t.Sizes += uint64(row.Size)
	t.Addresses += len(e.From) + len(e.Sender) + len(e.ReplyTo) + len(e.To) + len(e.Cc) + len(e.Bcc)
	t.Leaves += leavesPushmail(row.Body)
}

func leavesPushmail(p *imap.BodyPart) int {
	n := 1
	if len(p.Parts) > 0 && p.Envelope == nil {
		n = 0
	}
	for i := range p.Parts {
		n += leavesPushmail(&p.Parts[i])
	}
	return n
}
