package imap

import "time"

// Items is a set of FETCH items: which were asked for, or which a [Message] has.
type Items uint32

// FETCH items (RFC 9051 section 6.4.5, and where the comment says).
const (
	ItemUID Items = 1 << iota
	ItemFlags
	ItemInternalDate
	ItemSize          // RFC822.SIZE
	ItemEnvelope      // ENVELOPE
	ItemBody          // BODYSTRUCTURE
	ItemBodyBasic     // BODY: a body structure without extension data
	ItemModSeq        // RFC 7162
	ItemEmailID       // RFC 8474
	ItemThreadID      // RFC 8474
	ItemSaveDate      // RFC 8514
	ItemPreview       // RFC 8970
	ItemGmailMsgID    // X-GM-MSGID
	ItemGmailThreadID // X-GM-THRID
	ItemGmailLabels   // X-GM-LABELS
	ItemSections      // any BODY[…], BINARY[…], BINARY.SIZE[…], RFC822, RFC822.HEADER, RFC822.TEXT
	ItemAnnotations   // ANNOTATION (RFC 5257)
)

// Macros (RFC 9051 section 6.4.5). They are sent as the items they stand for, since some servers
// mishandle the macro names.
const (
	ItemsFast = ItemFlags | ItemInternalDate | ItemSize
	ItemsAll  = ItemsFast | ItemEnvelope
	ItemsFull = ItemsAll | ItemBodyBasic
)

// Has reports whether i holds all of j.
func (i Items) Has(j Items) bool { return i&j == j }

// Message is one row of a FETCH response (RFC 9051 section 7.5.2), or of UIDFETCH (RFC 9586
// section 3.3, where SeqNum is 0). Items says which fields the server sent.
type Message struct {
	SeqNum SeqNum
	UID    UID
	Items  Items
	// Size is RFC822.SIZE in bytes.
	Size   int64
	ModSeq ModSeq
	Flags  []Flag
	// InternalDate is zero if the server sent no date, or one that does not exist.
	InternalDate time.Time
	Envelope     *Envelope
	// Body is BODYSTRUCTURE or BODY.
	Body     *BodyPart
	Sections []Section
	// More has the items that few servers send; nil without any.
	More *MoreItems
	// Errs has an entry for each item that could not be read. The other items are sound.
	Errs []error
}

// MoreItems are the rarer parts of a [Message].
type MoreItems struct {
	EmailID  string // RFC 8474 section 5.1
	ThreadID string // RFC 8474 section 5.2; "" for NIL
	// SaveDate is zero if the mailbox keeps none (RFC 8514).
	SaveDate time.Time
	// Preview is "" for NIL: not available now (RFC 8970).
	Preview       string
	GmailMsgID    uint64
	GmailThreadID uint64
	GmailLabels   []string
	Annotations   []Annotation
	// Unknown has items that this module does not know, as received.
	Unknown []RawItem
}

// Annotation is one entry of an ANNOTATION item (RFC 5257 section 4.1).
type Annotation struct {
	Entry  string
	Values []Attribute
}

// Attribute is a name with a value, which can be NIL.
type Attribute struct {
	Name  string
	Value string
	Nil   bool
}

// Envelope is the ENVELOPE item (RFC 9051 section 7.5.2): header fields as the server parsed them.
// Strings may hold RFC 2047 encoded words. Lists of addresses that are the same may share their memory:
// change a copy.
type Envelope struct {
	// Date is the text of the Date field; see [Envelope.Time].
	Date      string
	Subject   string
	InReplyTo string
	MessageID string
	From      []Address
	Sender    []Address
	ReplyTo   []Address
	To        []Address
	Cc        []Address
	Bcc       []Address
}

// Address is one address of an [Envelope]. A group (RFC 9051 section 7.5.2) starts with an entry
// that has an empty Host and its name in Mailbox, and ends with one that has both empty.
type Address struct {
	Name    string // may hold RFC 2047 encoded words
	Mailbox string // the part before the @
	Host    string
}

// Addr returns "mailbox@host", or what there is of it.
func (a *Address) Addr() string {
	if a.Host == "" {
		return a.Mailbox
	}
	return a.Mailbox + "@" + a.Host
}

// BodyPart is a BODYSTRUCTURE or BODY item, or a part of one (RFC 9051 section 7.5.2).
type BodyPart struct {
	// Type and Subtype are as the server wrote them, in any case: compare with [BodyPart.Is].
	Type, Subtype string
	Params        []Param
	ID            string
	Description   string
	Encoding      string
	// Size is in bytes, in the transfer encoding; 0 for a multipart.
	Size int64
	// Lines is only there for text and message/rfc822 parts.
	Lines int64
	// Envelope is only there for message/rfc822 and message/global.
	Envelope *Envelope
	// Parts are the children of a multipart, or the one body of a message/rfc822.
	Parts []BodyPart
	// Disposition is the text before the first ";" of Content-Disposition, "" if not known.
	Disposition       string
	DispositionParams []Param
	// Ext has the rarer extension data; nil without any.
	Ext *BodyExt
}

// BodyExt is extension data of a [BodyPart] that is rarely there.
type BodyExt struct {
	MD5      string
	Language []string
	Location string
	// Unknown has what follows the extension data known today, as received.
	Unknown string
}

// Param is a parameter of a media type or a disposition. Values may be encoded by RFC 2231 (with a
// "*" at the end of Name) or, against the rules, by RFC 2047.
type Param struct{ Name, Value string }

// Section is the content of a message or of a part of it.
type Section struct {
	// Item is "BODY", "BINARY", "BINARY.SIZE", "RFC822", "RFC822.HEADER" or "RFC822.TEXT".
	Item string
	// Spec is what stands between the brackets, in upper case and with header names unquoted:
	// "", "1.2", "HEADER.FIELDS (FROM TO)".
	Spec string
	// Offset is the <n> of a partial fetch, or -1.
	Offset int64
	// Size is the length of Data, of the streamed literal, or the value of BINARY.SIZE.
	Size int64
	// Nil: the server has no such section, or can't give it.
	Nil bool
	// Streamed: the content went to the writer that asked for it, and Data is empty.
	Streamed bool
	Data     string
}

// Merge adds to m the items of n, another row of the same message. Where both have an item, that of
// n counts: it came later.
func (m *Message) Merge(n *Message) {
	if n.Items.Has(ItemUID) {
		m.UID = n.UID
	}
	if n.Items.Has(ItemFlags) {
		m.Flags = n.Flags
	}
	if n.Items.Has(ItemInternalDate) {
		m.InternalDate = n.InternalDate
	}
	if n.Items.Has(ItemSize) {
		m.Size = n.Size
	}
	if n.Items.Has(ItemModSeq) {
		m.ModSeq = n.ModSeq
	}
	if n.Envelope != nil {
		m.Envelope = n.Envelope
	}
	if n.Body != nil {
		m.Body = n.Body
	}
	m.Sections = append(m.Sections, n.Sections...)
	m.Errs = append(m.Errs, n.Errs...)
	if n.More != nil {
		m.mergeMore(n)
	}
	m.Items |= n.Items
}

func (m *Message) mergeMore(n *Message) {
	if m.More == nil {
		m.More = n.More
		return
	}
	a, b := m.More, n.More
	if n.Items.Has(ItemEmailID) {
		a.EmailID = b.EmailID
	}
	if n.Items.Has(ItemThreadID) {
		a.ThreadID = b.ThreadID
	}
	if n.Items.Has(ItemSaveDate) {
		a.SaveDate = b.SaveDate
	}
	if n.Items.Has(ItemPreview) {
		a.Preview = b.Preview
	}
	if n.Items.Has(ItemGmailMsgID) {
		a.GmailMsgID = b.GmailMsgID
	}
	if n.Items.Has(ItemGmailThreadID) {
		a.GmailThreadID = b.GmailThreadID
	}
	if n.Items.Has(ItemGmailLabels) {
		a.GmailLabels = b.GmailLabels
	}
	a.Annotations = append(a.Annotations, b.Annotations...)
	a.Unknown = append(a.Unknown, b.Unknown...)
}
