package imap

// List is a "* LIST", "* LSUB" or "* XLIST" response (RFC 9051 section 7.3.1, RFC 5258).
type List struct {
	Kind ListKind
	// Attrs are in the case of the constants below where they are one of them.
	Attrs []Attr
	// Delim is the hierarchy delimiter, or 0 for NIL: a flat name.
	Delim rune
	// Mailbox is UTF-8.
	Mailbox string
	// ChildInfo is CHILDINFO (RFC 5258 section 4): the selection options that matched below.
	ChildInfo []string
	// OldName is OLDNAME (RFC 5465 section 5.4, RFC 9051): what the mailbox was called before.
	OldName string
	// MyRights is MYRIGHTS (RFC 8440), "" if not given.
	MyRights string
	// Unknown has extended data that this module does not know, as received.
	Unknown []RawItem
}

// ListKind says which command a [List] answers.
type ListKind uint8

// Kinds of LIST responses.
const (
	ListKindList  ListKind = iota
	ListKindLsub           // LSUB (RFC 3501)
	ListKindXList          // XLIST (Gmail)
)

// Attr is a mailbox attribute (RFC 9051 section 7.3.1, RFC 5258, RFC 6154).
type Attr string

// Mailbox attributes.
const (
	AttrNoInferiors   Attr = `\Noinferiors`
	AttrNoSelect      Attr = `\Noselect`
	AttrNonExistent   Attr = `\NonExistent`
	AttrHasChildren   Attr = `\HasChildren`
	AttrHasNoChildren Attr = `\HasNoChildren`
	AttrMarked        Attr = `\Marked`
	AttrUnmarked      Attr = `\Unmarked`
	AttrSubscribed    Attr = `\Subscribed`
	AttrRemote        Attr = `\Remote`
	AttrNoAccess      Attr = `\NoAccess` // RFC 5465

	AttrAll       Attr = `\All`
	AttrArchive   Attr = `\Archive`
	AttrDrafts    Attr = `\Drafts`
	AttrFlagged   Attr = `\Flagged`
	AttrJunk      Attr = `\Junk`
	AttrSent      Attr = `\Sent`
	AttrTrash     Attr = `\Trash`
	AttrImportant Attr = `\Important` // RFC 8457
)

// StatusItems is a set of STATUS items: which were asked for, or which a [MailboxStatus] has.
type StatusItems uint16

// STATUS items (RFC 9051 section 6.3.11, and where the comment says).
const (
	StatusMessages StatusItems = 1 << iota
	StatusUIDNext
	StatusUIDValidity
	StatusUnseen
	StatusRecent         // RFC 3501
	StatusDeleted        // RFC 9051, RFC 9208
	StatusSize           // RFC 8438
	StatusHighestModSeq  // RFC 7162
	StatusAppendLimit    // RFC 7889
	StatusMailboxID      // RFC 8474
	StatusDeletedStorage // RFC 9208
)

// Has reports whether i holds all of j.
func (i StatusItems) Has(j StatusItems) bool { return i&j == j }

// MailboxStatus is a "* STATUS" response (RFC 9051 section 7.3.3). Items says which fields the
// server sent.
type MailboxStatus struct {
	Mailbox        string
	Items          StatusItems
	Messages       uint32
	UIDNext        UID
	UIDValidity    uint32
	Unseen         uint32
	Recent         uint32
	Deleted        uint32
	Size           int64
	DeletedStorage int64
	HighestModSeq  ModSeq
	// AppendLimit is -1 for NIL: no limit.
	AppendLimit int64
	MailboxID   string
	// Unknown has items that this module does not know, as received.
	Unknown []RawItem
}

// Namespaces is a "* NAMESPACE" response (RFC 2342).
type Namespaces struct{ Personal, Other, Shared []Namespace }

// Namespace is a prefix of mailbox names. Delim is 0 for NIL.
type Namespace struct {
	Prefix string
	Delim  rune
	// Extensions are namespace response extensions, as received.
	Extensions []RawItem
}

// ID is a "* ID" response (RFC 2971): what the server says it is. Pairs is nil for NIL.
type ID struct{ Pairs []Attribute }

// Get returns the value of a field, without regard to case, or "".
func (id *ID) Get(name string) string {
	if id == nil {
		return ""
	}
	for _, p := range id.Pairs {
		if EqualFlag(Flag(p.Name), Flag(name)) {
			return p.Value
		}
	}
	return ""
}

// Quota is a "* QUOTA" response (RFC 9208 section 4.2.1).
type Quota struct {
	Root      string
	Resources []QuotaResource
}

// QuotaResource is the use and the limit of one resource: "STORAGE" (in units of 1,024 bytes),
// "MESSAGE", "MAILBOX", "ANNOTATION-STORAGE" (RFC 9208 section 5).
type QuotaResource struct {
	Name         string
	Usage, Limit int64
}

// QuotaRoot is a "* QUOTAROOT" response (RFC 9208 section 4.2.2).
type QuotaRoot struct {
	Mailbox string
	Roots   []string
}

// ACL is a "* ACL" response (RFC 4314 section 3.6).
type ACL struct {
	Mailbox string
	Rights  []IdentifierRights
}

// IdentifierRights is one entry of an [ACL]. An Identifier that starts with "-" takes rights away.
type IdentifierRights struct{ Identifier, Rights string }

// ListRights is a "* LISTRIGHTS" response (RFC 4314 section 3.7).
type ListRights struct {
	Mailbox    string
	Identifier string
	Required   string
	Optional   []string
}

// MyRights is a "* MYRIGHTS" response (RFC 4314 section 3.8).
type MyRights struct{ Mailbox, Rights string }

// Metadata is a "* METADATA" response (RFC 5464 section 4.4), in both its forms: with Values, or as
// an unsolicited list of Changed entry names. Mailbox "" is the server itself.
type Metadata struct {
	Mailbox string
	Values  []Attribute
	Changed []string
}

// Language is a "* LANGUAGE" response (RFC 5255 section 3.3).
type Language struct{ Tags []string }

// Comparator is a "* COMPARATOR" response (RFC 5255 section 4.8): the comparator in use, "" if the server does
// not say, and those that match what was asked for.
type Comparator struct {
	Active   string
	Matching []string
}

// JMAPAccess is a "* JMAPACCESS" response (RFC 9698 section 4): the URL of the JMAP session.
type JMAPAccess struct{ URL string }
