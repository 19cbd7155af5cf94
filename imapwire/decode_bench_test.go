package imapwire

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// mailbox writes FETCH rows as a server would for a mixed mailbox: UID FLAGS INTERNALDATE
// RFC822.SIZE ENVELOPE BODYSTRUCTURE of people's mail, newsletters, mailing lists and reports.
type rowWriter struct {
	*rand.Rand
	strings.Builder
}

var (
	firstNames = strings.Fields("Anna Bo Chidi Dolores Émile Fatima Gustav Hiroko Ivan Jo Katarzyna Li María Noor Olga Priya Quentin Rosa Sam Thu Uma Viktor Wei Xenia Yusuf Zoë")
	lastNames  = strings.Fields("Andersson Brown Chen Dubois Eriksen Fischer Garcia Hansen Ito Jones Kowalski Lopez Müller Nguyen Okafor Petrov Quist Rossi Smith Tanaka Usman Virtanen Watanabe Xu Yilmaz Zhang")
	hosts      = strings.Fields("example.org example.com mail.example.net lists.example.edu notifications.shop.example news.example.co.uk corp.example.de")
	subjects   = strings.Fields("Re: Fwd: minutes of the meeting your order has shipped invoice 2026 weekly digest [dev] release candidate question about schedule =?UTF-8?Q?Gr=C3=BC=C3=9Fe_aus_K=C3=B6ln?= lunch? draft v3 photos from Saturday")
	keywords   = strings.Fields(`\Seen \Seen \Seen \Answered \Flagged $Forwarded $NotJunk NonJunk \Recent`)
)

func pick(w *rowWriter, words []string) string { return words[w.IntN(len(words))] }

func (w *rowWriter) quotef(format string, a ...any) {
	w.WriteByte('"')
	_, _ = strings.NewReplacer(`\`, `\\`, `"`, `\"`).WriteString(w, fmt.Sprintf(format, a...))
	w.WriteByte('"')
}

func (w *rowWriter) address() {
	first, last := pick(w, firstNames), pick(w, lastNames)
	w.WriteByte('(')
	switch w.IntN(5) {
	case 0:
		w.WriteString("NIL")
	case 1:
		w.quotef(`"%s, %s"`, last, first)
	default:
		w.quotef("%s %s", first, last)
	}
	fmt.Fprintf(w, ` NIL "%s.%s" "%s")`, strings.ToLower(first), strings.ToLower(last), pick(w, hosts))
}

func (w *rowWriter) addresses(n int) {
	if n == 0 {
		w.WriteString(" NIL")
		return
	}
	w.WriteString(" (")
	for range n {
		w.address()
	}
	w.WriteByte(')')
}

func (w *rowWriter) date(format string) string {
	return fmt.Sprintf(format, 1+w.IntN(28), pick(w, strings.Fields("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec")), 2015+w.IntN(12), w.IntN(24), w.IntN(60), w.IntN(60), pick(w, strings.Fields("+0000 +0100 -0700 +0530")))
}

func (w *rowWriter) envelope() {
	w.WriteString(`ENVELOPE ("` + pick(w, []string{"Mon", "Tue", "Wed"}) + ", " + w.date("%d %s %d %02d:%02d:%02d %s") + `" `)
	var subject []string
	for range 3 + w.IntN(6) {
		subject = append(subject, pick(w, subjects))
	}
	if w.IntN(20) == 0 {
		s := strings.Join(subject, " ")
		fmt.Fprintf(w, "{%d}\r\n%s", len(s), s)
	} else {
		w.quotef("%s", strings.Join(subject, " "))
	}
	from := strings.Builder{}
	mark := w.Len()
	w.addresses(1)
	from.WriteString(w.String()[mark:])
	w.WriteString(from.String())
	w.WriteString(from.String())
	w.addresses(1 + w.IntN(3))
	w.addresses(w.IntN(3) * w.IntN(2))
	w.WriteString(" NIL ")
	if w.IntN(2) == 0 {
		w.WriteString("NIL")
	} else {
		fmt.Fprintf(w, `"<%016x.%08x@%s>"`, w.Uint64(), w.Uint32(), pick(w, hosts))
	}
	fmt.Fprintf(w, ` "<%016x.%08x@%s>")`, w.Uint64(), w.Uint32(), pick(w, hosts))
}

func (w *rowWriter) text(subtype string) {
	fmt.Fprintf(w, `("text" "%s" ("charset" "%s"%s) NIL NIL "%s" %d %d NIL NIL NIL NIL)`, subtype,
		pick(w, strings.Fields("utf-8 us-ascii iso-8859-1")), pick(w, []string{"", "", ` "format" "flowed"`}),
		pick(w, strings.Fields("7bit 8bit quoted-printable base64")), w.IntN(50000), w.IntN(900))
}

func (w *rowWriter) alternative() {
	w.WriteByte('(')
	w.text("plain")
	w.text("html")
	fmt.Fprintf(w, ` "alternative" ("boundary" "----=_Part_%d_%d.%d") NIL NIL NIL)`, w.IntN(1e6), w.IntN(1e9), w.Int64N(1e12))
}

func (w *rowWriter) attachment() {
	name := fmt.Sprintf("%s %d.%s", pick(w, lastNames), w.IntN(1000), pick(w, strings.Fields("pdf docx jpg zip")))
	fmt.Fprintf(w, `("application" "octet-stream" ("name" "%s") "<%x@x>" NIL "base64" %d NIL ("attachment" ("filename" "%s" "size" "%d")) NIL NIL)`,
		name, w.Uint32(), w.IntN(5e6), name, w.IntN(4e6))
}

func (w *rowWriter) body() {
	w.WriteString("BODYSTRUCTURE ")
	switch w.IntN(5) {
	case 0:
		w.text("plain")
	case 1:
		w.alternative()
	default:
		w.WriteByte('(')
		w.alternative()
		for range 1 + w.IntN(2) {
			w.attachment()
		}
		fmt.Fprintf(w, ` "mixed" ("boundary" "----=_Part_%d_%d.%d") NIL ("en") NIL)`, w.IntN(1e6), w.IntN(1e9), w.Int64N(1e12))
	}
}

func (w *rowWriter) row(seq int) string {
	w.Reset()
	fmt.Fprintf(w, "* %d FETCH (UID %d FLAGS (", seq, 1000+3*seq)
	for i := range w.IntN(4) {
		if i > 0 {
			w.WriteByte(' ')
		}
		w.WriteString(pick(w, keywords))
	}
	fmt.Fprintf(w, `) INTERNALDATE "%s" RFC822.SIZE %d `, w.date("%2d-%s-%d %02d:%02d:%02d %s"), w.IntN(9e6))
	w.envelope()
	w.WriteByte(' ')
	w.body()
	w.WriteByte(')')
	return w.String()
}

// rows returns n rows that are the same for the same seed.
func rows(n int, seed uint64) []string {
	w := &rowWriter{Rand: rand.New(rand.NewPCG(seed, 0))}
	out := make([]string, n)
	for i := range out {
		out[i] = w.row(i + 1)
	}
	return out
}

func TestGeneratedRowsAreSound(t *testing.T) {
	d := NewDecoder(&Options{Quirks: AllQuirks})
	total := 0
	for _, row := range rows(2000, 7) {
		r, err := d.Decode(Frame{Data: []byte(row)})
		if err != nil || hasErrs(r) {
			t.Fatalf("%q: %s, %v", row, show(r), err)
		}
		m := r.(*imap.Message)
		if !m.Items.Has(imap.ItemsAll|imap.ItemBody|imap.ItemUID) || len(m.Envelope.From) != 1 || len(m.Envelope.To) == 0 || m.Body.Type == "" {
			t.Fatalf("%q: %s", row, show(r))
		}
		total += len(row)
	}
	if mean := total / 2000; mean < 950 || mean > 1250 {
		t.Error("a row has", mean, "bytes")
	}
}

// BenchmarkDecodeFetch decodes rows of about 1.1 KB one by one; a message is dropped before the next. On
// a machine that does other things ns/op says little; median-ns/row is the median of batches that are
// short enough to be mostly left alone.
func BenchmarkDecodeFetch(b *testing.B) {
	const batch = 20
	frames := make([]Frame, 50*batch)
	var size int
	for i, row := range rows(len(frames), 1) {
		frames[i] = Frame{Data: []byte(row)}
		size += len(row)
	}
	d := NewDecoder(nil)
	b.SetBytes(int64(size / len(frames)))
	b.ReportAllocs()
	var took []time.Duration
	i := 0
	start := time.Now()
	for b.Loop() {
		if _, err := d.Decode(frames[i]); err != nil {
			b.Fatal(err)
		}
		if i++; i%batch == 0 {
			now := time.Now()
			took = append(took, now.Sub(start))
			start = now
			i %= len(frames)
		}
	}
	if len(took) > 0 {
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2])/batch, "median-ns/row")
	}
}

// BenchmarkFrameAndDecode is the way from the bytes of the connection to the messages.
func BenchmarkFrameAndDecode(b *testing.B) {
	all := strings.Join(rows(1000, 1), "\r\n") + "\r\n"
	b.SetBytes(int64(len(all)))
	b.ReportAllocs()
	d := NewDecoder(nil)
	for b.Loop() {
		f := NewFramer(strings.NewReader(all), nil)
		for {
			fr, err := f.Next()
			if err != nil {
				break
			}
			if _, err := d.Decode(fr); err != nil {
				b.Fatal(err)
			}
		}
		f.Release()
	}
}

// BenchmarkDecodeFlags is the row that a mailbox which is watched sends most.
func BenchmarkDecodeFlags(b *testing.B) {
	d := NewDecoder(nil)
	fr := Frame{Data: []byte(`* 12345 FETCH (UID 33445 MODSEQ (1234567) FLAGS (\Seen $NotJunk NonJunk))`)}
	b.SetBytes(int64(len(fr.Data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Decode(fr); err != nil {
			b.Fatal(err)
		}
	}
}
