package clients

import (
	"context"
	"iter"

	"github.com/pushmail/pushmail/bench/recording"
	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
)

// pushmailItems is what is fetched.
var pushmailItems = &imap.FetchOptions{
	Items: imap.ItemUID | imap.ItemFlags | imap.ItemInternalDate | imap.ItemSize | imap.ItemEnvelope | imap.ItemBody,
}

// pushmailSession connects and selects the mailbox, for fetch to fetch all of it.
func pushmailSession(ctx context.Context, addr string, fetch func(*imapclient.Conn, imap.SeqSet) error) error {
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
	if err := fetch(c, imap.SetOfRange(1, imap.SeqNum(selected.Exists))); err != nil {
		return err
	}
	return c.Logout(ctx)
}

// pushmailRows hands the rows of the FETCH to use.
func pushmailRows(ctx context.Context, addr string, use func(iter.Seq2[*imap.Message, error]) error) error {
	return pushmailSession(ctx, addr, func(c *imapclient.Conn, all imap.SeqSet) error {
		return use(c.FetchSeq(ctx, all, pushmailItems))
	})
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

// pushmailEach is pushmailStream with memory that is used again.
func pushmailEach(ctx context.Context, addr string, m *meter) error {
	return pushmailSession(ctx, addr, func(c *imapclient.Conn, all imap.SeqSet) error {
		m.start()
		defer m.stop()
		return c.FetchEach(ctx, all, pushmailItems, func(row *imap.Message) error {
			countPushmail(&m.r.Totals, row)
			m.r.Totals.Subjects += sum(row.Envelope.Subject)
			return nil
		})
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
