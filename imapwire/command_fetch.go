package imapwire

import (
	"strconv"

	"github.com/pushmail/pushmail/imap"
)

// fetchItemNames has the words of FETCH items, in the order in which they are sent.
var fetchItemNames = []struct {
	item imap.Items
	name string
}{
	{imap.ItemUID, "UID"},
	{imap.ItemFlags, "FLAGS"},
	{imap.ItemInternalDate, "INTERNALDATE"},
	{imap.ItemSize, "RFC822.SIZE"},
	{imap.ItemEnvelope, "ENVELOPE"},
	{imap.ItemBody, "BODYSTRUCTURE"},
	{imap.ItemBodyBasic, "BODY"},
	{imap.ItemModSeq, "MODSEQ"},
	{imap.ItemEmailID, "EMAILID"},
	{imap.ItemThreadID, "THREADID"},
	{imap.ItemSaveDate, "SAVEDATE"},
	{imap.ItemPreview, "PREVIEW"},
	{imap.ItemGmailMsgID, "X-GM-MSGID"},
	{imap.ItemGmailThreadID, "X-GM-THRID"},
	{imap.ItemGmailLabels, "X-GM-LABELS"},
}

// Fetch appends what follows the message set in FETCH: the items, and modifiers if any (RFC 9051
// section 6.4.5, RFC 4466 section 2.4).
func (c *Command) Fetch(o *imap.FetchOptions) *Command {
	c.FetchItems(o)
	if o.ChangedSince == 0 && !o.Vanished && o.Partial == nil {
		return c
	}
	if o.Vanished && (o.ChangedSince == 0 || c.name != "UID FETCH") {
		// RFC 7162 section 3.2.6.
		return c.fail("VANISHED", "needs CHANGEDSINCE and UID FETCH")
	}
	return c.List(func(c *Command) {
		if o.ChangedSince != 0 {
			c.Atom("CHANGEDSINCE").ModSeq(o.ChangedSince)
		}
		if o.Vanished {
			c.Atom("VANISHED")
		}
		if o.Partial != nil {
			c.Atom("PARTIAL").partial(o.Partial)
		}
	})
}

// FetchItems appends the items of o as a list, always in the same order.
func (c *Command) FetchItems(o *imap.FetchOptions) *Command {
	empty := true
	c.List(func(c *Command) {
		start := c.args
		c.fetchItems(o)
		empty = c.args == start
	})
	if empty {
		return c.fail("FETCH items", "are missing")
	}
	return c
}

func (c *Command) fetchItems(o *imap.FetchOptions) {
	for _, it := range fetchItemNames {
		if !o.Items.Has(it.item) {
			continue
		}
		c.raw(it.name)
		if it.item == imap.ItemPreview && o.PreviewLazy {
			c.words([]string{"LAZY"})
		}
	}
	if o.Items.Has(imap.ItemAnnotations) {
		c.Atom("ANNOTATION").annotationItems(o)
	}
	for i := range o.Sections {
		c.Section(&o.Sections[i])
	}
	for _, x := range o.Extra {
		c.Raw(x)
	}
}

// Section appends the request for a section.
func (c *Command) Section(r *imap.SectionRequest) *Command {
	c.next()
	data, err := r.AppendText(c.cur.Data)
	if err != nil {
		return c.fail("section", "is not valid")
	}
	c.cur.Data = data
	return c
}

// annotationItems appends which entries and attributes are wanted (RFC 5257 section 4.3).
func (c *Command) annotationItems(o *imap.FetchOptions) *Command {
	if len(o.AnnotationEntries) == 0 || len(o.AnnotationAttributes) == 0 {
		return c.fail("annotations", "need entries and attributes")
	}
	return c.List(func(c *Command) {
		c.strings(o.AnnotationEntries).strings(o.AnnotationAttributes)
	})
}

// partial appends a window of results (RFC 9394 section 3.1).
func (c *Command) partial(p *imap.PartialRange) *Command {
	c.next()
	const top = 1<<32 - 1
	forward := p.First >= 1 && p.Last >= 1 && p.First <= top && p.Last <= top
	backward := p.First <= -1 && p.Last <= -1 && p.First >= -top && p.Last >= -top
	if !forward && !backward {
		return c.fail("range", "needs two positions, both from the start or both from the end")
	}
	c.cur.Data = strconv.AppendInt(c.cur.Data, p.First, 10)
	c.cur.Data = append(c.cur.Data, ':')
	c.cur.Data = strconv.AppendInt(c.cur.Data, p.Last, 10)
	return c
}
