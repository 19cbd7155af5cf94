package imapwire

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// ResponseError says that a value is no response that can be written.
type ResponseError struct {
	Response string // "FETCH"
	Reason   string
}

// Error returns one line.
func (e *ResponseError) Error() string { return "response " + e.Response + ": " + e.Reason }

// AppendResponse appends r as a server sends it, with its line end: what [Decoder.Decode] reads as r
// again. It keeps to the grammar of RFC 9051 whatever the strings are, so it takes a decoder without any
// tolerance. Nil opts are the defaults; only UTF8 matters here.
//
// Where a value can say the same in two ways, the one that Decode gives counts: a [imap.Code] with
// Args is written with these, else with those that its fields make; [imap.Message.Items] says what is
// written of a message, and ItemSections goes with its sections. A value that has no form on the wire
// is a *[ResponseError], and dst comes back as it was.
func AppendResponse(dst []byte, r imap.Response, opts *Options) ([]byte, error) {
	w := responseWriter{dst: dst}
	if opts != nil {
		w.utf8 = opts.UTF8
	}
	w.response(r)
	if w.reason != "" {
		return dst, &ResponseError{Response: w.name, Reason: w.reason}
	}
	return append(w.dst, "\r\n"...), nil
}

// responseWriter appends to dst. The first error is kept.
type responseWriter struct {
	dst    []byte
	utf8   bool
	name   string // of the response
	reason string // what is wrong with it, or ""
	depth  int
}

func (w *responseWriter) response(r imap.Response) {
	switch r := r.(type) {
	case *imap.Message:
		w.message(r)
	case imap.Exists:
		w.numbered(uint32(r), "EXISTS")
	case imap.Recent:
		w.numbered(uint32(r), "RECENT")
	case imap.Expunge:
		w.numbered(w.positive(uint32(r)), "EXPUNGE")
	case *imap.Vanished:
		w.vanished(r)
	case imap.MailboxFlags:
		w.begin("FLAGS")
		w.sp()
		w.flags(r)
	case imap.CapabilityData:
		w.begin("CAPABILITY")
		w.capabilities(imap.Capabilities(r))
	case imap.Enabled:
		w.begin("ENABLED")
		w.capabilities(imap.Capabilities(r))
	case *imap.Status:
		w.untaggedStatus(r)
	case *imap.Tagged:
		w.tagged(r)
	case *imap.Continuation:
		w.continuation(r)
	case *imap.Search:
		w.search(r)
	case *imap.ESearch:
		w.esearch(r)
	case *imap.Thread:
		w.thread(r)
	default:
		w.mailboxResponse(r)
	}
}

// mailboxResponse writes the responses that are about mailboxes and servers.
func (w *responseWriter) mailboxResponse(r imap.Response) {
	switch r := r.(type) {
	case *imap.List:
		w.list(r)
	case *imap.MailboxStatus:
		w.mailboxStatus(r)
	case *imap.Namespaces:
		w.namespaces(r)
	case *imap.ID:
		w.id(r)
	case *imap.Quota:
		w.quota(r)
	case *imap.QuotaRoot:
		w.quotaRoot(r)
	case *imap.ACL:
		w.acl(r)
	case *imap.ListRights:
		w.listRights(r)
	case *imap.MyRights:
		w.begin("MYRIGHTS")
		w.sp().mailbox(r.Mailbox)
		w.sp().aString(r.Rights)
	case *imap.Metadata:
		w.metadata(r)
	case *imap.Language:
		w.begin("LANGUAGE")
		w.sp().strings(r.Tags)
	case *imap.Comparator:
		w.comparator(r)
	case *imap.JMAPAccess:
		w.begin("JMAPACCESS")
		w.sp().string(r.URL)
	case *imap.Converted:
		w.converted(r)
	case *imap.Conversion:
		w.conversion(r)
	case *imap.GenURLAuth:
		w.genURLAuth(r)
	case *imap.URLFetch:
		w.urlFetch(r)
	case *imap.Unknown:
		w.unknown(r)
	default:
		w.name = fmt.Sprintf("%T", r)
		w.fail("has no form on the wire")
	}
}

func (w *responseWriter) fail(reason string) {
	if w.reason == "" {
		w.reason = reason
	}
}

// begin writes "* NAME".
func (w *responseWriter) begin(name string) {
	w.name = name
	w.raw("* ").raw(name)
}

// numbered writes "* n NAME".
func (w *responseWriter) numbered(n uint32, name string) {
	w.name = name
	w.raw("* ").number(uint64(n)).sp().raw(name)
}

// positive fails for zero.
func (w *responseWriter) positive(n uint32) uint32 {
	if n == 0 {
		w.fail("has number 0")
	}
	return n
}

func (w *responseWriter) raw(text string) *responseWriter {
	w.dst = append(w.dst, text...)
	return w
}

func (w *responseWriter) sp() *responseWriter {
	w.dst = append(w.dst, ' ')
	return w
}

func (w *responseWriter) number(n uint64) *responseWriter {
	w.dst = strconv.AppendUint(w.dst, n, 10)
	return w
}

// number63 writes a number that must not be negative.
func (w *responseWriter) number63(n int64) *responseWriter {
	if n < 0 {
		w.fail("has a negative number")
	}
	return w.number(uint64(n))
}

func (w *responseWriter) modSeq(n imap.ModSeq) *responseWriter { return w.number63(int64(n)) }

// atom writes a word, which must be one.
func (w *responseWriter) atom(s string) *responseWriter {
	if !isAtom(s) {
		w.fail("has something that is no atom where one must be")
	}
	return w.raw(s)
}

// nString writes a string, "" as NIL.
func (w *responseWriter) nString(s string) *responseWriter {
	if s == "" {
		return w.raw("NIL")
	}
	return w.string(s)
}

// nullable writes a string, or NIL.
func (w *responseWriter) nullable(s string, null bool) *responseWriter {
	if null {
		return w.raw("NIL")
	}
	return w.string(s)
}

// aString writes a plain word as it is and anything else as a string.
func (w *responseWriter) aString(s string) *responseWriter {
	if isPlainWord(s) {
		return w.raw(s)
	}
	return w.string(s)
}

// string writes a quoted string, or a literal if s cannot be quoted.
func (w *responseWriter) string(s string) *responseWriter {
	var ok bool
	if w.dst, ok = appendString(w.dst, s, w.utf8); !ok {
		return w.literal(s)
	}
	return w
}

// literal writes a literal, or with NUL in it a literal8.
func (w *responseWriter) literal(s string) *responseWriter {
	if hasNUL(s) {
		w.dst = append(w.dst, '~')
	}
	w.dst = appendLiteralHeader(w.dst, int64(len(s)), false)
	return w.raw(s)
}

func (w *responseWriter) mailbox(name string) *responseWriter {
	return w.aString(MailboxToWire(name, w.utf8))
}

// strings writes a list of astrings.
func (w *responseWriter) strings(list []string) *responseWriter {
	w.raw("(")
	for i, s := range list {
		if i > 0 {
			w.sp()
		}
		w.aString(s)
	}
	return w.raw(")")
}

func (w *responseWriter) flags(flags []imap.Flag) *responseWriter {
	w.raw("(")
	for i, f := range flags {
		if i > 0 {
			w.sp()
		}
		w.flag(string(f))
	}
	return w.raw(")")
}

// flag writes a flag or a mailbox attribute.
func (w *responseWriter) flag(f string) *responseWriter {
	if f != string(imap.FlagWildcard) && !isAtom(strings.TrimPrefix(f, `\`)) {
		w.fail("has a flag that is none")
	}
	return w.raw(f)
}

// set writes a set of messages, which must not be empty.
func (w *responseWriter) set(s imap.UIDSet) *responseWriter {
	if s.Empty() {
		w.fail("has an empty set of messages")
	}
	w.dst, _ = s.AppendText(w.dst)
	return w
}

func (w *responseWriter) dateTime(t time.Time) *responseWriter {
	var ok bool
	if w.dst, ok = appendDateTime(w.dst, t); !ok {
		w.fail("has a date that cannot be written")
	}
	return w
}

func (w *responseWriter) capabilities(caps imap.Capabilities) {
	for _, c := range caps {
		w.sp().atom(string(c))
	}
}

// attributes writes "(name value …)".
func (w *responseWriter) attributes(attrs []imap.Attribute, name func(string) *responseWriter) *responseWriter {
	w.raw("(")
	for i, a := range attrs {
		if i > 0 {
			w.sp()
		}
		name(a.Name)
		w.sp().nullable(a.Value, a.Nil)
	}
	return w.raw(")")
}

// rawValue writes what was received as one value: a string, an atom, or a list.
func (w *responseWriter) rawValue(value string) *responseWriter {
	d := Decoder{lim: DefaultLimits, off: AllQuirks}
	d.start(value)
	if end, ok := d.skip(0); !ok || end != len(value) || !isFramed(value) {
		w.fail("has raw data that is not one value")
	}
	return w.raw(value)
}

// trailer writes what was received as the rest of a response.
func (w *responseWriter) trailer(data string) {
	if data == "" {
		return
	}
	if data != strings.Trim(data, " ") || !isFramed(data) {
		w.fail("has raw data that does not fit in a response")
	}
	w.sp().raw(data)
}

// isFramed reports whether text has no line ends and NULs but those that belong to literals in it.
func isFramed(text string) bool {
	if !strings.ContainsAny(text, "\r\n\x00") && !strings.HasSuffix(text, "}") {
		return true
	}
	const prefix = "* X "
	fr, err := NewFramer(strings.NewReader(prefix+text+"\r\n"), &Options{Quirks: AllQuirks}).Next()
	if err != nil || len(fr.Data) != len(prefix)+len(text) {
		return false
	}
	pos := len(prefix)
	for _, l := range append(fr.Literals, Literal{Offset: len(fr.Data)}) {
		if strings.ContainsAny(strings.TrimSuffix(string(fr.Data[pos:l.Offset]), "\r\n"), "\r\n\x00") {
			return false
		}
		pos = l.Offset + int(l.Size)
	}
	return true
}
