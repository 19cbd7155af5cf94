package imapwire

// Quirk is a tolerance: something that real servers send against the rules, and that is understood all
// the same unless it is switched off. [QuirkTable] says which server each came from.
type Quirk uint8

// Quirks. testdata/quirks has a recorded line for each.
const (
	// Framing.
	QuirkStrayLineEnd  Quirk = iota // empty lines between responses, and after a literal in a FETCH row
	QuirkLiteralHeader              // "{10 }", "{10+x}", "{10} " as literal headers

	// Tokens.
	QuirkSpaces          // missing, superfluous and trailing spaces
	QuirkUnescapedQuote  // a quote inside a quoted string without its backslash
	QuirkBackslash       // a backslash in a quoted string before something else than a quote or backslash
	QuirkAtomForString   // an atom where a string must stand
	QuirkNumber          // numbers as 9.3e+06, quoted, or NIL
	QuirkNegativeNumber  // -1 for a number that is not known
	QuirkTwoBackslashes  // flags as "\\Seen"
	QuirkFlagString      // flags as quoted strings, literals, or NIL
	QuirkFlagChars       // "]", "[" and 8-bit bytes in flags
	QuirkMailboxChars    // brackets and other specials in a mailbox name that is an atom
	QuirkUnquotedMailbox // spaces and tabs in a mailbox name without quotes
	QuirkBareDelimiter   // "\" as the hierarchy delimiter, without its backslash

	// Status responses.
	QuirkBareCode         // "[CODE]" or "* [CODE]" without OK
	QuirkBareStatus       // "* BYE" and "a1 OK" without text
	QuirkTaggedBye        // "a1 BYE"
	QuirkBareContinuation // "+" without a space
	QuirkEmptyCopyUID     // [COPYUID 1  ] without sets

	// FETCH rows.
	QuirkSeqZero         // * 0 FETCH
	QuirkFetchParens     // an item in parentheses of its own
	QuirkMissingSection  // BODY[2] without a value
	QuirkModSeq          // MODSEQ (-1)
	QuirkDate            // dates that do not exist, and one-digit days without a space
	QuirkLabelNil        // NIL among X-GM-LABELS
	QuirkPreviewList     // PREVIEW (FUZZY "text")
	QuirkEnvelopeLength  // an ENVELOPE with too few or too many fields, or NIL
	QuirkMissingDomain   // "MISSING_DOMAIN", ".MISSING-HOST-NAME.", "MISSING_MAILBOX" in addresses
	QuirkReversedAddress // ("<jo@example.org>" NIL "name" NIL)
	QuirkAddressNil      // NIL among addresses, "" or () for none
	QuirkAddressLength   // an address whose literal was announced too short
	QuirkEmptyMultipart  // a multipart without parts
	QuirkEmptyBody       // () or NIL where a body must stand
	QuirkMissingSubtype  // ("TEXT" ("CHARSET" …
	QuirkNilType         // NIL as media type or subtype
	QuirkMessageBasic    // message/rfc822 without envelope and body
	QuirkMissingLines    // text parts without a number of lines, other parts with one
	QuirkParamNil        // NIL in parameters, a parameter without a value
	QuirkDispositionText // a disposition as a string, quoted twice, or (NIL NIL)
	QuirkMultipartText   // a description where the disposition of a multipart belongs
	QuirkBodyExtension   // lists where the extension data has strings
	QuirkLanguageNil     // NIL in a list of languages

	// Other responses.
	QuirkESearchParens // * ESEARCH (TAG "x") UID (ALL 1:3)
	QuirkMetadataNil   // * METADATA "" NIL
	QuirkMailboxID     // MAILBOXID (…) of bytes that are no text
	QuirkQuotaList     // * QUOTA "root" without its list

	numQuirks
)

// QuirkSet is a set of quirks.
type QuirkSet uint64

// Every quirk must have its bit.
const _ = uint(64 - numQuirks)

// AllQuirks has every quirk: as [Options.Quirks] it makes a decoder strict.
const AllQuirks QuirkSet = 1<<numQuirks - 1

// Quirks returns the set of the given quirks.
func Quirks(quirks ...Quirk) QuirkSet {
	var s QuirkSet
	for _, q := range quirks {
		s |= 1 << q
	}
	return s
}

// Has reports whether s holds q.
func (s QuirkSet) Has(q Quirk) bool { return s&(1<<q) != 0 }
