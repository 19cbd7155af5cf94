package imapwire

import (
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// envelope writes ENVELOPE (RFC 9051 section 7.5.2).
func (w *responseWriter) envelope(e *imap.Envelope) {
	if e == nil {
		w.fail("has no envelope")
		return
	}
	w.raw("(").nString(e.Date).sp().nString(e.Subject)
	for _, list := range [...][]imap.Address{e.From, e.Sender, e.ReplyTo, e.To, e.Cc, e.Bcc} {
		w.sp().addresses(list)
	}
	w.sp().nString(e.InReplyTo).sp().nString(e.MessageID).raw(")")
}

func (w *responseWriter) addresses(list []imap.Address) {
	if len(list) == 0 {
		w.raw("NIL")
		return
	}
	w.raw("(")
	for i := range list {
		a := &list[i]
		w.raw("(").nString(a.Name).raw(" NIL ").nString(a.Mailbox).sp().nString(a.Host).raw(")")
	}
	w.raw(")")
}

// body writes BODYSTRUCTURE, or BODY if it is to go without extension data.
func (w *responseWriter) body(p *imap.BodyPart, ext bool) {
	if p == nil {
		w.fail("has no body")
		return
	}
	if w.depth++; w.depth > DefaultLimits.Depth {
		w.fail("has a body that is nested too deep")
		return
	}
	w.raw("(")
	if strings.EqualFold(p.Type, "multipart") {
		w.multipart(p, ext)
	} else {
		w.singlePart(p, ext)
	}
	w.raw(")")
	w.depth--
}

func (w *responseWriter) multipart(p *imap.BodyPart, ext bool) {
	if len(p.Parts) == 0 || p.Subtype == "" {
		w.fail("has a multipart without parts or subtype")
	}
	for i := range p.Parts {
		w.body(&p.Parts[i], ext)
	}
	w.sp().string(p.Subtype)
	if ext {
		w.sp().params(p.Params)
		w.lastExt(p)
	}
}

func (w *responseWriter) singlePart(p *imap.BodyPart, ext bool) {
	if p.Type == "" || p.Subtype == "" {
		w.fail("has a body part without a media type")
	}
	w.string(p.Type).sp().string(p.Subtype).sp().params(p.Params).sp().nString(p.ID).sp().nString(p.Description)
	w.sp().string(p.Encoding).sp().number63(p.Size)
	switch {
	case strings.EqualFold(p.Type, "text"):
		w.sp().number63(p.Lines)
	case p.Is("message/rfc822"), p.Is("message/global"):
		if len(p.Parts) != 1 {
			w.fail("has a message in a message without its one body")
			return
		}
		w.sp().envelope(p.Envelope)
		w.sp().body(&p.Parts[0], ext)
		w.sp().number63(p.Lines)
	case p.Lines != 0 || len(p.Parts) > 0:
		w.fail("has lines or parts in a body part that cannot have them")
	}
	if !ext {
		return
	}
	w.sp()
	if p.Ext != nil {
		w.nString(p.Ext.MD5)
	} else {
		w.raw("NIL")
	}
	w.lastExt(p)
}

// lastExt writes disposition, language, location, and what was received after them.
func (w *responseWriter) lastExt(p *imap.BodyPart) {
	w.sp()
	if p.Disposition == "" && len(p.DispositionParams) == 0 {
		w.raw("NIL")
	} else {
		w.raw("(").string(p.Disposition).sp().params(p.DispositionParams).raw(")")
	}
	if p.Ext == nil {
		w.raw(" NIL NIL")
		return
	}
	w.sp().languages(p.Ext.Language)
	w.sp().nString(p.Ext.Location)
	if rest := p.Ext.Unknown; rest != "" {
		d := Decoder{lim: DefaultLimits, off: AllQuirks}
		d.start(rest + ")")
		if d.remainder() != rest || d.pos != len(rest)+1 || !isFramed(rest) {
			w.fail("has extension data that are not values")
		}
		w.sp().raw(rest)
	}
}

func (w *responseWriter) languages(tags []string) *responseWriter {
	if len(tags) == 0 {
		return w.raw("NIL")
	}
	w.raw("(")
	for i, tag := range tags {
		if i > 0 {
			w.sp()
		}
		w.string(tag)
	}
	return w.raw(")")
}

// params writes the parameters of a media type or a disposition; none is NIL.
func (w *responseWriter) params(params []imap.Param) *responseWriter {
	if len(params) == 0 {
		return w.raw("NIL")
	}
	w.raw("(")
	for i := range params {
		if i > 0 {
			w.sp()
		}
		w.string(params[i].Name).sp().string(params[i].Value)
	}
	return w.raw(")")
}
