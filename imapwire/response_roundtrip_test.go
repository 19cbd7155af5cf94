package imapwire

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pushmail/pushmail/imap"
)

// gen draws the parts of responses. What it draws is what Decode would give: lists that are empty are
// nil, flags have their usual case, and so on.
type gen struct {
	*rapid.T
	utf8 bool
}

func draw[V any](g gen, name string, of *rapid.Generator[V]) V { return of.Draw(g.T, name) }

func list[V any](g gen, name string, most int, one func() V) []V {
	n := draw(g, name, rapid.IntRange(0, most))
	if n == 0 {
		return nil
	}
	l := make([]V, n)
	for i := range l {
		l[i] = one()
	}
	return l
}

func (g gen) bool() bool     { return draw(g, "bool", rapid.Bool()) }
func (g gen) n(most int) int { return draw(g, "n", rapid.IntRange(0, most)) }
func (g gen) u32() uint32 {
	return draw(g, "u32", rapid.OneOf(rapid.Uint32(), rapid.Uint32Range(0, 9)))
}
func (g gen) nz() uint32          { return max(g.u32(), 1) }
func (g gen) i63() int64          { return draw(g, "i63", rapid.Int64Min(0)) }
func (g gen) modSeq() imap.ModSeq { return imap.ModSeq(g.i63()) }

var anyText = rapid.OneOf(
	anyString.Filter(func(s string) bool { return len(s) < 100 }),
	rapid.SampledFrom([]string{"\x00", "a\x00b", "(", "[", "]", "{3}\r\n", "=?utf-8?q?x?=", "FLAGS (", "日本語"}),
)

func (g gen) text() string { return draw(g, "text", anyText) }
func (g gen) word() string { return draw(g, "word", rapid.StringMatching(`[A-Z][A-Z0-9.-]{0,9}`)) }

func (g gen) mailbox() string {
	name := MailboxFromWire(g.text(), g.utf8)
	if strings.EqualFold(name, "INBOX") {
		return "INBOX"
	}
	return name
}

func (g gen) flag() imap.Flag {
	return imap.CanonicalFlag(draw(g, "flag", rapid.OneOf(
		rapid.StringMatching(`\\?[a-zA-Z$][a-zA-Z0-9_]{0,9}`),
		rapid.SampledFrom([]string{`\Seen`, `\*`, "$Junk", "a[b", "~x", "+y"}),
	).Filter(func(s string) bool { return !strings.EqualFold(s, "NIL") })))
}

func (g gen) uids() imap.UIDSet {
	var s imap.UIDSet
	for range 1 + g.n(4) {
		s.AddRange(imap.UID(g.nz()), imap.UID(g.nz()))
	}
	return s
}

// ordered returns a set and, if it is not ascending, its order.
func (g gen) ordered() (imap.UIDSet, imap.UIDList) {
	if g.bool() {
		return g.uids(), nil
	}
	var list imap.UIDList
	for _, r := range g.uids() {
		list = slices.Insert(list, g.n(len(list)), r)
	}
	if slices.IsSortedFunc(list, func(a, b imap.Range[imap.UID]) int { return cmp.Compare(a.First, b.First) }) {
		return imap.UIDSet(list), nil
	}
	return list.Set(), list
}

func (g gen) time() time.Time {
	sec := draw(g, "time", rapid.Int64Range(-62135596800+86400, 253402300799-86400))
	return time.Unix(sec, 0).In(zone(draw(g, "zone", rapid.IntRange(-maxZone+1, maxZone-1))))
}

func (g gen) value() string {
	return draw(g, "raw", rapid.OneOf(
		rapid.SampledFrom([]string{"NIL", "1", "()", `"a\"b"`, "{3}\r\na\r\n", `(a (b "c)") {0}` + "\r\n)", "~{1}\r\n\x00", "x[y]<5>", `\Seen`}),
		rapid.StringMatching(`[a-z0-9]{1,9}`),
	))
}

func (g gen) items(name func() string) []imap.RawItem {
	return list(g, "unknown", 2, func() imap.RawItem { return imap.RawItem{Name: name(), Value: g.value()} })
}

func (g gen) xWord() string { return "X-" + g.word() }

func (g gen) attribute() imap.Attribute {
	if g.bool() {
		return imap.Attribute{Name: g.text(), Nil: true}
	}
	return imap.Attribute{Name: g.text(), Value: g.text()}
}

func (g gen) attributes() []imap.Attribute {
	return append([]imap.Attribute{}, list(g, "attributes", 3, g.attribute)...)
}

func (g gen) address() imap.Address {
	return imap.Address{Name: g.text(), Mailbox: g.text(), Host: g.text()}
}

func (g gen) addresses() []imap.Address { return list(g, "addresses", 3, g.address) }

func (g gen) envelope() *imap.Envelope {
	return &imap.Envelope{
		Date: g.text(), Subject: g.text(), InReplyTo: g.text(), MessageID: g.text(),
		From: g.addresses(), Sender: g.addresses(), ReplyTo: g.addresses(), To: g.addresses(), Cc: g.addresses(), Bcc: g.addresses(),
	}
}

func (g gen) params() []imap.Param {
	return list(g, "params", 3, func() imap.Param { return imap.Param{Name: g.text(), Value: g.text()} })
}

func (g gen) nonEmpty() string {
	if s := g.text(); s != "" {
		return s
	}
	return "x"
}

func (g gen) body(depth int, ext bool) imap.BodyPart {
	p := imap.BodyPart{Subtype: g.nonEmpty()}
	kind := g.n(3)
	if depth > 3 {
		kind = 0
	}
	switch kind {
	case 1:
		p.Type = "multipart"
		for range 1 + g.n(2) {
			p.Parts = append(p.Parts, g.body(depth+1, ext))
		}
		if ext {
			p.Params = g.params()
			g.lastExt(&p)
		}
		return p
	case 2:
		p.Type, p.Subtype = "Message", draw(g, "subtype", rapid.SampledFrom([]string{"RFC822", "rfc822", "global"}))
		p.Envelope = g.envelope()
		p.Parts = []imap.BodyPart{g.body(depth+1, ext)}
		p.Lines = g.i63()
	case 3:
		p.Type, p.Lines = draw(g, "type", rapid.SampledFrom([]string{"text", "TEXT"})), g.i63()
	default:
		p.Type = draw(g, "type", rapid.SampledFrom([]string{"image", "application", "X-Y", `a"b`, "message", "{"}))
	}
	p.Params, p.ID, p.Description, p.Encoding, p.Size = g.params(), g.text(), g.text(), g.text(), g.i63()
	if ext {
		if md5 := g.text(); md5 != "" {
			p.Ext = &imap.BodyExt{MD5: md5}
		}
		g.lastExt(&p)
	}
	return p
}

func (g gen) lastExt(p *imap.BodyPart) {
	if g.bool() {
		p.Disposition = draw(g, "disposition", rapid.SampledFrom([]string{"", "attachment", "INLINE", "ä"}))
		p.DispositionParams = g.params()
	}
	if g.bool() {
		return
	}
	e := imap.BodyExt{Language: list(g, "languages", 2, g.text), Location: g.text()}
	e.Unknown = draw(g, "unknown", rapid.SampledFrom([]string{"", "1", `"a" (b "c")`, "{2}\r\n)) NIL"}))
	if e.Language == nil && e.Location == "" && e.Unknown == "" {
		return
	}
	if p.Ext != nil {
		e.MD5 = p.Ext.MD5
	}
	p.Ext = &e
}

func (g gen) section() imap.Section {
	s := imap.Section{Offset: -1}
	s.Item = draw(g, "item", rapid.SampledFrom([]string{"BODY", "BODY", "BINARY", "BINARY.SIZE", "RFC822", "RFC822.HEADER", "RFC822.TEXT"}))
	if s.Item[0] == 'B' {
		r := imap.SectionRequest{Part: list(g, "part", 3, g.nz)}
		if s.Item == "BODY" && g.bool() {
			r.Text = imap.SectionHeaderFields
			r.Fields = append(list(g, "fields", 2, func() string { return draw(g, "field", rapid.StringMatching(`[!-9;-~]{1,6}`)) }), "NIL")
		}
		s.Spec = r.Spec()
		if g.bool() {
			s.Offset = int64(g.u32())
		}
	}
	switch {
	case s.Item == "BINARY.SIZE":
		s.Size = g.i63()
	case g.bool():
		s.Data = g.text()
		s.Size = int64(len(s.Data))
	default:
		s.Nil = true
	}
	return s
}

func (g gen) converted() imap.Response {
	return &imap.Converted{SeqNum: imap.SeqNum(g.nz()), UID: imap.UID(g.u32()), Tag: g.text(), Parts: list(g, "parts", 3, g.convertedPart), Unknown: g.items(g.xWord)}
}

func (g gen) convertedPart() imap.ConvertedPart {
	p := imap.ConvertedPart{Section: imap.Section{Offset: -1}}
	p.Item = draw(g, "item", rapid.SampledFrom([]string{"BINARY", "BODY", "BINARY.SIZE", "BODYPARTSTRUCTURE", "AVAILABLECONVERSIONS"}))
	part := imap.SectionRequest{Part: list(g, "part", 3, g.nz)}
	p.Spec = part.Spec()
	if g.bool() {
		p.Offset = int64(g.u32())
	}
	switch {
	case g.bool():
		p.Err = &imap.ConvertError{Text: g.text(), Code: g.word()}
		if g.bool() {
			p.Err.Args = g.value()
		}
	case p.Item == "BINARY.SIZE":
		p.Size = g.i63()
	case p.Item == "BODYPARTSTRUCTURE":
		body := g.body(2, true)
		p.Body = &body
	case p.Item == "AVAILABLECONVERSIONS":
		p.Types = list(g, "types", 3, g.text)
	case g.bool():
		p.Data = g.text()
		p.Size = int64(len(p.Data))
	default:
		p.Nil = true
	}
	return p
}

func (g gen) message() imap.Response {
	m := &imap.Message{SeqNum: imap.SeqNum(g.u32())}
	m.Items = imap.Items(draw(g, "items", rapid.Uint32Range(0, 1<<17-1))) &^ imap.ItemSections
	if m.SeqNum == 0 {
		m.Items |= imap.ItemUID
	}
	has := m.Items.Has
	if has(imap.ItemUID) {
		m.UID = imap.UID(g.nz())
	}
	if has(imap.ItemFlags) {
		m.Flags = list(g, "flags", 3, g.flag)
	}
	if has(imap.ItemInternalDate) {
		m.InternalDate = g.time()
	}
	if has(imap.ItemSize) {
		m.Size = g.i63()
	}
	if has(imap.ItemModSeq) {
		m.ModSeq = g.modSeq()
	}
	if has(imap.ItemEnvelope) {
		m.Envelope = g.envelope()
	}
	if has(imap.ItemBody) || has(imap.ItemBodyBasic) {
		p := g.body(0, has(imap.ItemBody))
		m.Body = &p
	}
	m.Sections = list(g, "sections", 3, g.section)
	if m.Sections != nil {
		m.Items |= imap.ItemSections
	}
	m.More = g.more(m.Items.Has)
	return m
}

func (g gen) more(has func(imap.Items) bool) *imap.MoreItems {
	m := &imap.MoreItems{Unknown: g.items(g.xWord)}
	some := len(m.Unknown) > 0
	item := func(i imap.Items) bool {
		some = some || has(i)
		return has(i)
	}
	if item(imap.ItemEmailID) {
		m.EmailID = g.nonEmpty()
	}
	if item(imap.ItemThreadID) {
		m.ThreadID = g.text()
	}
	if item(imap.ItemSaveDate) && g.bool() {
		m.SaveDate = g.time()
	}
	if item(imap.ItemPreview) {
		m.Preview = g.text()
	}
	if item(imap.ItemGmailMsgID) {
		m.GmailMsgID = draw(g, "id", rapid.Uint64())
	}
	if item(imap.ItemGmailThreadID) {
		m.GmailThreadID = draw(g, "id", rapid.Uint64())
	}
	if item(imap.ItemGmailLabels) {
		m.GmailLabels = list(g, "labels", 3, g.mailbox)
	}
	if item(imap.ItemAnnotations) {
		m.Annotations = list(g, "annotations", 3, func() imap.Annotation { return imap.Annotation{Entry: g.text(), Values: g.attributes()} })
	}
	if !some {
		return nil
	}
	return m
}

// line draws text that fits in a line.
func (g gen) line() string {
	s := strings.NewReplacer("\r", "", "\n", "", "\x00", "", "[", "").Replace(g.text())
	return strings.TrimLeft(s, " \t")
}

// code draws a response code with its Args as they come back.
func (g gen) code() *imap.Code {
	c := &imap.Code{}
	switch g.n(8) {
	case 0:
		return nil
	case 1:
		c.Name = draw(g, "name", rapid.SampledFrom([]imap.CodeName{imap.CodeUIDNext, imap.CodeMaxConvertMessages, imap.CodeMaxConvertParts}))
		c.Num = draw(g, "num", rapid.Uint64())
	case 2:
		c.Name, c.Flags = imap.CodePermanentFlags, list(g, "flags", 3, g.flag)
	case 3:
		c.Name, c.UIDValidity, c.Source, c.Dest = imap.CodeCopyUID, g.u32(), g.uids(), g.uids()
	case 4:
		c.Name, c.UIDValidity, c.Dest = imap.CodeAppendUID, g.u32(), g.uids()
	case 5:
		c.Name = draw(g, "name", rapid.SampledFrom([]imap.CodeName{imap.CodeBadCharset, imap.CodeMailboxID, imap.CodeInProgress, imap.CodeAnnotate}))
		c.Words = list(g, "words", 3, func() string {
			return strings.Map(func(r rune) rune {
				if r < ' ' || r >= 0x7f {
					return -1
				}
				return r
			}, g.text())
		})
		c.Words = append(c.Words, "x")
	case 6:
		c.Name, c.Caps = imap.CodeCapability, append(list(g, "caps", 3, func() imap.Capability { return imap.Capability(g.word()) }), "X")
	case 7:
		c.Name, c.Num, c.UID = imap.CodeMessageLimit, uint64(g.u32()), imap.UID(g.u32())
	default:
		c.Name = imap.CodeName(g.xWord())
		if g.bool() {
			c.Args = draw(g, "args", rapid.SampledFrom([]string{"x", `"]" (])`, "NIL 1", `(a "b\"")`}))
		}
	}
	if c.Args == "" {
		w := responseWriter{utf8: g.utf8}
		w.codeArgs(c)
		c.Args = strings.TrimPrefix(string(w.dst), " ")
	}
	return c
}

func (g gen) status() imap.Status {
	return imap.Status{Kind: imap.Kind(1 + g.n(4)), Code: g.code(), Text: g.line()}
}

func (g gen) threads(depth int) []imap.ThreadNode {
	return list(g, "threads", 3, func() imap.ThreadNode {
		n := imap.ThreadNode{Num: g.u32()}
		if depth < 4 {
			n.Children = g.threads(depth + 1)
		}
		if n.Num == 0 && n.Children == nil {
			n.Num = 1
		}
		return n
	})
}

func (g gen) esearch() imap.Response {
	r := &imap.ESearch{
		Tag: g.text(), Mailbox: g.mailbox(), UIDValidity: g.u32(), UID: g.bool(), Min: g.u32(), Max: g.u32(), ModSeq: g.modSeq(),
		Relevancy: list(g, "relevancy", 3, g.u32), Unknown: g.items(g.xWord),
	}
	if g.bool() {
		r.HasCount, r.Count = true, g.u32()
	}
	if g.bool() {
		r.All, r.Order = g.ordered()
	}
	if g.bool() {
		r.Partial = &imap.ESearchPartial{First: int64(g.u32()), Last: -int64(g.u32())}
		if g.bool() {
			r.Partial.Nums, r.Partial.Order = g.ordered()
		}
	}
	r.Updates = list(g, "updates", 3, func() imap.ESearchUpdate {
		u := imap.ESearchUpdate{Remove: g.bool(), Position: g.u32()}
		u.Nums, u.Order = g.ordered()
		return u
	})
	return r
}

func (g gen) list() imap.Response {
	return &imap.List{
		Kind: imap.ListKind(g.n(2)), Mailbox: g.mailbox(), ChildInfo: list(g, "childinfo", 2, g.text), OldName: g.mailbox(), MyRights: g.text(),
		Delim:   draw(g, "delim", rapid.SampledFrom([]rune{0, '/', '.', '\\', '"', 'ä', '\n'})),
		Attrs:   list(g, "attrs", 3, func() imap.Attr { return canonicalAttr(string(g.flag())) }),
		Unknown: g.items(g.text),
	}
}

func (g gen) mailboxStatus() imap.Response {
	r := &imap.MailboxStatus{Mailbox: g.mailbox(), Items: imap.StatusItems(draw(g, "items", rapid.Uint16Range(0, 1<<11-1))), Unknown: g.items(g.xWord)}
	has := r.Items.Has
	if has(imap.StatusMessages) {
		r.Messages = g.u32()
	}
	if has(imap.StatusUIDNext) {
		r.UIDNext = imap.UID(g.u32())
	}
	if has(imap.StatusUIDValidity) {
		r.UIDValidity = g.u32()
	}
	if has(imap.StatusUnseen) {
		r.Unseen = g.u32()
	}
	if has(imap.StatusRecent) {
		r.Recent = g.u32()
	}
	if has(imap.StatusDeleted) {
		r.Deleted = g.u32()
	}
	if has(imap.StatusSize) {
		r.Size = g.i63()
	}
	if has(imap.StatusDeletedStorage) {
		r.DeletedStorage = g.i63()
	}
	if has(imap.StatusHighestModSeq) {
		r.HighestModSeq = g.modSeq()
	}
	if has(imap.StatusAppendLimit) {
		r.AppendLimit = draw(g, "limit", rapid.OneOf(rapid.Just(int64(-1)), rapid.Int64Min(0)))
	}
	if has(imap.StatusMailboxID) {
		r.MailboxID = g.nonEmpty()
	}
	return r
}

func (g gen) namespaces() imap.Response {
	one := func() imap.Namespace {
		return imap.Namespace{Prefix: g.mailbox(), Delim: draw(g, "delim", rapid.SampledFrom([]rune{0, '/', '"'})), Extensions: g.items(g.text)}
	}
	return &imap.Namespaces{Personal: list(g, "personal", 2, one), Other: list(g, "other", 2, one), Shared: list(g, "shared", 2, one)}
}

func (g gen) metadata() imap.Response {
	if g.bool() {
		return &imap.Metadata{Mailbox: g.mailbox(), Values: g.attributes()}
	}
	return &imap.Metadata{Mailbox: g.mailbox(), Changed: append(list(g, "changed", 3, g.text), "x")}
}

func (g gen) capabilities() imap.Capabilities {
	return append(imap.Capabilities{}, list(g, "caps", 4, func() imap.Capability { return imap.Capability(g.word()) })...)
}

// responses has a generator for every type of response but Malformed, which has no form on the wire.
var responses = map[string]func(g gen) imap.Response{
	"Message":        gen.message,
	"Exists":         func(g gen) imap.Response { return imap.Exists(g.u32()) },
	"Recent":         func(g gen) imap.Response { return imap.Recent(g.u32()) },
	"Expunge":        func(g gen) imap.Response { return imap.Expunge(g.nz()) },
	"Vanished":       func(g gen) imap.Response { return &imap.Vanished{Earlier: g.bool(), UIDs: g.uids()} },
	"MailboxFlags":   func(g gen) imap.Response { return imap.MailboxFlags(list(g, "flags", 5, g.flag)) },
	"CapabilityData": func(g gen) imap.Response { return imap.CapabilityData(g.capabilities()) },
	"Enabled":        func(g gen) imap.Response { return imap.Enabled(g.capabilities()) },
	"Status":         func(g gen) imap.Response { s := g.status(); return &s },
	"Tagged": func(g gen) imap.Response {
		s := g.status()
		s.Kind = min(s.Kind, imap.BAD)
		return &imap.Tagged{Tag: g.word(), Status: s}
	},
	"Continuation": func(g gen) imap.Response { return &imap.Continuation{Code: g.code(), Text: g.line()} },
	"Search": func(g gen) imap.Response {
		return &imap.Search{Sort: g.bool(), Nums: list(g, "nums", 9, g.u32), ModSeq: g.modSeq()}
	},
	"ESearch":       gen.esearch,
	"Thread":        func(g gen) imap.Response { return &imap.Thread{Roots: g.threads(0)} },
	"List":          gen.list,
	"MailboxStatus": gen.mailboxStatus,
	"Namespaces":    gen.namespaces,
	"ID": func(g gen) imap.Response {
		if g.bool() {
			return &imap.ID{}
		}
		return &imap.ID{Pairs: g.attributes()}
	},
	"Quota": func(g gen) imap.Response {
		return &imap.Quota{Root: g.mailbox(), Resources: list(g, "resources", 3, func() imap.QuotaResource {
			return imap.QuotaResource{Name: g.word(), Usage: g.i63(), Limit: g.i63()}
		})}
	},
	"QuotaRoot": func(g gen) imap.Response {
		return &imap.QuotaRoot{Mailbox: g.mailbox(), Roots: list(g, "roots", 3, g.mailbox)}
	},
	"ACL": func(g gen) imap.Response {
		return &imap.ACL{Mailbox: g.mailbox(), Rights: list(g, "rights", 3, func() imap.IdentifierRights {
			return imap.IdentifierRights{Identifier: g.text(), Rights: g.text()}
		})}
	},
	"ListRights": func(g gen) imap.Response {
		return &imap.ListRights{Mailbox: g.mailbox(), Identifier: g.text(), Required: g.text(), Optional: list(g, "optional", 3, g.text)}
	},
	"MyRights":   func(g gen) imap.Response { return &imap.MyRights{Mailbox: g.mailbox(), Rights: g.text()} },
	"Metadata":   gen.metadata,
	"Language":   func(g gen) imap.Response { return &imap.Language{Tags: list(g, "tags", 3, g.text)} },
	"JMAPAccess": func(g gen) imap.Response { return &imap.JMAPAccess{URL: g.text()} },
	"Comparator": func(g gen) imap.Response {
		return &imap.Comparator{Active: g.text(), Matching: list(g, "matching", 3, g.text)}
	},
	"Converted": gen.converted,
	"Conversion": func(g gen) imap.Response {
		return &imap.Conversion{From: g.text(), To: g.text(), Params: list(g, "params", 3, g.text)}
	},
	"GenURLAuth": func(g gen) imap.Response {
		return &imap.GenURLAuth{URLs: append(list(g, "urls", 3, g.text), g.text())}
	},
	"URLFetch": func(g gen) imap.Response {
		content := func() imap.URLContent {
			c := imap.URLContent{URL: g.text(), Nil: g.bool()}
			if !c.Nil {
				c.Data = g.text()
			}
			return c
		}
		return &imap.URLFetch{Contents: append(list(g, "contents", 3, content), content())}
	},
	"Unknown": func(g gen) imap.Response {
		return &imap.Unknown{Num: g.u32(), Name: g.xWord(), Data: g.value()}
	},
}

// framed gives what a Framer makes of wire, which must be one response.
func framed(t interface{ Fatalf(string, ...any) }, wire []byte, opts *Options) Frame {
	f := NewFramer(bytes.NewReader(wire), opts)
	fr, err := f.Next()
	if err != nil {
		t.Fatalf("framing %q: %v", wire, err)
	}
	fr.Data = bytes.Clone(fr.Data)
	if next, err := f.Next(); err != io.EOF {
		t.Fatalf("%q is more than one response: %q, %v", wire, next.Data, err)
	}
	return fr
}

func TestResponsesAreReadAsWritten(t *testing.T) {
	for name, response := range responses {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				g := gen{t, rapid.Bool().Draw(t, "utf8")}
				r := response(g)
				if got := strings.TrimPrefix(strings.TrimPrefix(fmt.Sprintf("%T", r), "*"), "imap."); got != name {
					t.Fatalf("the generator for %s makes a %s", name, got)
				}
				// Without any tolerance: what is written keeps to the grammar.
				opts := &Options{UTF8: g.utf8, Quirks: AllQuirks}
				wire, err := AppendResponse(nil, r, opts)
				if err != nil {
					t.Fatalf("%+v: %v", r, err)
				}
				got, err := NewDecoder(opts).Decode(framed(t, wire, opts))
				if err != nil || !reflect.DeepEqual(got, r) {
					t.Fatalf("%q:\n got %s, %v\nwant %s", wire, dump(got), err, dump(r))
				}
				// Nor does a tolerance make anything else of what is right.
				opts.Quirks = 0
				got, err = NewDecoder(opts).Decode(framed(t, wire, opts))
				if err != nil || !reflect.DeepEqual(got, r) {
					t.Fatalf("tolerant %q:\n got %s, %v\nwant %s", wire, dump(got), err, dump(r))
				}
			})
		})
	}
}

// dump shows a value with what its pointers point to.
func dump(v any) string {
	s := fmt.Sprintf("%#v", v)
	if m, ok := v.(*imap.Message); ok {
		s += fmt.Sprintf("\n  envelope %#v\n  body %#v\n  more %#v\n  errors %v", m.Envelope, m.Body, m.More, m.Errs)
	}
	if m, ok := v.(*imap.ESearch); ok {
		s += fmt.Sprintf("\n  partial %#v", m.Partial)
	}
	if m, ok := v.(*imap.Status); ok {
		s += fmt.Sprintf("\n  code %#v", m.Code)
	}
	return s
}
