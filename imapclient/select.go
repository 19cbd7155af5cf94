package imapclient

import (
	"context"
	"fmt"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// Selected is what the server says of a mailbox when it is selected (RFC 9051 section 6.3.2).
type Selected struct {
	Mailbox        string
	ReadOnly       bool
	Exists         uint32
	Recent         uint32
	Unseen         imap.SeqNum
	UIDNext        imap.UID // 0 if the server did not say
	UIDValidity    uint32   // 0 if the server did not say
	UIDNotSticky   bool
	HighestModSeq  imap.ModSeq // 0 if the server did not say, or has none
	NoModSeq       bool        // the mailbox keeps no modification sequences
	Flags          []imap.Flag
	PermanentFlags []imap.Flag
	MailboxID      string // RFC 8474
	// Changes are the responses to imap.SelectOptions.QResync in their order: *imap.Vanished (Earlier)
	// and *imap.Message.
	Changes []imap.Response
}

// Select selects a mailbox with SELECT or EXAMINE. CONDSTORE is left out where the server does not
// offer it; QRESYNC must have been enabled. A mailbox that was selected before is given up first, also when the server
// refuses the new one: then none is selected (RFC 9051 section 6.3.2).
//
// If ctx ends on the way it is unknown which mailbox is selected; the next Select makes it known.
func (c *Conn) Select(ctx context.Context, name string, o *imap.SelectOptions) (*Selected, error) {
	if err := c.need(StateAuthenticated); err != nil {
		return nil, err
	}
	if o == nil {
		o = &imap.SelectOptions{}
	}
	if o.QResync != nil && !c.Enabled().Has(imap.CapQResync) {
		return nil, notSent(fmt.Errorf("select with QRESYNC: %w", &UnsupportedError{imap.CapQResync}))
	}
	if o.Annotate {
		if err := c.require(imap.CapAnnotate); err != nil {
			return nil, err
		}
	}
	s := &Selected{Mailbox: name, ReadOnly: o.ReadOnly}
	verb := "SELECT"
	if o.ReadOnly {
		verb = "EXAMINE"
	}
	// RFC 7162 section 3.2.11: until CLOSED, what comes still belongs to the mailbox selected before, and
	// to the Handler. It is noted all the same, for servers that forget CLOSED.
	closed := c.State() != StateSelected || !c.Enabled().Has(imap.CapQResync)
	cmd, err := c.onMailbox(ctx, verb, name, func(e *imapwire.Command) {
		e.SelectParams(o.CondStore && c.Capabilities().Has(imap.CapCondStore), o.Annotate, o.QResync)
	}, func(r imap.Response) bool {
		if st, ok := r.(*imap.Status); ok && st.HasCode(imap.CodeClosed) {
			closed = true
			*s = Selected{Mailbox: name, ReadOnly: o.ReadOnly}
			return true
		}
		return s.take(r, o.QResync != nil) && closed
	})
	if err != nil {
		if !SafeToRetry(err) {
			c.setState(StateAuthenticated)
		}
		return nil, err
	}
	if code := cmd.status.Code; code != nil {
		s.takeCode(code) // READ-ONLY (RFC 9051 section 6.3.2)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = StateSelected
	c.selected.set(s)
	return s, nil
}

// take notes a response that belongs to the answer to SELECT. Only with QRESYNC are changes part of it.
func (s *Selected) take(r imap.Response, qresync bool) bool {
	switch r := r.(type) {
	case imap.Exists:
		s.Exists = uint32(r)
	case imap.Recent:
		s.Recent = uint32(r)
	case imap.MailboxFlags:
		s.Flags = r
	case *imap.Vanished, *imap.Message:
		if !qresync {
			return false
		}
		s.Changes = append(s.Changes, r)
	case *imap.Status:
		return r.Code != nil && s.takeCode(r.Code)
	case *imap.List: // RFC 9051 section 6.3.2: IMAP4rev2 repeats the name
		return r.Kind == imap.ListKindList && (alike(r.Mailbox, s.Mailbox) || alike(r.OldName, s.Mailbox))
	default:
		return false
	}
	return true
}

func (s *Selected) takeCode(code *imap.Code) bool {
	switch code.Name {
	case imap.CodeUIDNext:
		s.UIDNext = imap.UID(code.Num)
	case imap.CodeUIDValidity:
		s.UIDValidity = uint32(code.Num)
	case imap.CodeUnseen:
		s.Unseen = imap.SeqNum(code.Num)
	case imap.CodeHighestModSeq:
		s.HighestModSeq = imap.ModSeq(code.Num)
	case imap.CodeNoModSeq:
		s.NoModSeq = true
	case imap.CodePermanentFlags:
		s.PermanentFlags = code.Flags
	case imap.CodeUIDNotSticky:
		s.UIDNotSticky = true
	case imap.CodeReadOnly:
		s.ReadOnly = true
	case imap.CodeMailboxID:
		if len(code.Words) > 0 {
			s.MailboxID = code.Words[0]
		}
	default:
		return false
	}
	return true
}
