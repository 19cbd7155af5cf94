package imapwire

import (
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// Decoder turns frames into responses. It makes one pass over one copy of the frame: the strings of a
// response are pieces of that copy, or of the text of the row where a row of FETCH is as usual. Structs and
// slices come from slabs that the responses of a Decoder share (see slab.go for what that keeps in memory).
//
// It is lenient where real servers are wrong ([Quirk]), and what it makes of any bytes is bounded by
// the [Limits]. It is not safe for concurrent use.
type Decoder struct {
	lim  Limits
	off  QuirkSet // the tolerances that are switched off
	utf8 bool

	b        []byte    // the frame, for the fast path; nil where it must not go
	s        string    // a copy of it, for the careful path
	pos      int       // everything before it is read
	lits     []Literal // of the frame, if any of them was streamed
	strings  bool      // no value that is read now is an atom but NIL and numbers
	careful  bool      // tests switch the fast path off
	depth    int
	elements int

	failed bool // the rest is as in a SyntaxError
	failAt int
	why    string

	mem      *memory // where values go; nil before the first response
	scratch  *Scratch
	keywords map[string]imap.Flag
	heads    *partHeads
}

// NewDecoder returns a Decoder. It copies opts, which may be nil.
func NewDecoder(opts *Options) *Decoder {
	o := opts.resolved()
	return &Decoder{lim: o.Limits, off: o.Quirks, utf8: o.UTF8}
}

// SetUTF8 says that from now on names and strings are UTF-8; see [Options.UTF8].
func (d *Decoder) SetUTF8(on bool) { d.utf8 = on }

// Release drops what the Decoder keeps for the next response, some kilobytes, so that a connection
// that waits costs little. The Decoder can be used on.
func (d *Decoder) Release() {
	d.mem, d.keywords, d.heads = nil, nil, nil
	d.b, d.s, d.lits = nil, "", nil
}

// Decode reads one response. The result shares no memory with fr. What cannot be understood as a
// response is a *[SyntaxError]; an item of a FETCH row that cannot be read costs that item and is
// noted in [imap.Message] instead.
func (d *Decoder) Decode(fr Frame) (imap.Response, error) {
	d.lits = nil
	for i := range fr.Literals {
		if fr.Literals[i].Streamed {
			d.lits = fr.Literals
			break
		}
	}
	d.start("")
	if d.lits == nil {
		d.b = fr.Data
		if m := d.fastRow(); m != nil {
			d.b, d.s = nil, ""
			return m, nil
		}
	}
	d.copyOf(fr.Data)
	return d.decode()
}

// Decode reads one response, with or without its line end, for tests and tools.
func Decode(response string, opts *Options) (imap.Response, error) {
	response = strings.TrimSuffix(response, "\n")
	return NewDecoder(opts).Decode(Frame{Data: []byte(strings.TrimSuffix(response, "\r"))})
}

// copyOf makes the copy of a frame that the careful path reads. A row shares a chunk with others.
func (d *Decoder) copyOf(b []byte) {
	if len(b) < largeFrame && len(b) > 2 && b[0] == '*' && b[2]-'0' <= 9 {
		d.s = d.mem.text.keep(b)
		return
	}
	d.s = string(b)
}

// own makes sure that there is the copy of the frame.
func (d *Decoder) own() {
	if d.s == "" {
		d.copyOf(d.b)
	}
}

func (d *Decoder) decode() (imap.Response, error) {
	r := d.response()
	var err error
	if d.failed {
		r, err = nil, d.syntaxError("")
	}
	d.b, d.s, d.lits = nil, "", nil
	return r, err
}

// start makes s what the careful path reads.
func (d *Decoder) start(s string) {
	d.b, d.s, d.pos = nil, s, 0
	d.depth, d.elements = 0, 0
	d.failed, d.strings = false, false
	if d.mem == nil {
		d.mem = new(memory)
	}
}

func (d *Decoder) syntaxError(item string) *SyntaxError {
	return &SyntaxError{Item: item, Offset: d.failAt, Reason: d.why, Near: near(d.s, d.failAt)}
}

// response reads a whole response.
func (d *Decoder) response() imap.Response {
	s := d.s
	switch {
	case strings.HasPrefix(s, "* "):
		d.pos = 2
		return d.untagged()
	case strings.HasPrefix(s, "+"):
		return d.continuation()
	case strings.HasPrefix(s, "["):
		return d.bareCode()
	}
	return d.tagged()
}

// untagged reads what follows "* ".
func (d *Decoder) untagged() imap.Response {
	d.spaces()
	c := d.peek()
	if c-'0' <= 9 {
		return d.numbered()
	}
	if c == '[' {
		return d.bareCode()
	}
	start := d.pos
	name := d.s[start:d.word()]
	if kind, ok := statusKind(name); ok {
		return d.status(kind)
	}
	if r, known := d.named(name); known {
		d.end()
		return r
	}
	if hasLower(name) {
		name = upper(name)
		if r, known := d.named(name); known {
			d.end()
			return r
		}
	}
	return d.unknown(0, name)
}

// numbered reads a response that starts with a number.
func (d *Decoder) numbered() imap.Response {
	n := d.number32()
	d.sp()
	start := d.pos
	name := d.s[start:d.word()]
	if hasLower(name) {
		name = upper(name)
	}
	if d.failed {
		return nil
	}
	var r imap.Response
	switch name {
	case "FETCH", "STORE": // STORE is obsolete, and means the same (RFC 1730, appendix B)
		return d.fetch(imap.SeqNum(n), 0)
	case "UIDFETCH":
		return d.fetch(0, imap.UID(n))
	case "EXISTS":
		r = imap.Exists(n)
	case "RECENT":
		r = imap.Recent(n)
	case "EXPUNGE":
		if n == 0 {
			d.failAtPos(2, "expected a sequence number")
		}
		r = imap.Expunge(n)
	case "CONVERTED":
		r = d.converted(imap.SeqNum(n))
	default:
		return d.unknown(n, name)
	}
	d.end()
	return r
}

// named reads the response name, if it is one that is known.
func (d *Decoder) named(name string) (r imap.Response, known bool) {
	switch name {
	case "LIST":
		return d.list(imap.ListKindList), true
	case "LSUB":
		return d.list(imap.ListKindLsub), true
	case "XLIST":
		return d.list(imap.ListKindXList), true
	case "STATUS":
		return d.mailboxStatus(), true
	case "SEARCH":
		return d.search(false), true
	case "SORT":
		return d.search(true), true
	case "ESEARCH":
		return d.esearch(), true
	case "THREAD":
		return d.thread(), true
	case "VANISHED":
		return d.vanished(), true
	case "FLAGS":
		d.sp()
		return imap.MailboxFlags(d.flagList()), true
	case "CAPABILITY":
		return imap.CapabilityData(d.capabilities()), true
	case "ENABLED":
		return imap.Enabled(d.capabilities()), true
	case "NAMESPACE":
		return d.namespaces(), true
	case "ID":
		return d.id(), true
	case "QUOTA":
		return d.quota(), true
	case "QUOTAROOT":
		return d.quotaRoot(), true
	case "ACL":
		return d.acl(), true
	case "LISTRIGHTS":
		return d.listRights(), true
	case "MYRIGHTS":
		return d.myRights(), true
	case "METADATA":
		return d.metadata(), true
	case "LANGUAGE":
		return d.language(), true
	case "COMPARATOR":
		return d.comparator(), true
	case "JMAPACCESS":
		d.sp()
		return &imap.JMAPAccess{URL: d.astring()}, true
	case "GENURLAUTH":
		return d.genURLAuth(), true
	case "URLFETCH":
		return d.urlFetch(), true
	case "CONVERSION":
		return d.conversion(), true
	}
	return nil, false
}

// capabilities reads words up to the end.
func (d *Decoder) capabilities() imap.Capabilities {
	text := d.rest()
	if strings.Count(text, " ") >= d.lim.Tokens {
		d.fail("too many capabilities")
		return nil
	}
	return imap.ParseCapabilities(text)
}

// unknown reads a response that nobody here knows.
func (d *Decoder) unknown(n uint32, name string) imap.Response {
	if d.failed {
		return nil
	}
	if c := d.peek(); c < ' ' && d.pos < len(d.s) {
		d.fail("control character after the name of a response")
		return nil
	}
	if name == "" && d.peek() != '{' && d.peek() != '~' && d.peek() != '"' && d.peek() != '(' {
		d.fail("expected the name of a response")
		return nil
	}
	return &imap.Unknown{Num: n, Name: name, Data: d.rest()}
}

// rest returns what is left, without the space before it.
func (d *Decoder) rest() string {
	s := strings.Trim(d.s[d.pos:], " ")
	d.pos = len(d.s)
	return s
}

// end says that the response is over.
func (d *Decoder) end() {
	if d.tolerates(QuirkSpaces) {
		d.spaces()
	}
	if d.pos < len(d.s) {
		d.fail("expected the end of the response")
	}
}
