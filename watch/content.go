package watch

import (
	"bufio"
	"context"
	"net/textproto"
	"slices"
	"strings"

	"github.com/pushmail/pushmail/event"
	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/mailbox"
)

// Content says what events tell of a message. The zero value has what one FETCH gives: date, size, envelope,
// attachments, Gmail's labels, and the preview where the server makes one (RFC 8970).
type Content struct {
	// Brief leaves out envelope and attachments.
	Brief bool
	// Headers are the names of header fields to have besides, such as "List-Id". They come with the same
	// FETCH.
	Headers []string
	// Preview has a preview made on this side where the server makes none, for one more round trip.
	Preview bool
	// Text is how many bytes of the text of a message to have, for one more round trip: decoded, and without
	// the markup of HTML. Zero is none; more than 256 KiB are 256 KiB.
	Text int
}

// maxText bounds Content.Text, maxHeaders the fields kept.
const (
	maxText    = 256 << 10
	maxHeaders = 200
)

// contentOptions are what is fetched of a new message.
func (s *session) contentOptions() *imap.FetchOptions {
	c, caps := &s.b.o.Content, s.conn.Capabilities()
	items := imap.ItemUID | imap.ItemFlags | imap.ItemInternalDate | imap.ItemSize
	add := func(have bool, more imap.Items) {
		if have {
			items |= more
		}
	}
	add(!c.Brief || s.basis == mailbox.BasisHeader, imap.ItemEnvelope) // it has the Message-ID
	add(!c.Brief || c.Text > 0, imap.ItemBody)
	add(caps.Has(imap.CapCondStore), imap.ItemModSeq)
	add(caps.Has(imap.CapPreview) && (!c.Brief || c.Preview), imap.ItemPreview)
	add(caps.Has(imap.CapObjectID), imap.ItemEmailID|imap.ItemThreadID)
	add(caps.Has(imap.CapGmail), imap.ItemGmailMsgID|imap.ItemGmailThreadID|imap.ItemGmailLabels)
	o := &imap.FetchOptions{Items: items}
	if len(c.Headers) > 0 {
		o.Sections = []imap.SectionRequest{{Text: imap.SectionHeaderFields, Fields: c.Headers}}
	}
	return o
}

// trim takes out what was fetched for another purpose.
func (c *Content) trim(sum *Summary) {
	if c.Brief {
		sum.Envelope, sum.Attachments = nil, nil
	}
}

// headers decodes the header fields of a section.
func headers(section string) []event.Header {
	out := []event.Header{}
	in := textproto.NewReader(bufio.NewReader(strings.NewReader(section)))
	for len(out) < maxHeaders {
		line, err := in.ReadContinuedLine()
		if err != nil || line == "" {
			break
		}
		if name, value, ok := strings.Cut(line, ":"); ok {
			out = append(out, event.Header{Name: shorten(strings.TrimSpace(name), 100), Value: headerText(value)})
		}
	}
	return out
}

// wantedText is a message whose text is to be fetched.
type wantedText struct {
	uid     imap.UID
	section string         // where its text is; "" if it has none
	part    *imap.BodyPart // what it is
}

func (c *Content) wantText(list []wantedText, m *imap.Message) []wantedText {
	if c.Text <= 0 && !c.Preview {
		return list
	}
	w := wantedText{uid: m.UID}
	if m.Body != nil {
		w.section, w.part = m.Body.TextPart()
	}
	return append(list, w)
}

// fetchTexts fetches previews and texts. A server that refuses costs the event these, no more.
func (s *session) fetchTexts(ctx context.Context, list []wantedText) error {
	if len(list) == 0 {
		return nil
	}
	err := s.fetchPreviews(ctx, list)
	if err == nil && s.b.o.Content.Text > 0 {
		err = s.fetchBodies(ctx, list)
	}
	if err != nil && isRefusal(err) {
		s.b.o.Logger.Warn("the server does not give the text of messages", "account", s.b.o.Account, "mailbox", s.b.name, "err", err)
		return nil
	}
	return err
}

func (s *session) fetchPreviews(ctx context.Context, list []wantedText) error {
	if !s.b.o.Content.Preview || s.conn.Capabilities().Has(imap.CapPreview) {
		return nil
	}
	var set imap.UIDSet
	for _, w := range list {
		set.Add(w.uid)
	}
	for p, err := range s.conn.Previews(ctx, set, nil) {
		if err != nil {
			return err
		}
		if sum := s.fresh[p.UID]; sum != nil {
			sum.Preview = shorten(oneLine(p.Text), maxPreview)
		}
	}
	return nil
}

// fetchBodies fetches the beginning of each text: one FETCH for all whose text is in the same part.
func (s *session) fetchBodies(ctx context.Context, list []wantedText) error {
	bySection := map[string][]wantedText{}
	for _, w := range list {
		if w.part != nil {
			bySection[w.section] = append(bySection[w.section], w)
		}
	}
	length := min(s.b.o.Content.Text, maxText)
	for section, list := range bySection {
		request, err := imap.ParseSection("BODY.PEEK[" + section + "]")
		if err != nil {
			return err
		}
		request.Length = int64(length) * 4 // transfer encodings and markup take room, too
		var set imap.UIDSet
		for _, w := range list {
			set.Add(w.uid)
		}
		for m, err := range s.conn.Fetch(ctx, set, &imap.FetchOptions{Sections: []imap.SectionRequest{request}}) {
			if err != nil {
				return err
			}
			i := slices.IndexFunc(list, func(w wantedText) bool { return w.uid == m.UID })
			if sum := s.fresh[m.UID]; i >= 0 && sum != nil && len(m.Sections) > 0 {
				sum.Text = shorten(list[i].part.DecodeText([]byte(m.Sections[0].Data), charsetReader), length)
			}
		}
	}
	return nil
}
