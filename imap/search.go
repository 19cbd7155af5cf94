package imap

import "time"

// SearchOp is what a [SearchKey] asks: the word of the wire, but for [SearchAnd].
type SearchOp string

// Search keys (RFC 9051 section 6.4.4, and where the comment says), with the fields of [SearchKey]
// that each of them uses.
const (
	SearchAnd   SearchOp = ""      // Keys: all of them; with none, every message
	SearchOr    SearchOp = "OR"    // Keys: one of them at least; with none, no message
	SearchNot   SearchOp = "NOT"   // Keys[0]
	SearchFuzzy SearchOp = "FUZZY" // Keys[0] (RFC 6203)

	SearchUID   SearchOp = "UID" // UIDs
	SearchSeq   SearchOp = "SEQ" // Seqs
	SearchSaved SearchOp = "$"   // the saved result (RFC 5182)

	SearchFlag SearchOp = "KEYWORD" // Flag: the message has it; system flags too
	SearchNew  SearchOp = "NEW"     // \Recent and not \Seen (RFC 3501)

	SearchFrom    SearchOp = "FROM" // Text, in this and the next six
	SearchTo      SearchOp = "TO"
	SearchCc      SearchOp = "CC"
	SearchBcc     SearchOp = "BCC"
	SearchSubject SearchOp = "SUBJECT"
	SearchBody    SearchOp = "BODY"
	SearchText    SearchOp = "TEXT"
	SearchHeader  SearchOp = "HEADER" // Name, Text

	SearchBefore      SearchOp = "BEFORE" // Date, in this and the next eight
	SearchOn          SearchOp = "ON"
	SearchSince       SearchOp = "SINCE"
	SearchSentBefore  SearchOp = "SENTBEFORE"
	SearchSentOn      SearchOp = "SENTON"
	SearchSentSince   SearchOp = "SENTSINCE"
	SearchSavedBefore SearchOp = "SAVEDBEFORE" // RFC 8514
	SearchSavedOn     SearchOp = "SAVEDON"     // RFC 8514
	SearchSavedSince  SearchOp = "SAVEDSINCE"  // RFC 8514

	SearchSaveDateSupported SearchOp = "SAVEDATESUPPORTED" // RFC 8514

	SearchLarger  SearchOp = "LARGER"  // Num: bytes
	SearchSmaller SearchOp = "SMALLER" // Num: bytes
	SearchOlder   SearchOp = "OLDER"   // Num: seconds (RFC 5032)
	SearchYounger SearchOp = "YOUNGER" // Num: seconds (RFC 5032)
	SearchModSeq  SearchOp = "MODSEQ"  // Num; Name and Text the entry name and type, if any (RFC 7162)

	SearchEmailID    SearchOp = "EMAILID"    // Text (RFC 8474)
	SearchThreadID   SearchOp = "THREADID"   // Text (RFC 8474)
	SearchFilter     SearchOp = "FILTER"     // Name (RFC 5466)
	SearchAnnotation SearchOp = "ANNOTATION" // Name, Attribute, Text (RFC 5257)

	SearchGmailMsgID    SearchOp = "X-GM-MSGID"  // Num
	SearchGmailThreadID SearchOp = "X-GM-THRID"  // Num
	SearchGmailLabel    SearchOp = "X-GM-LABELS" // Text
	SearchGmailRaw      SearchOp = "X-GM-RAW"    // Text: in Gmail's own search language

	SearchRaw SearchOp = "RAW" // Text: search keys as they go to the server; nothing checks them
)

// SearchKey is a search query: one key, or a tree of them. The zero value is every message. Make it
// with the functions of this package:
//
//	imap.And(imap.Not(imap.WithFlag(imap.FlagSeen)), imap.Or(imap.From("jo"), imap.Larger(1<<20)))
//
// SearchOp says which fields an Op uses.
type SearchKey struct {
	Op        SearchOp
	Keys      []SearchKey
	Text      string // UTF-8
	Name      string
	Attribute string
	Num       uint64
	Flag      Flag
	// Date counts as the calendar day in its own location: servers compare days without a time zone.
	Date time.Time
	UIDs UIDSet
	Seqs SeqSet
}

// All is every message.
func All() SearchKey { return SearchKey{} }

// And is what matches all keys; without any, every message.
func And(keys ...SearchKey) SearchKey { return SearchKey{Keys: keys} }

// Or is what matches one of keys at least; without any, no message.
func Or(keys ...SearchKey) SearchKey { return SearchKey{Op: SearchOr, Keys: keys} }

// Not is what does not match key.
func Not(key SearchKey) SearchKey { return SearchKey{Op: SearchNot, Keys: []SearchKey{key}} }

// Fuzzy is what matches key in the server's own approximate way (RFC 6203).
func Fuzzy(key SearchKey) SearchKey { return SearchKey{Op: SearchFuzzy, Keys: []SearchKey{key}} }

// UIDIn is the messages with these UIDs; an empty set is no message.
func UIDIn(set UIDSet) SearchKey { return SearchKey{Op: SearchUID, UIDs: set} }

// UIDAfter is the messages whose UID is greater than uid. Unlike UID n:* it never is the last message
// of the mailbox if that is older; it means the same as UIDAFTER (RFC 9738 section 4) and goes to any server.
func UIDAfter(uid UID) SearchKey {
	if uid == maxUID {
		return UIDIn(nil)
	}
	return UIDIn(SetOfRange(uid+1, maxUID))
}

// UIDBefore is the messages whose UID is less than uid: UIDBEFORE (RFC 9738 section 4) for any server.
func UIDBefore(uid UID) SearchKey {
	if uid <= 1 {
		return UIDIn(nil)
	}
	return UIDIn(SetOfRange(1, uid-1))
}

const maxUID UID = 1<<32 - 1

// SeqIn is the messages with these sequence numbers; an empty set is no message.
func SeqIn(set SeqSet) SearchKey { return SearchKey{Op: SearchSeq, Seqs: set} }

// Saved is the messages of the saved result, "$" (RFC 5182).
func Saved() SearchKey { return SearchKey{Op: SearchSaved} }

// WithFlag is the messages that have flag. WithFlag(FlagSeen) is SEEN on the wire,
// Not(WithFlag(FlagSeen)) UNSEEN, and so on for every system flag.
func WithFlag(flag Flag) SearchKey { return SearchKey{Op: SearchFlag, Flag: flag} }

// WithoutFlag is Not(WithFlag(flag)).
func WithoutFlag(flag Flag) SearchKey { return Not(WithFlag(flag)) }

// From is the messages with text in the From field, without regard to case; To and so on likewise.
func From(text string) SearchKey { return SearchKey{Op: SearchFrom, Text: text} }

// To searches the To field.
func To(text string) SearchKey { return SearchKey{Op: SearchTo, Text: text} }

// Cc searches the Cc field.
func Cc(text string) SearchKey { return SearchKey{Op: SearchCc, Text: text} }

// Bcc searches the Bcc field.
func Bcc(text string) SearchKey { return SearchKey{Op: SearchBcc, Text: text} }

// Subject searches the Subject field.
func Subject(text string) SearchKey { return SearchKey{Op: SearchSubject, Text: text} }

// Header searches the field name. An empty text asks for messages that have the field at all.
func Header(name, text string) SearchKey { return SearchKey{Op: SearchHeader, Name: name, Text: text} }

// Body searches the body, not the header.
func Body(text string) SearchKey { return SearchKey{Op: SearchBody, Text: text} }

// Text searches header and body.
func Text(text string) SearchKey { return SearchKey{Op: SearchText, Text: text} }

// Before is the messages whose internal date is earlier than day.
func Before(day time.Time) SearchKey { return SearchKey{Op: SearchBefore, Date: day} }

// On is the messages whose internal date is within day.
func On(day time.Time) SearchKey { return SearchKey{Op: SearchOn, Date: day} }

// Since is the messages whose internal date is within or later than day.
func Since(day time.Time) SearchKey { return SearchKey{Op: SearchSince, Date: day} }

// SentBefore is Before for the Date field.
func SentBefore(day time.Time) SearchKey { return SearchKey{Op: SearchSentBefore, Date: day} }

// SentOn is On for the Date field.
func SentOn(day time.Time) SearchKey { return SearchKey{Op: SearchSentOn, Date: day} }

// SentSince is Since for the Date field.
func SentSince(day time.Time) SearchKey { return SearchKey{Op: SearchSentSince, Date: day} }

// SavedBefore is Before for the date of saving (RFC 8514).
func SavedBefore(day time.Time) SearchKey { return SearchKey{Op: SearchSavedBefore, Date: day} }

// SavedOn is On for the date of saving (RFC 8514).
func SavedOn(day time.Time) SearchKey { return SearchKey{Op: SearchSavedOn, Date: day} }

// SavedSince is Since for the date of saving (RFC 8514).
func SavedSince(day time.Time) SearchKey { return SearchKey{Op: SearchSavedSince, Date: day} }

// Larger is the messages of more than size bytes.
func Larger(size uint64) SearchKey { return SearchKey{Op: SearchLarger, Num: size} }

// Smaller is the messages of less than size bytes.
func Smaller(size uint64) SearchKey { return SearchKey{Op: SearchSmaller, Num: size} }

// Within is the messages whose internal date is at most age ago (YOUNGER, RFC 5032), in whole
// seconds, one at least.
func Within(age time.Duration) SearchKey { return SearchKey{Op: SearchYounger, Num: seconds(age)} }

// OlderThan is the messages whose internal date is at least age ago (OLDER, RFC 5032).
func OlderThan(age time.Duration) SearchKey { return SearchKey{Op: SearchOlder, Num: seconds(age)} }

func seconds(d time.Duration) uint64 { return uint64(max(d/time.Second, 1)) }

// ModSeqSince is the messages whose mod-sequence is n or more (RFC 7162 section 3.1.5).
func ModSeqSince(n ModSeq) SearchKey { return SearchKey{Op: SearchModSeq, Num: uint64(n)} }

// ModSeqOf is ModSeqSince for one entry, where the server keeps mod-sequences by flag, and of those of
// one kind (RFC 7162 section 3.1.5): ModSeqOf(`/flags/\\draft`, "all", n). kind is "priv", "shared" or "all".
func ModSeqOf(entry, kind string, n ModSeq) SearchKey {
	return SearchKey{Op: SearchModSeq, Name: entry, Text: kind, Num: uint64(n)}
}

// SaveDateSupported is all messages of a mailbox that keeps dates of saving, and no message of another
// (RFC 8514 section 4.3).
func SaveDateSupported() SearchKey { return SearchKey{Op: SearchSaveDateSupported} }

// WithAnnotation is the messages with text in an attribute of an entry: WithAnnotation("/comment",
// "value", "IMAP4") (RFC 5257 section 4.8).
func WithAnnotation(entry, attribute, text string) SearchKey {
	return SearchKey{Op: SearchAnnotation, Name: entry, Attribute: attribute, Text: text}
}

// WithEmailID is the messages with this content (RFC 8474).
func WithEmailID(id string) SearchKey { return SearchKey{Op: SearchEmailID, Text: id} }

// WithThreadID is the messages of this thread (RFC 8474).
func WithThreadID(id string) SearchKey { return SearchKey{Op: SearchThreadID, Text: id} }

// Filter is what matches the filter that is stored under name on the server (RFC 5466).
func Filter(name string) SearchKey { return SearchKey{Op: SearchFilter, Name: name} }

// GmailMsgID is the messages with this X-GM-MSGID.
func GmailMsgID(id uint64) SearchKey { return SearchKey{Op: SearchGmailMsgID, Num: id} }

// GmailThreadID is the messages with this X-GM-THRID.
func GmailThreadID(id uint64) SearchKey { return SearchKey{Op: SearchGmailThreadID, Num: id} }

// GmailLabel is the messages with this label.
func GmailLabel(label string) SearchKey { return SearchKey{Op: SearchGmailLabel, Text: label} }

// GmailRaw searches in Gmail's own language: GmailRaw("has:attachment in:unread").
func GmailRaw(query string) SearchKey { return SearchKey{Op: SearchGmailRaw, Text: query} }

// Raw is search keys as they go to the server: "UNSEEN LARGER 5". It must be printable US-ASCII.
func Raw(text string) SearchKey { return SearchKey{Op: SearchRaw, Text: text} }
