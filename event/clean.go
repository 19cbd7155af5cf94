package event

import (
	"strings"
	"time"
)

// clean makes text valid UTF-8. What servers and senders write need not be.
func clean(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// cleanList returns a copy; nil, which means "not known", stays nil.
func cleanList(list []string) []string {
	if list == nil {
		return nil
	}
	out := make([]string, len(list))
	for i, text := range list {
		out[i] = clean(text)
	}
	return out
}

// orEmpty makes [] of null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// utc returns t in UTC, and zero for what JSON cannot say (RFC 3339 has four digits for a year).
func utc(t time.Time) time.Time {
	if t = t.UTC(); t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}

// keepOffset is utc for a time whose offset tells something.
func keepOffset(t time.Time) time.Time {
	if _, offset := t.Zone(); offset%60 != 0 || offset <= -24*3600 || offset >= 24*3600 {
		return utc(t)
	}
	if utc(t).IsZero() || t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}

func (r Ref) clean() Ref {
	r.Account, r.Mailbox = clean(r.Account), clean(r.Mailbox)
	return r
}

func (s Summary) clean() Summary {
	s.InternalDate = utc(s.InternalDate).Truncate(time.Second)
	s.Preview, s.EmailID, s.ThreadID = clean(s.Preview), clean(s.EmailID), clean(s.ThreadID)
	s.Labels, s.Text = cleanList(s.Labels), clean(s.Text)
	if s.Headers != nil {
		out := make([]Header, len(s.Headers))
		for i, h := range s.Headers {
			out[i] = Header{Name: clean(h.Name), Value: clean(h.Value)}
		}
		s.Headers = out
	}
	if s.Envelope != nil {
		s.Envelope = s.Envelope.clean()
	}
	if s.Attachments != nil {
		out := make([]Attachment, len(s.Attachments))
		for i, a := range s.Attachments {
			out[i] = Attachment{Filename: clean(a.Filename), Type: clean(a.Type), Size: a.Size}
		}
		s.Attachments = out
	}
	return s
}

func (e *Envelope) clean() *Envelope {
	return &Envelope{
		Date:    keepOffset(e.Date).Truncate(time.Second),
		Subject: clean(e.Subject), MessageID: clean(e.MessageID), InReplyTo: clean(e.InReplyTo),
		From: cleanAddresses(e.From), To: cleanAddresses(e.To), Cc: cleanAddresses(e.Cc),
		Bcc: cleanAddresses(e.Bcc), ReplyTo: cleanAddresses(e.ReplyTo),
	}
}

func cleanAddresses(list []Address) []Address {
	out := make([]Address, len(list))
	for i, a := range list {
		out[i] = Address{Name: clean(a.Name), Address: clean(a.Address)}
	}
	return out
}
