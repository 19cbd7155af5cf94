package imap

import (
	"io"
	"time"
)

// SelectOptions are the parameters of SELECT and EXAMINE. Nil means none.
type SelectOptions struct {
	// ReadOnly sends EXAMINE.
	ReadOnly bool
	// CondStore turns on CONDSTORE (RFC 7162 section 3.1.8).
	CondStore bool
	// QResync asks for what changed since (RFC 7162 section 3.2.5). It needs ENABLE QRESYNC.
	QResync *QResync
	// Annotate asks to be told of changes of annotations (RFC 5257 section 4.2). It needs
	// ANNOTATE-EXPERIMENT-1.
	Annotate bool
}

// QResync is what a client remembers of a mailbox that it has seen before.
type QResync struct {
	UIDValidity uint32
	// ModSeq is the HIGHESTMODSEQ of then; it must not be zero.
	ModSeq ModSeq
	// Known are the UIDs that the client knows; empty means all below the UIDNEXT of then.
	Known UIDSet
	// MatchSeq and MatchUID are optional: sequence numbers and the UIDs that they had, as many of the
	// one as of the other. They spare a server without a full history the names of messages that
	// vanished before (RFC 7162 section 3.2.5.2).
	MatchSeq SeqSet
	MatchUID UIDSet
}

// ListOptions are the parameters of LIST. Nil means none: a plain LIST "" "*".
type ListOptions struct {
	// Reference is what patterns are relative to; nearly always "".
	Reference string
	// Patterns are mailbox names in which "*" matches anything and "%" anything but the delimiter.
	// None means "*". More than one in a command needs LIST-EXTENDED.
	Patterns []string

	// Selection options (RFC 5258 section 3.1): which mailboxes.
	Subscribed     bool
	Remote         bool
	RecursiveMatch bool // together with Subscribed or SpecialUse
	SpecialUse     bool // RFC 6154

	// Return options (RFC 5258 section 3.2): what to say about each.
	ReturnSubscribed bool
	ReturnChildren   bool
	ReturnSpecialUse bool        // RFC 6154
	ReturnMyRights   bool        // RFC 8440
	ReturnStatus     StatusItems // RFC 5819
	ReturnMetadata   []string    // entry names (RFC 9590)
}

// AppendMessage is one message for APPEND. Its content is Parts if there are any, else Reader if it is
// not nil, else Data.
type AppendMessage struct {
	Flags []Flag
	// Date becomes the internal date; zero leaves it to the server.
	Date time.Time
	// Data is the message.
	Data []byte
	// Reader, if not nil, is read for exactly Size bytes.
	Reader io.Reader
	Size   int64
	// Parts put a message together at the server (CATENATE, RFC 4469).
	Parts []CatenatePart
	// UTF8: the header is UTF-8, "UTF8 (~{…}" (RFC 6855 section 4).
	UTF8 bool
	// Binary: the content is binary, to be sent as a literal8 (RFC 3516 section 4.4).
	Binary bool
	// Annotations need ANNOTATE (RFC 5257).
	Annotations []Annotation
}

// CatenatePart is a piece of a message: a URL if it is not empty, else Data or, if not nil, Reader.
type CatenatePart struct {
	URL    string
	Data   []byte
	Reader io.Reader
	Size   int64
}

// FetchOptions say what FETCH is asked for.
type FetchOptions struct {
	Items    Items
	Sections []SectionRequest
	// PreviewLazy: a preview only if it costs the server nothing (RFC 8970 section 3.2).
	PreviewLazy bool
	// AnnotationEntries and AnnotationAttributes go with ItemAnnotations (RFC 5257 section 4.3).
	AnnotationEntries, AnnotationAttributes []string
	// Extra are further items, as they go to the server: printable US-ASCII, such as "X-NAME".
	Extra []string

	// ChangedSince asks for messages with a greater mod-sequence only (RFC 7162 section 3.1.4.1).
	ChangedSince ModSeq
	// Vanished asks for the UIDs that are gone since, too. It needs UIDs, ChangedSince, and ENABLE
	// QRESYNC (RFC 7162 section 3.2.6).
	Vanished bool
	// Partial asks for a window of the set (RFC 9394 section 3.2). It needs UIDs.
	Partial *PartialRange
}

// PartialRange is a window of results: First and Last are positions from 1, or both negative to count
// from the end (RFC 9394 section 3.1).
type PartialRange struct{ First, Last int64 }

// SearchReturn says what SEARCH is to return (RFC 4731 section 3.1, and where the comment says). Zero
// asks for a plain SEARCH.
type SearchReturn uint16

// Return options of SEARCH.
const (
	ReturnMin SearchReturn = 1 << iota
	ReturnMax
	ReturnAll
	ReturnCount
	ReturnSave      // RFC 5182
	ReturnRelevancy // RFC 6203
	ReturnUpdate    // RFC 5267
	ReturnContext   // RFC 5267
)

// Has reports whether r holds all of s.
func (r SearchReturn) Has(s SearchReturn) bool { return r&s == s }

// SearchOptions are the parameters of SEARCH, SORT and THREAD.
type SearchOptions struct {
	Return SearchReturn
	// Partial asks for a window of the result (RFC 9394, RFC 5267).
	Partial *PartialRange
	// Charset is "" for the one that fits: none for US-ASCII, else UTF-8. Otherwise the strings of the
	// query are bytes in this character set.
	Charset string
	// Sort makes it SORT (RFC 5256).
	Sort []SortKey
	// Thread makes it THREAD with this algorithm: "REFERENCES", "ORDEREDSUBJECT" (RFC 5256).
	Thread string
	// In makes it ESEARCH over many mailboxes (RFC 7377).
	In []MailboxSelector
}

// SortKey is one criterion of SORT.
type SortKey struct {
	// Key is "ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO" (RFC 5256), "DISPLAYFROM",
	// "DISPLAYTO" (RFC 5957) or "RELEVANCY" (RFC 6203).
	Key     string
	Reverse bool
}

// MailboxSelector names a set of mailboxes (RFC 5465 section 6, RFC 7377 section 2.2).
type MailboxSelector struct {
	// Kind is "SELECTED", "SELECTED-DELAYED" (NOTIFY only), "INBOXES", "PERSONAL", "SUBSCRIBED",
	// "SUBTREE", "SUBTREE-ONE" (RFC 7377 only) or "MAILBOXES".
	Kind string
	// Names are the mailboxes of the SUBTREE and MAILBOXES kinds.
	Names []string
}

// NotifyOptions are the parameters of NOTIFY SET (RFC 5465 section 3).
type NotifyOptions struct {
	// Status asks for a STATUS response for each mailbox first.
	Status bool
	Groups []NotifyGroup
}

// NotifyGroup says which events are wanted of which mailboxes. No events means NONE.
type NotifyGroup struct {
	Mailboxes MailboxSelector
	Events    []NotifyEvent
}

// NotifyEvent is the name of an event, and what to fetch of a new message.
type NotifyEvent struct {
	// Name is one of the names below.
	Name string
	// Fetch is what to send of a new message in the selected mailbox (MessageNew only).
	Fetch *FetchOptions
}

// Names of events (RFC 5465 section 5).
const (
	EventMessageNew       = "MessageNew" // goes with EventMessageExpunge only
	EventMessageExpunge   = "MessageExpunge"
	EventFlagChange       = "FlagChange" // needs both of the above, as does the next
	EventAnnotationChange = "AnnotationChange"
	EventMailboxName      = "MailboxName" // created, deleted, renamed
	EventSubscription     = "SubscriptionChange"
	EventMailboxMetadata  = "MailboxMetadataChange"
	EventServerMetadata   = "ServerMetadataChange"
)

// StoreMode says what STORE does with the flags or labels.
type StoreMode uint8

// Modes of STORE.
const (
	StoreReplace StoreMode = iota
	StoreAdd
	StoreRemove
)

// StoreOptions are the parameters of STORE. Exactly one kind of thing is stored at a time: Gmail's
// Labels or Annotations, where given, and Flags otherwise.
type StoreOptions struct {
	Mode StoreMode
	// Silent asks not to be told the outcome.
	Silent bool
	Flags  []Flag
	// Labels are Gmail's (X-GM-LABELS).
	Labels []string
	// Annotations are stored by RFC 5257 section 4.4; Mode and Silent mean nothing for them.
	Annotations []Annotation
	// UnchangedSince has the server leave out messages that changed after it (RFC 7162 section
	// 3.1.3). Zero sends nothing.
	UnchangedSince ModSeq
}

// GetMetadataOptions are the parameters of GETMETADATA (RFC 5464 section 4.2).
type GetMetadataOptions struct {
	// MaxSize leaves out longer values; zero sends nothing.
	MaxSize uint32
	// Depth is "", "0", "1" or "infinity".
	Depth string
}
