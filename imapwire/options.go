package imapwire

// Options are the settings that a [Framer], a [Decoder] and the encoder share. Nil means the defaults,
// and so does a zero field.
type Options struct {
	// Limits bound what a peer can make us keep or parse.
	Limits Limits
	// Quirks are the tolerances to switch off. The zero value leaves all of them on.
	Quirks QuirkSet
	// UTF8 says that names and strings are UTF-8: after ENABLE UTF8=ACCEPT (RFC 6855) or IMAP4rev2
	// (RFC 9051). Mailbox names are then not decoded from modified UTF-7.
	UTF8 bool
}

// resolved returns a copy of o in which every limit is set.
func (o *Options) resolved() Options {
	var r Options
	if o != nil {
		r = *o
	}
	r.Limits = r.Limits.withDefaults()
	return r
}
