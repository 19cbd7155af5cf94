package imapwire

import "github.com/pushmail/pushmail/imap"

// converted writes a CONVERTED response (RFC 5259 section 8.1), UID first.
func (w *responseWriter) converted(r *imap.Converted) {
	w.numbered(w.positive(uint32(r.SeqNum)), "CONVERTED")
	w.raw(" (TAG ").string(r.Tag).raw(") (")
	first := len(w.dst)
	if r.UID != 0 {
		w.raw("UID ").number(uint64(r.UID))
	}
	for i := range r.Parts {
		w.next(first).convertedPart(&r.Parts[i])
	}
	w.rawItems(r.Unknown, first)
	w.raw(")")
}

func (w *responseWriter) convertedPart(p *imap.ConvertedPart) {
	switch p.Item {
	case "BINARY", "BODY", "BINARY.SIZE", "BODYPARTSTRUCTURE", "AVAILABLECONVERSIONS":
	default:
		w.fail("has a part of an unknown item")
	}
	w.sectionHead(&p.Section)
	w.sp()
	switch {
	case p.Err != nil:
		w.raw("(ERROR ").string(p.Err.Text).sp().atom(p.Err.Code)
		w.trailer(p.Err.Args)
		w.raw(")")
	case p.Item == "BODYPARTSTRUCTURE":
		if p.Body == nil {
			w.fail("has no body")
			return
		}
		w.body(p.Body, true)
	case p.Item == "AVAILABLECONVERSIONS":
		w.raw("(").strings(p.Types).raw(")")
	default:
		w.sectionContent(&p.Section)
	}
}

// conversion writes a CONVERSION response (RFC 5259 section 5.1).
func (w *responseWriter) conversion(r *imap.Conversion) {
	w.begin("CONVERSION")
	w.sp().string(r.From).sp().string(r.To)
	if len(r.Params) > 0 {
		w.sp().strings(r.Params)
	}
}
