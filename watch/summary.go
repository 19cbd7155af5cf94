package watch

import (
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding/htmlindex"

	"github.com/pushmail/pushmail/event"
	"github.com/pushmail/pushmail/imap"
)

// Bounds of what is kept of one message: a sender can write megabytes into a header.
const (
	maxHeaderText  = 2000
	maxAddresses   = 100
	maxAttachments = 100
	maxPreview     = 500
)

// Summarize decodes what a FETCH row says of a message, as it is in events: text decoded and bounded.
// It keeps nothing of m.
func Summarize(m *imap.Message) *Summary {
	s := &Summary{InternalDate: m.InternalDate.UTC(), Size: m.Size}
	if m.InternalDate.IsZero() {
		s.InternalDate = m.InternalDate
	}
	if m.Envelope != nil {
		s.Envelope = summarizeEnvelope(m.Envelope)
	}
	if m.Body != nil {
		s.Attachments = attachments(m.Body)
	}
	if more := m.More; more != nil {
		s.Preview = shorten(oneLine(more.Preview), maxPreview)
		s.EmailID, s.ThreadID = strings.Clone(more.EmailID), strings.Clone(more.ThreadID)
		if s.EmailID == "" && more.GmailMsgID != 0 {
			s.EmailID, s.ThreadID = fmt.Sprint(more.GmailMsgID), fmt.Sprint(more.GmailThreadID)
		}
	}
	if more := m.More; more != nil && m.Items.Has(imap.ItemGmailLabels) {
		for _, l := range more.GmailLabels[:min(len(more.GmailLabels), maxAddresses)] {
			s.Labels = append(s.Labels, shorten(strings.Clone(l), maxHeaderText))
		}
	}
	for i := range m.Sections {
		if strings.HasPrefix(m.Sections[i].Spec, "HEADER") {
			s.Headers = append(s.Headers, headers(m.Sections[i].Data)...)
		}
	}
	return s
}

func summarizeEnvelope(e *imap.Envelope) *event.Envelope {
	out := &event.Envelope{
		Subject:   headerText(e.Subject),
		From:      addresses(e.From),
		To:        addresses(e.To),
		Cc:        addresses(e.Cc),
		Bcc:       addresses(e.Bcc),
		ReplyTo:   addresses(e.ReplyTo),
		MessageID: shorten(strings.Clone(e.MessageID), maxHeaderText),
		InReplyTo: shorten(strings.Clone(e.InReplyTo), maxHeaderText),
	}
	if at, ok := e.Time(); ok {
		out.Date = at
	}
	return out
}

func headerText(text string) string {
	return shorten(oneLine(imap.DecodeWords(text, charsetReader)), maxHeaderText)
}

// oneLine folds white space, and is a copy.
func oneLine(text string) string { return strings.Clone(strings.Join(strings.Fields(text), " ")) }

// shorten cuts text at a rune.
func shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

func addresses(list []imap.Address) []event.Address {
	list = imap.Mailboxes(list)
	list = list[:min(len(list), maxAddresses)]
	out := make([]event.Address, 0, len(list))
	for i := range list {
		a := &list[i]
		out = append(out, event.Address{
			Name:    shorten(a.DisplayName(charsetReader), maxHeaderText),
			Address: shorten(strings.Clone(a.Addr()), maxHeaderText),
		})
	}
	return out
}

func attachments(body *imap.BodyPart) []event.Attachment {
	out := []event.Attachment{}
	for _, part := range body.Attachments() {
		if len(out) == maxAttachments {
			break
		}
		out = append(out, event.Attachment{
			Filename: shorten(oneLine(part.Filename(charsetReader)), maxHeaderText),
			Type:     part.MediaType(),
			Size:     part.Size,
		})
	}
	return out
}

// charsetReader decodes the charsets of the WHATWG encoding standard, which covers what mail has.
func charsetReader(label string, input io.Reader) (io.Reader, error) {
	enc, err := htmlindex.Get(label)
	if err != nil {
		return nil, err
	}
	return enc.NewDecoder().Reader(input), nil
}
