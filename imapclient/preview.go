package imapclient

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pushmail/pushmail/imap"
)

// Preview is the beginning of the text of a message.
type Preview struct {
	UID imap.UID
	// Text is one line of at most 256 characters (RFC 8970 section 3.3), as a rule 200, without control
	// characters. It is the sender's text. It is empty if there is none that could be shown.
	Text string
}

// PreviewOptions are the options of [Conn.Previews]. Nil means the zero value.
type PreviewOptions struct {
	// Charset decodes character sets. Nil means those of the WHATWG encoding standard, which covers what mail has.
	Charset imap.CharsetReader
	// OwnText makes the previews on this side also where the server has PREVIEW, so that they do not depend on
	// the server.
	OwnText bool
}

// Sizes of previews and of what is fetched for them.
const (
	previewLength = 200      // characters of a preview of ours (RFC 8970 section 3.3: SHOULD)
	maxPreview    = 256      // and of a server's (MUST)
	previewPiece  = 2 << 10  // bytes that hold a preview, as a rule
	previewMore   = 16 << 10 // bytes that hold it where there is markup or a long quotation ahead
	previewWindow = 500      // messages whose previews are made at once
	previewBatch  = 50       // messages of one FETCH PREVIEW (RFC 8970 section 4.2: RECOMMENDED)
)

// Previews yields the previews of messages, in no particular order, and at most one error, last. Messages that
// do not exist are left out.
//
// Where the server has PREVIEW (RFC 8970), it makes them. Otherwise they are made on this side: from the
// structure of a message and the beginning of its text, the part that [imap.BodyPart.TextPart] says, without transfer
// encoding, markup and, if there is other text, quotations. That costs one round trip for 500 messages, and one more
// for those whose text begins further behind. More than 500, or a set with "*", cost another one to find out which
// messages there are.
//
// Breaking out of the loop, or the end of ctx, leaves the connection usable. The body of the loop may
// use the Conn.
func (c *Conn) Previews(ctx context.Context, uids imap.UIDSet, o *PreviewOptions) iter.Seq2[Preview, error] {
	return func(yield func(Preview, error) bool) {
		for window, err := range c.previewWindows(ctx, uids) {
			var previews []Preview
			if err == nil {
				previews, err = c.previewsOf(ctx, window, o)
			}
			for _, p := range previews {
				if !yield(p, nil) {
					return
				}
			}
			if err != nil {
				yield(Preview{}, err)
				return
			}
		}
	}
}

// previewWindows cuts a set into such of at most previewWindow messages.
func (c *Conn) previewWindows(ctx context.Context, uids imap.UIDSet) iter.Seq2[imap.UIDSet, error] {
	return func(yield func(imap.UIDSet, error) bool) {
		if uids.Dynamic() || uids.Len() > previewWindow {
			var err error
			if uids, err = c.existing(ctx, uids); err != nil {
				yield(nil, err)
				return
			}
		}
		for window := range inBatches(uids, previewWindow) {
			if !yield(window, nil) {
				return
			}
		}
	}
}

// inBatches cuts a set without "*" into such of at most n numbers.
func inBatches(uids imap.UIDSet, n uint64) iter.Seq[imap.UIDSet] {
	return func(yield func(imap.UIDSet) bool) {
		for !uids.Empty() {
			var batch imap.UIDSet
			if batch, uids = firstN(uids, n); !yield(batch) {
				return
			}
		}
	}
}

// previewsOf makes the previews of few messages.
func (c *Conn) previewsOf(ctx context.Context, uids imap.UIDSet, o *PreviewOptions) ([]Preview, error) {
	if c.Capabilities().Has(imap.CapPreview) && (o == nil || !o.OwnText) {
		return c.serverPreviews(ctx, uids)
	}
	m := &previewMaker{charset: charsetReader}
	if o != nil && o.Charset != nil {
		m.charset = o.Charset
	}
	for row, err := range c.Fetch(ctx, uids, &imap.FetchOptions{
		Items:    imap.ItemBody,
		Sections: []imap.SectionRequest{{Part: []uint32{1}, Length: previewPiece}},
	}) {
		if err != nil {
			return m.done, err
		}
		m.first(row)
	}
	err := c.Pipeline(ctx, m.second()...)
	return m.done, err
}

// serverPreviews asks the server.
func (c *Conn) serverPreviews(ctx context.Context, uids imap.UIDSet) (out []Preview, err error) {
	var calls []func(context.Context, *Conn) error
	for batch := range inBatches(uids, previewBatch) {
		calls = append(calls, func(ctx context.Context, c *Conn) error {
			for m, err := range c.Fetch(ctx, batch, &imap.FetchOptions{Items: imap.ItemPreview}) {
				if err != nil {
					return err
				}
				if m.More != nil {
					out = append(out, Preview{m.UID, oneLine(m.More.Preview, maxPreview)})
				}
			}
			return nil
		})
	}
	err = c.Pipeline(ctx, calls...)
	return out, err
}

// previewMaker makes previews on this side.
type previewMaker struct {
	charset imap.CharsetReader
	done    []Preview
	todo    []previewTodo
}

// previewTodo is a message whose text did not come, or not enough of it.
type previewTodo struct {
	uid     imap.UID
	section string
	length  int64
	part    *imap.BodyPart
	text    string // what there is of it
}

// first takes the structure of a message, and the beginning of its part 1.
func (m *previewMaker) first(row *imap.Message) {
	var section string
	var part *imap.BodyPart
	if row.Body != nil {
		section, part = row.Body.TextPart()
	}
	if part == nil {
		m.done = append(m.done, Preview{UID: row.UID})
		return
	}
	text := ""
	if len(row.Sections) > 0 {
		data := row.Sections[0].Data
		content, whole := beginningOf(row.Body, section, data)
		var poor bool
		text, poor = m.text(part, content)
		// A preview cannot become any better when it is as long as it may be, or made of the whole part.
		whole = whole || len(data) < previewPiece
		if utf8.RuneCountInString(text) >= previewLength && !poor || content != "" && whole {
			m.done = append(m.done, Preview{row.UID, text})
			return
		}
	}
	m.todo = append(m.todo, previewTodo{row.UID, section, lengthFor(part), part, text})
}

// lengthFor is how much of a part is fetched for a preview.
func lengthFor(part *imap.BodyPart) int64 {
	if part.Is("text/html") || strings.EqualFold(part.Encoding, "base64") || part.Size > previewPiece {
		return previewMore
	}
	return previewPiece
}

// second returns calls that fetch what is still missing: one for each section.
func (m *previewMaker) second() (calls []func(context.Context, *Conn) error) {
	slices.SortFunc(m.todo, func(a, b previewTodo) int {
		return cmp.Or(strings.Compare(a.section, b.section), cmp.Compare(a.length, b.length), cmp.Compare(a.uid, b.uid))
	})
	for group := range groups(m.todo) {
		calls = append(calls, func(ctx context.Context, c *Conn) error { return m.fetch(ctx, c, group) })
	}
	return calls
}

// groups yields the runs of the same section and length.
func groups(todo []previewTodo) iter.Seq[[]previewTodo] {
	return func(yield func([]previewTodo) bool) {
		for len(todo) > 0 {
			n := 1
			for n < len(todo) && todo[n].section == todo[0].section && todo[n].length == todo[0].length {
				n++
			}
			if !yield(todo[:n]) {
				return
			}
			todo = todo[n:]
		}
	}
}

func (m *previewMaker) fetch(ctx context.Context, c *Conn, group []previewTodo) error {
	var uids imap.UIDSet
	for i := range group {
		uids.Add(group[i].uid)
	}
	request, err := imap.ParseSection("BODY.PEEK[" + group[0].section + "]")
	if err != nil {
		return err
	}
	request.Length = group[0].length
	for row, err := range c.Fetch(ctx, uids, &imap.FetchOptions{Sections: []imap.SectionRequest{request}}) {
		if err != nil {
			return err
		}
		i, found := slices.BinarySearchFunc(group, row.UID, func(t previewTodo, uid imap.UID) int { return cmp.Compare(t.uid, uid) })
		if found && len(row.Sections) > 0 && !row.Sections[0].Nil {
			group[i].text, _ = m.text(group[i].part, row.Sections[0].Data)
		}
	}
	for i := range group {
		m.done = append(m.done, Preview{group[i].uid, group[i].text})
	}
	return nil
}

// text makes a preview of the beginning of a part. It is poor if it has nothing but a quotation.
func (m *previewMaker) text(part *imap.BodyPart, content string) (text string, poor bool) {
	text = part.DecodeText([]byte(content), m.charset)
	if part.Is("text/html") {
		text = htmlText(text)
	} else {
		text, poor = withoutQuotes(text)
	}
	return oneLine(text, previewLength), poor
}
