package imap

import (
	"slices"
	"strings"
)

// Clone returns a copy of m that shares no memory with it: neither structs and lists nor strings. Messages
// that were fetched together share memory, a few tens of kilobytes; who keeps few of them for long keeps
// clones. Errors in Errs are not copied, only their list is.
func (m *Message) Clone() *Message {
	var c cloner
	own := *m
	own.Flags = slices.Clone(m.Flags)
	for i := range own.Flags {
		c.texts = append(c.texts, (*string)(&own.Flags[i]))
	}
	own.Envelope = c.envelope(m.Envelope)
	if m.Body != nil {
		body := *m.Body
		own.Body = &body
		c.part(&body)
	}
	own.Sections = slices.Clone(m.Sections)
	for i := range own.Sections {
		s := &own.Sections[i]
		c.text(&s.Item, &s.Spec, &s.Data)
	}
	own.More = c.more(m.More)
	own.Errs = slices.Clone(m.Errs)
	c.copyTexts()
	return &own
}

// cloner notes the strings of a copy, to copy all of them at once.
type cloner struct{ texts []*string }

func (c *cloner) text(s ...*string) { c.texts = append(c.texts, s...) }

func (c *cloner) copyTexts() {
	n := 0
	for _, s := range c.texts {
		n += len(*s)
	}
	var all strings.Builder
	all.Grow(n)
	for _, s := range c.texts {
		all.WriteString(*s)
		*s = all.String()[all.Len()-len(*s):]
	}
}

func (c *cloner) envelope(e *Envelope) *Envelope {
	if e == nil {
		return nil
	}
	own := *e
	c.text(&own.Date, &own.Subject, &own.InReplyTo, &own.MessageID)
	own.From = c.addresses(e.From)
	for _, list := range []*[]Address{&own.Sender, &own.ReplyTo} {
		if len(*list) > 0 && len(*list) == len(e.From) && &(*list)[0] == &e.From[0] {
			*list = own.From
		} else {
			*list = c.addresses(*list)
		}
	}
	own.To, own.Cc, own.Bcc = c.addresses(e.To), c.addresses(e.Cc), c.addresses(e.Bcc)
	return &own
}

func (c *cloner) addresses(list []Address) []Address {
	own := slices.Clone(list)
	for i := range own {
		c.text(&own[i].Name, &own[i].Mailbox, &own[i].Host)
	}
	return own
}

// part gives p, which is a copy, everything of its own.
func (c *cloner) part(p *BodyPart) {
	c.text(&p.Type, &p.Subtype, &p.ID, &p.Description, &p.Encoding, &p.Disposition)
	p.Params, p.DispositionParams = c.params(p.Params), c.params(p.DispositionParams)
	p.Envelope = c.envelope(p.Envelope)
	p.Parts = slices.Clone(p.Parts)
	for i := range p.Parts {
		c.part(&p.Parts[i])
	}
	if p.Ext != nil {
		ext := *p.Ext
		p.Ext = &ext
		c.text(&ext.MD5, &ext.Location, &ext.Unknown)
		ext.Language = c.list(ext.Language)
	}
}

func (c *cloner) params(list []Param) []Param {
	own := slices.Clone(list)
	for i := range own {
		c.text(&own[i].Name, &own[i].Value)
	}
	return own
}

func (c *cloner) list(list []string) []string {
	own := slices.Clone(list)
	for i := range own {
		c.text(&own[i])
	}
	return own
}

func (c *cloner) more(m *MoreItems) *MoreItems {
	if m == nil {
		return nil
	}
	own := *m
	c.text(&own.EmailID, &own.ThreadID, &own.Preview)
	own.GmailLabels = c.list(m.GmailLabels)
	own.Annotations = slices.Clone(m.Annotations)
	for i := range own.Annotations {
		a := &own.Annotations[i]
		c.text(&a.Entry)
		a.Values = slices.Clone(a.Values)
		for k := range a.Values {
			c.text(&a.Values[k].Name, &a.Values[k].Value)
		}
	}
	own.Unknown = slices.Clone(m.Unknown)
	for i := range own.Unknown {
		c.text(&own.Unknown[i].Name, &own.Unknown[i].Value)
	}
	return &own
}
