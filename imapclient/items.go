package imapclient

import (
	"fmt"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// itemNeeds are the extensions without which a server does not know an item.
var itemNeeds = []struct {
	items imap.Items
	needs imap.Capability
}{
	{imap.ItemModSeq, imap.CapCondStore},
	{imap.ItemEmailID | imap.ItemThreadID, imap.CapObjectID},
	{imap.ItemSaveDate, imap.CapSaveDate},
	{imap.ItemPreview, imap.CapPreview},
	{imap.ItemGmailMsgID | imap.ItemGmailThreadID | imap.ItemGmailLabels, imap.CapGmail},
	{imap.ItemAnnotations, imap.CapAnnotate},
}

// Supported returns those of the items that the server can be asked for. Use it for what is nice to have:
//
//	o := &imap.FetchOptions{Items: imap.ItemEnvelope | c.Supported(imap.ItemEmailID|imap.ItemPreview)}
func (c *Conn) Supported(items imap.Items) imap.Items {
	caps := c.Capabilities()
	for _, n := range itemNeeds {
		if items&n.items != 0 && !caps.Has(n.needs) {
			items &^= n.items
		}
	}
	return items
}

// requireFetch returns an error unless the server can answer o.
func (c *Conn) requireFetch(o *imap.FetchOptions) error {
	for _, n := range itemNeeds {
		if o.Items&n.items == 0 {
			continue
		}
		if err := c.require(n.needs); err != nil {
			return err
		}
	}
	for i := range o.Sections {
		if o.Sections[i].Item == imap.SectionItemBody {
			continue
		}
		if err := c.require(imap.CapBinary); err != nil {
			return err
		}
	}
	if o.ChangedSince != 0 {
		if err := c.require(imap.CapCondStore); err != nil {
			return err
		}
	}
	if o.Vanished && !c.Enabled().Has(imap.CapQResync) {
		// RFC 7162 section 3.2.6: a server may answer BAD unless QRESYNC was enabled.
		return notSent(fmt.Errorf("fetch with VANISHED: enable QRESYNC first: %w", &UnsupportedError{imap.CapQResync}))
	}
	if o.Partial != nil {
		return c.require(imap.CapPartial)
	}
	return nil
}

// fetchOptions returns what is to be asked for: a copy of o with the UID.
func (c *Conn) fetchOptions(o *imap.FetchOptions) (*imap.FetchOptions, error) {
	if err := c.need(StateSelected); err != nil {
		return nil, err
	}
	with := imap.FetchOptions{}
	if o != nil {
		with = *o
	}
	with.Items |= imap.ItemUID
	return &with, c.requireFetch(&with)
}

// fetchPieces prepares the commands for a set.
func (c *Conn) fetchPieces(set imap.NumSet, o *imap.FetchOptions) (*pieces, error) {
	p, err := c.pieces(fetchName(set), set, func(e *imapwire.Command) { e.Fetch(o) })
	if err != nil || o.Partial == nil {
		return p, err
	}
	if text, err := set.AppendText(nil); err != nil || len(text) > p.room {
		// RFC 9394 section 3.2: the window is one of the whole set.
		return nil, notSent(&imapwire.ArgumentError{
			Command: "UID FETCH", Argument: "message set", Position: 1, Reason: "is too long for a line, and cannot be sent in parts with PARTIAL",
		})
	}
	return p, nil
}

func fetchName(set imap.NumSet) string {
	if set.ByUID() {
		return "UID FETCH"
	}
	return "FETCH"
}
