package imap

// Converted is a "* n CONVERTED" response (RFC 5259 section 8.1): what CONVERT made of a message.
type Converted struct {
	SeqNum SeqNum
	UID    UID    // 0 if it was not asked for
	Tag    string // of the command
	Parts  []ConvertedPart
	// Unknown has items that this module does not know, as received.
	Unknown []RawItem
}

// ConvertedPart is one item of a [Converted] response. Its Section has the name of the item (BINARY,
// BINARY.SIZE, BODY; BODYPARTSTRUCTURE and AVAILABLECONVERSIONS, too), the part of the message, and the
// content or its size.
type ConvertedPart struct {
	Section
	// Body is BODYPARTSTRUCTURE: what the part is after the conversion (RFC 5259 section 8.2).
	Body *BodyPart
	// Types are AVAILABLECONVERSIONS: media types that the part can be converted to (section 8.4).
	Types []string
	// Err says why there is nothing of the above; nil if there is.
	Err *ConvertError
}

// ConvertError says why a part could not be converted (RFC 5259 section 9).
type ConvertError struct {
	Text string // for people
	Code string // "TEMPFAIL", "BADPARAMETERS" or "MISSINGPARAMETERS", in upper case
	Args string // of the code, as received
}

// Conversion is a "* CONVERSION" response (RFC 5259 section 5.1): the server can convert one media type
// into another. Params are the parameters that it takes for that.
type Conversion struct {
	From, To string
	Params   []string
}
