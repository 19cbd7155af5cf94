package imap

// Response is one response of a server: exactly one of the types that this package says are
// responses. Switch on it:
//
//	switch r := r.(type) {
//	case imap.Exists:
//	case *imap.Message:
//	}
//
// Most are untagged data ("* …"); [Tagged] ends a command and [Continuation] asks for more of one.
type Response interface{ isResponse() }

// Exists is "* n EXISTS": the number of messages in the selected mailbox (RFC 9051 section 7.4.1).
type Exists uint32

// Recent is "* n RECENT" (RFC 3501 section 7.3.2; gone from IMAP4rev2).
type Recent uint32

// Expunge is "* n EXPUNGE": message n is gone and every later one has moved down by one
// (RFC 9051 section 7.5.1).
type Expunge SeqNum

// Vanished is "* VANISHED" (RFC 7162 section 3.2.10): the UIDs are gone. An Earlier one answers a
// resynchronisation: it may name UIDs that never were, and does not shift sequence numbers.
type Vanished struct {
	Earlier bool
	UIDs    UIDSet
}

// MailboxFlags is "* FLAGS (…)": the flags that the selected mailbox knows (RFC 9051 section 7.3.5).
type MailboxFlags []Flag

// CapabilityData is "* CAPABILITY …" (RFC 9051 section 7.2.2).
type CapabilityData Capabilities

// Enabled is "* ENABLED …" (RFC 5161 section 3.2).
type Enabled Capabilities

// Continuation is "+ …": the server wants the rest of a command (RFC 9051 section 7.6). Text is the
// base64 challenge while authenticating. Code is nil where the text does not start with one.
type Continuation struct {
	Code *Code
	Text string
}

// Kind is the kind of a status response.
type Kind uint8

// The kinds of status responses (RFC 9051 section 7.1).
const (
	OK Kind = iota + 1
	NO
	BAD
	BYE
	PREAUTH
)

// String returns the word of the wire.
func (k Kind) String() string {
	switch k {
	case OK:
		return "OK"
	case NO:
		return "NO"
	case BAD:
		return "BAD"
	case BYE:
		return "BYE"
	case PREAUTH:
		return "PREAUTH"
	}
	return "?"
}

// Status is a status response: OK, NO, BAD, BYE or PREAUTH with its code and text (RFC 9051
// section 7.1). As a Response of its own it is untagged; [Tagged] has one inside.
type Status struct {
	Kind Kind
	Code *Code // nil without one
	Text string
}

// HasCode reports whether s carries the response code name.
func (s *Status) HasCode(name CodeName) bool { return s.Code != nil && s.Code.Name == name }

// Tagged is the response that ends the command Tag.
type Tagged struct {
	Tag string
	Status
}

// Search is "* SEARCH …" or "* SORT …": numbers in the server's order. Whether they are UIDs
// depends on the command. ModSeq is not zero if the server gave one (RFC 7162 section 3.1.5).
type Search struct {
	Sort   bool // it was SORT (RFC 5256)
	Nums   []uint32
	ModSeq ModSeq
}

// ESearch is "* ESEARCH …" (RFC 4731 section 3.1; RFC 9051 section 7.3.4).
type ESearch struct {
	Tag         string // of the command, "" if the server did not say
	Mailbox     string // MULTISEARCH (RFC 7377), else ""
	UIDValidity uint32 // MULTISEARCH, else 0
	UID         bool   // the numbers are UIDs

	HasCount bool
	Count    uint32
	Min, Max uint32   // 0: not returned, or nothing found
	All      Set[UID] // also holds sequence numbers when UID is false
	// Order has All in the order of the response, as SORT gives it (RFC 5267 section 3.1); nil if that
	// is ascending.
	Order   UIDList
	ModSeq  ModSeq
	Partial *ESearchPartial
	// Relevancy has a score from 1 to 100 for each result, in order (RFC 6203 section 4).
	Relevancy []uint32
	// Updates are ADDTO and REMOVEFROM in the order of the response (RFC 5267 section 4.3).
	Updates []ESearchUpdate
	// Unknown has return data that this module does not know, as it was received.
	Unknown []RawItem
}

// ESearchPartial is PARTIAL return data (RFC 9394 section 3.1, RFC 5267 section 4.4). Negative
// positions count from the end.
type ESearchPartial struct {
	First, Last int64
	Nums        Set[UID] // empty for NIL
	Order       UIDList  // Nums in the order of the response; nil if that is ascending
}

// ESearchUpdate is one ADDTO or REMOVEFROM pair (RFC 5267 section 4.3).
type ESearchUpdate struct {
	Remove   bool
	Position uint32 // 0: unsorted
	Nums     Set[UID]
	Order    UIDList // Nums in the order of the response; nil if that is ascending
}

// Thread is "* THREAD …" (RFC 5256 section 4).
type Thread struct{ Roots []ThreadNode }

// ThreadNode is a message and its replies. Num is 0 for a parent that is missing.
type ThreadNode struct {
	Num      uint32
	Children []ThreadNode
}

// RawItem is a name and a value that this module does not know, as received: text without its
// outer white space, literals with their header.
type RawItem struct{ Name, Value string }

// Unknown is an untagged response with a name that this module does not know. It is well framed,
// hence harmless (RFC 9051 section 2.2.2: be ready for any response at any time).
type Unknown struct {
	Num  uint32 // the number before the name, or 0
	Name string // upper case
	Data string // the rest, as received
}

// Malformed is a response that could not be parsed. It cost only itself: the next response is
// sound. Raw is what was received, cut to a bound; Err says what was wrong and where.
type Malformed struct {
	Raw []byte
	Err error
}

func (Exists) isResponse()         {}
func (Recent) isResponse()         {}
func (Expunge) isResponse()        {}
func (*Vanished) isResponse()      {}
func (MailboxFlags) isResponse()   {}
func (CapabilityData) isResponse() {}
func (Enabled) isResponse()        {}
func (*Continuation) isResponse()  {}
func (*Status) isResponse()        {}
func (*Tagged) isResponse()        {}
func (*Search) isResponse()        {}
func (*ESearch) isResponse()       {}
func (*Thread) isResponse()        {}
func (*Unknown) isResponse()       {}
func (*Malformed) isResponse()     {}
func (*Message) isResponse()       {}
func (*List) isResponse()          {}
func (*MailboxStatus) isResponse() {}
func (*Namespaces) isResponse()    {}
func (*ID) isResponse()            {}
func (*Quota) isResponse()         {}
func (*QuotaRoot) isResponse()     {}
func (*ACL) isResponse()           {}
func (*ListRights) isResponse()    {}
func (*MyRights) isResponse()      {}
func (*Metadata) isResponse()      {}
func (*Language) isResponse()      {}
func (*Comparator) isResponse()    {}
func (*JMAPAccess) isResponse()    {}
func (*Converted) isResponse()     {}
func (*Conversion) isResponse()    {}
func (*GenURLAuth) isResponse()    {}
func (*URLFetch) isResponse()      {}
