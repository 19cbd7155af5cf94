package imapwire

// QuirkInfo describes a quirk.
type QuirkInfo struct {
	Quirk Quirk
	// Name is that of the constant without "Quirk"; it also names the cases in testdata/quirks.txt.
	Name string
	// Servers says where it was seen.
	Servers string
	// Tolerates says what is understood, and as what.
	Tolerates string
}

// String returns the name of the quirk.
func (q Quirk) String() string {
	for i := range QuirkTable {
		if QuirkTable[i].Quirk == q {
			return QuirkTable[i].Name
		}
	}
	return "unknown quirk"
}

// QuirkByName returns the quirk with the name, for settings.
func QuirkByName(name string) (Quirk, bool) {
	for i := range QuirkTable {
		if QuirkTable[i].Name == name {
			return QuirkTable[i].Quirk, true
		}
	}
	return 0, false
}

// QuirkTable lists every quirk.
//
// Some things that servers do need no tolerance, for the decoder never depends on the rule: keywords
// in any case, lines that end in LF, [UNSEEN 0] and other codes whose number must not be zero, codes
// with arguments that cannot be read, MODSEQ (0), unknown items and responses with literals in
// them, status responses at any time, SEARCH in answer to UID SEARCH RETURN, sequence sets in any order,
// attributes twice, the mailbox NIL, the mailbox "Inbox", strings in every form (literals of any
// size within the limits, literal8) and NIL for every string, message/global with its envelope,
// message-ids without angle brackets, and a last address without host that looks like the start of a
// group. Others are not about parsing: what a server does not like to be sent, or does not do.
var QuirkTable = [numQuirks]QuirkInfo{
	{QuirkStrayLineEnd, "StrayLineEnd", "several (MailKit #954)", "empty lines between responses; line ends after the literal of a FETCH row, which was announced too short"},
	{QuirkLiteralHeader, "LiteralHeader", "several", "junk or spaces in a literal header after its number, spaces after it"},

	{QuirkSpaces, "Spaces", "many", "missing spaces before lists, superfluous and trailing ones"},
	{QuirkUnescapedQuote, "UnescapedQuote", "163.com, qiye (go-imap #659, MailKit #485)", "quotes in a quoted string without a backslash, unless what follows looks like the end"},
	{QuirkBackslash, "Backslash", "several", "single backslashes in a quoted string"},
	{QuirkAtomForString, "AtomForString", "several", "atoms where the grammar has strings"},
	{QuirkNumber, "Number", "mail.ru (MailKit #1838, #1840)", "9.3736e+06, quoted numbers, and NIL as 0"},
	{QuirkNegativeNumber, "NegativeNumber", "Exchange (MailKit #823)", "negative numbers as 0"},
	{QuirkTwoBackslashes, "TwoBackslashes", "several", `\\Seen for \Seen`},
	{QuirkFlagString, "FlagString", "several (MailKit #771, #1042)", "flags as strings; NIL as none"},
	{QuirkFlagChars, "FlagChars", "several (MailKit #1906)", "brackets, backslashes and 8-bit bytes in keywords"},
	{QuirkMailboxChars, "MailboxChars", "several (MailKit #222, #2002)", "brackets, percent signs and 8-bit bytes in mailbox names without quotes"},
	{QuirkUnquotedMailbox, "UnquotedMailbox", "Exchange (MailKit #945)", "tabs and spaces in mailbox names without quotes, in LIST and STATUS"},
	{QuirkBareDelimiter, "BareDelimiter", "Domino", `"\" as hierarchy delimiter`},

	{QuirkBareCode, "BareCode", "Exchange, home.pl (MailKit #115)", `"[CODE …]" and "* [CODE …]" as "* OK [CODE …]"`},
	{QuirkBareStatus, "BareStatus", "Yahoo (go-imap #500)", "status responses without text"},
	{QuirkTaggedBye, "TaggedBye", "several", "BYE as the tagged answer to LOGOUT"},
	{QuirkBareContinuation, "BareContinuation", "several", `"+" without a space`},
	{QuirkEmptyCopyUID, "EmptyCopyUID", "Outlook.com (MailKit #555)", "COPYUID with nothing copied"},

	{QuirkSeqZero, "SeqZero", "Courier (MailKit #428)", "FETCH rows for message 0"},
	{QuirkFetchParens, "FetchParens", "Domino (MailKit #943)", "items in parentheses of their own"},
	{QuirkMissingSection, "MissingSection", "Yandex (MailKit #1708)", "a section without a value as NIL"},
	{QuirkModSeq, "ModSeq", "Zoho (MailKit #1686)", "MODSEQ (-1) as none"},
	{QuirkDate, "Date", "Domino (MailKit #1236)", "dates that do not exist as the zero time, and other forms of dates"},
	{QuirkLabelNil, "LabelNil", "Gmail (MailKit #244)", "NIL among labels"},
	{QuirkPreviewList, "PreviewList", "Dovecot 2.3", "the preview in a list with its algorithm"},
	{QuirkEnvelopeLength, "EnvelopeLength", "several (MailKit #669, #932)", "envelopes without their last fields, with more than ten, or NIL"},
	{QuirkMissingDomain, "MissingDomain", "Dovecot, c-client, Exchange", "made-up hosts and mailboxes as none"},
	{QuirkReversedAddress, "ReversedAddress", "Gmail (MailKit #494)", "address and name in each other's place"},
	{QuirkAddressNil, "AddressNil", "SmarterMail (MailKit #991)", `NIL among addresses; "" and () for none`},
	{QuirkAddressLength, "AddressLength", "DavMail (MailKit #1369)", "a name whose literal counts characters, not bytes"},
	{QuirkEmptyMultipart, "EmptyMultipart", "Dovecot, Gmail, QQMail, Yandex (MailKit #205, #777, #1076, #1393, #1841, #1861)", "a multipart without parts"},
	{QuirkEmptyBody, "EmptyBody", "several (MailKit #944)", "() and NIL for a body that is not there"},
	{QuirkMissingSubtype, "MissingSubtype", "several (MailKit #226, #371)", "a media type without subtype as the default of its type"},
	{QuirkNilType, "NilType", "Exchange (MailKit #1415, #1446)", "NIL media types as application/octet-stream"},
	{QuirkMessageBasic, "MessageBasic", "Gmail (MailKit #32, #59)", "message/rfc822 without envelope, body and lines"},
	{QuirkMissingLines, "MissingLines", "several", "text without a number of lines, others with one"},
	{QuirkParamNil, "ParamNil", "several (MailKit #124)", "NIL, nothing, or an empty list in parameters"},
	{QuirkDispositionText, "DispositionText", "Exchange (MailKit #486, #919)", "a disposition without its list, empty, quoted twice, or with parameters in its text"},
	{QuirkMultipartText, "MultipartText", "Exchange", "a description where the disposition of a multipart belongs"},
	{QuirkBodyExtension, "BodyExtension", "several (MailKit #878, #1700)", "lists for strings in extension data, a multipart told as a single part"},
	{QuirkLanguageNil, "LanguageNil", "several (MailKit #953)", "NIL in a list of languages"},

	{QuirkESearchParens, "ESearchParens", "several (MailKit #166, #173)", "ESEARCH data in parentheses"},
	{QuirkMetadataNil, "MetadataNil", "several", "NIL for entries"},
	{QuirkMailboxID, "MailboxID", "Cyrus 3.6", "STATUS with an address of the server's memory for MAILBOXID, as none"},
	{QuirkQuotaList, "QuotaList", "Courier 5.0", "QUOTA without a list of resources, as an empty one"},
}
