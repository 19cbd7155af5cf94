package imapwire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// session is what a server might say, and frames what it consists of.
var session = []string{
	"* OK [CAPABILITY IMAP4rev1] ready {12}",
	"* 3 EXISTS",
	"* OK {5}",
	"* NO [BADCHARSET ({5}\r\nUTF-8)] no {3}",
	"a1 OK [READ-WRITE] done {5}",
	"+ idling {5}",
	"+ {5}",
	"[ALERT] no {7}",
	"* [COPYUID 55 31 6] {7}",
	"* 1 FETCH (BODY[] {11}\r\nHello\r\n{5}\r FLAGS ())",
	"* 2 FETCH (ENVELOPE ({3}\r\na\"b {0}\r\n NIL) BINARY[1] ~{4}\r\na\x00\r\n)",
	"* LIST () \"/\" {6}\r\nInbo{5",
	"* LIST () \"/\" {3+}\r\nfoo",
	"* LIST () \"/\" \"foo{5}\"",
	"* {25}\r\nThis should be skipped...",
	"* 3 FETCH (BODY[TEXT] {3}\r\nabc\r\n FLAGS (\\Seen))",
	"* 4 FETCH (BODY[TEXT] {3}\r\nabc",
	"a2 BAD x",
	"* BYE",
}

var sessionBytes = []byte(strings.Join(session, "\r\n") + "\r\n")

// frames reads until an error and returns copies of what came.
func frames(f *Framer) (out []string, err error) {
	for {
		fr, err := f.Next()
		if err != nil {
			return out, err
		}
		out = append(out, string(fr.Data))
		for _, l := range fr.Literals {
			head, _, _ := bytes.Cut(fr.Data[bytes.LastIndexByte(fr.Data[:l.Offset], '{'):], []byte("}"))
			if want := fmt.Sprintf("{%d", l.Size); !strings.HasPrefix(string(head), want) {
				return out, fmt.Errorf("literal %+v has the header %q", l, head)
			}
		}
	}
}

func checkFrames(t *testing.T, got []string, err error, want []string) {
	t.Helper()
	if err != io.EOF {
		t.Errorf("ended with %v", err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// chunkReader gives the chunks one by one, with a deadline error after each.
type chunkReader struct {
	chunks  [][]byte
	expired bool
}

func (r *chunkReader) Read(p []byte) (int, error) {
	if r.expired = !r.expired; r.expired {
		return 0, os.ErrDeadlineExceeded
	}
	if len(r.chunks) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.chunks[0])
	if r.chunks[0] = r.chunks[0][n:]; len(r.chunks[0]) == 0 {
		r.chunks = r.chunks[1:]
	}
	return n, nil
}

// resume repeats Next after deadline errors, releasing the buffer each time if asked to.
func resume(f *Framer, release bool) (out []string, err error) {
	for {
		got, err := frames(f)
		out = append(out, got...)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return out, err
		}
		if release {
			f.Release()
		}
	}
}

func TestFramesAreTheSameHoweverTheyArrive(t *testing.T) {
	t.Run("whole", func(t *testing.T) {
		got, err := frames(NewFramer(bytes.NewReader(sessionBytes), nil))
		checkFrames(t, got, err, session)
	})
	t.Run("byte by byte", func(t *testing.T) {
		got, err := frames(NewFramer(iotest.OneByteReader(bytes.NewReader(sessionBytes)), nil))
		checkFrames(t, got, err, session)
	})
	t.Run("error with data", func(t *testing.T) {
		got, err := frames(NewFramer(iotest.DataErrReader(bytes.NewReader(sessionBytes)), nil))
		checkFrames(t, got, err, session)
	})
	for i := range sessionBytes {
		for _, release := range []bool{false, true} {
			r := &chunkReader{chunks: [][]byte{sessionBytes[:i], sessionBytes[i:]}}
			if i == 0 {
				r.chunks = r.chunks[1:]
			}
			got, err := resume(NewFramer(r, nil), release)
			checkFrames(t, got, err, session)
		}
	}
}

func TestLineFeedAloneEndsLines(t *testing.T) {
	in := "* 1 EXISTS\n* 1 FETCH (BODY[] {3}\nabc)\n\r\n\n* 2 EXISTS\r\n"
	got, err := frames(NewFramer(strings.NewReader(in), nil))
	checkFrames(t, got, err, []string{"* 1 EXISTS", "* 1 FETCH (BODY[] {3}\nabc)", "* 2 EXISTS"})
}

func TestEndInsideResponseIsUnexpected(t *testing.T) {
	for _, in := range []string{"*", "* 1 EXISTS", "* 1 EXISTS\r", "* 1 FETCH (BODY[] {3}\r\n", "* 1 FETCH (BODY[] {3}\r\nab"} {
		if _, err := NewFramer(strings.NewReader(in), nil).Next(); err != io.ErrUnexpectedEOF {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestReadErrorsComeBackAsTheyAre(t *testing.T) {
	want := errors.New("broken")
	f := NewFramer(io.MultiReader(strings.NewReader("* 1 EXISTS\r\n* 2 EX"), iotest.ErrReader(want)), nil)
	if _, err := f.Next(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := f.Next(); err != want {
			t.Fatal(err)
		}
	}
	if f.Buffered() != len("* 2 EX") {
		t.Error("lost bytes:", f.Buffered())
	}
}

func TestReaderThatReturnsNothing(t *testing.T) {
	r := readerFunc(func([]byte) (int, error) { return 0, nil })
	if _, err := NewFramer(r, nil).Next(); err != io.ErrNoProgress {
		t.Error(err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// limitCase is a response at the bound of a limit and one past it.
type limitCase struct {
	name   string
	limits Limits
	within string // a response
	beyond string // the same, one byte or one more
	limit  string
}

var limitCases = []limitCase{
	{"line", Limits{Line: 20}, "* OK 0123456789ABCDE", "* OK 0123456789ABCDEF", "Line"},
	{"line before a literal", Limits{Line: 20}, "* 1 FETCH (BODY[]{3}\r\nabc)", "* 1 FETCH (BODY[] {3}\r\nabc)", "Line"},
	{"line after a literal", Limits{Line: 20}, "* X {3}\r\nabc0123456789ABCDEFGHI\n", "* X {3}\r\nabc0123456789ABCDEFGHIJK", "Line"},
	{"literal", Limits{Literal: 5}, "* X ({5}\r\nabcde)", "* X ({6}\r\nabcdef)", "Literal"},
	{"literal that looks like lines", Limits{Literal: 5}, "* X ({5}\r\na\r\n\r\n)", "* X ({7}\r\na\r\n{9}\n)", "Literal"},
	{"response in a line", Limits{Response: 20}, "* OK 0123456789ABCDE", "* OK 0123456789ABCDEF", "Response"},
	{"response with a literal", Limits{Response: 20}, "* X ({9}\r\n123456789)", "* X ({9}\r\n1234567890)", "Response"},
	{"response by a literal", Limits{Response: 20}, "* X {11}\r\n0123456789", "* X {11}\r\n0123456789A", "Response"},
	{"line of numbers", Limits{Line: 10, Response: 20}, "* SEARCH 1 2 3 4 5 6", "* SEARCH 1 2 3 4 5 60", "Response"},
	{"literals", Limits{Tokens: 2}, "* X {1}\r\na {0}\r\n", "* X {1}\r\na {0}\r\n {0}\r\n", "Tokens"},
}

func init() { // the case of a line after a literal is clearer written without counting
	limitCases[2].within = "* X {3}\r\nabc" + strings.Repeat("x", 20)
	limitCases[2].beyond = "* X {3}\r\nabc" + strings.Repeat("x", 21)
	limitCases[7].within = "* X {10}\r\n0123456789"
}

func TestLimitsCostOneResponse(t *testing.T) {
	for _, tc := range limitCases {
		t.Run(tc.name, func(t *testing.T) {
			in := tc.within + "\r\n" + tc.beyond + "\r\n* 5 EXISTS\r\n"
			for _, r := range []io.Reader{strings.NewReader(in), iotest.OneByteReader(strings.NewReader(in))} {
				f := NewFramer(r, &Options{Limits: tc.limits})
				if fr, err := f.Next(); err != nil || string(fr.Data) != tc.within {
					t.Fatalf("within the limit: %q, %v", fr.Data, err)
				}
				_, err := f.Next()
				e, ok := errors.AsType[*LimitError](err)
				if !ok || e.Limit != tc.limit || !e.Skipped || !strings.HasPrefix(tc.beyond, e.Head) || e.Head == "" {
					t.Fatalf("beyond the limit: %v", err)
				}
				if fr, err := f.Next(); err != nil || string(fr.Data) != "* 5 EXISTS" {
					t.Fatalf("after it: %q, %v", fr.Data, err)
				}
			}
		})
	}
}

func TestSkipIsBounded(t *testing.T) {
	line := strings.Repeat("x", 98) + "\r\n"                         // 100 bytes
	literal := "* X {60}\r\n" + strings.Repeat("\n", 60) + line[:30] // 10 + 60 + 30
	for _, in := range []string{line, literal[:98] + "\r\n"} {
		for skip, fatal := range map[int64]bool{99: true, 100: false} {
			limits := Limits{Line: 50, Literal: 50, Skip: skip}
			f := NewFramer(iotest.HalfReader(strings.NewReader(in+"* 5 EXISTS\r\n")), &Options{Limits: limits})
			_, err := f.Next()
			e, ok := errors.AsType[*LimitError](err)
			if !ok || e.Skipped == fatal {
				t.Errorf("%q with skip %d: %v", in, skip, err)
			}
			fr, again := f.Next()
			if fatal && again != err || !fatal && string(fr.Data) != "* 5 EXISTS" {
				t.Errorf("%q with skip %d: then %q, %v", in, skip, fr.Data, again)
			}
		}
	}
}

func TestHugeLiteralHeadersAreRefusedAtOnce(t *testing.T) {
	for _, size := range []string{"4294967296", "9223372036854775807", "99999999999999999999", strings.Repeat("9", 40)} {
		never := readerFunc(func([]byte) (int, error) { t.Error("read on"); return 0, io.EOF })
		f := NewFramer(io.MultiReader(strings.NewReader("* 1 FETCH (BODY[] {"+size+"}\r\n"), never), nil)
		if e, ok := errors.AsType[*LimitError](second(f.Next())); !ok || e.Skipped || e.Limit != "Literal" {
			t.Errorf("{%s}: %v", size, e)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestNoLineEndNeedsBoundedMemory(t *testing.T) {
	var most int
	r := readerFunc(func(p []byte) (int, error) {
		most = max(most, len(p))
		for i := range p {
			p[i] = 'x'
		}
		return len(p), nil
	})
	f := NewFramer(r, nil)
	_, err := f.Next()
	if e, ok := errors.AsType[*LimitError](err); !ok || e.Skipped || e.Limit != "Line" {
		t.Fatal(err)
	}
	if limit := 4 * DefaultLimits.Line; len(f.buf) > limit || most > limit {
		t.Errorf("buffer of %d bytes, read of %d", len(f.buf), most)
	}
}

func TestAnnouncedSizeIsNotAllocated(t *testing.T) {
	f := NewFramer(strings.NewReader("* 1 FETCH (BODY[] {1048576}\r\nabc"), nil)
	if _, err := f.Next(); err != io.ErrUnexpectedEOF {
		t.Fatal(err)
	}
	if len(f.buf) != firstSize {
		t.Error("buffer of", len(f.buf))
	}
}

// What waits for a few lines has a small buffer, and what has more to read gets a large one at once.
func TestBufferIsAsLargeAsWhatComes(t *testing.T) {
	lines := func(n int) io.Reader { return strings.NewReader(strings.Repeat("* 4 EXISTS\r\n", n)) }
	for _, tt := range []struct {
		name string
		r    io.Reader
		want int
	}{
		{"a few lines", lines(20), firstSize},
		{"a few lines, again and again", iotest.HalfReader(iotest.OneByteReader(lines(5000))), firstSize},
		{"many at once", lines(5000), bufferSize},
		{"a line that is longer", iotest.OneByteReader(strings.NewReader("* OK " + strings.Repeat("x", firstSize) + "\r\n")), bufferSize},
	} {
		f := NewFramer(tt.r, nil)
		for {
			if _, err := f.Next(); err != nil {
				break
			}
		}
		if len(f.buf) != tt.want {
			t.Errorf("%s: buffer of %d, want %d", tt.name, len(f.buf), tt.want)
		}
		if f.Release(); f.buf != nil || f.first != nil || f.array != nil {
			t.Errorf("%s: released, and has a buffer of %d", tt.name, len(f.buf))
		}
	}
}

func TestLargeBufferGoesWithItsResponse(t *testing.T) {
	big := "* 1 FETCH (BODY[] {500000}\r\n" + strings.Repeat("x", 500000) + ")\r\n"
	f := NewFramer(iotest.HalfReader(strings.NewReader(big+"* 2 EXISTS\r\n* 3 EXISTS\r\n"+strings.Repeat("* 4 EXISTS\r\n", 9999))), nil)
	for {
		fr, err := f.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(fr.Data) > 500000 && len(f.buf) < 500000 || len(f.buf) > 2<<20 {
			t.Fatal("buffer of", len(f.buf))
		}
	}
	if len(f.buf) != bufferSize {
		t.Error("buffer of", len(f.buf))
	}
}

// failingWriter fails after n bytes.
type failingWriter struct {
	bytes.Buffer
	n int
}

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.Len()+len(p) > w.n {
		return 0, io.ErrShortWrite
	}
	return w.Buffer.Write(p)
}

func TestStreamedSections(t *testing.T) {
	body := strings.Repeat("0123456789\r\n{5}\r\n", 1000)
	lit := func(head string) string { return fmt.Sprintf("%s {%d}\r\n", head, len(body)) }
	tests := []struct {
		head     string
		streamed bool
	}{
		{"* 1 FETCH (BODY[]", true},
		{"* 1 FETCH (UID 5 BODY[1.2.MIME]", true},
		{"* 1 UIDFETCH (BODY[]", true},
		{"* 1 fetch (body[header.fields (From \"To\")]<100>", true},
		{"* 1 FETCH (BINARY[1]<0>", true},
		{"* 1 FETCH (RFC822", true},
		{"* 1 FETCH (UID 3 RFC822.TEXT", true},
		{"* 1 FETCH (X-RFC822", false},
		{"* 1 FETCH (ENVELOPE (", false},
		{"* 1 FETCH (ENVELOPE (\"BODY[]\"", false},
		{"* LIST () NIL", false},
		{"* 1 FETCHX (BODY[]", false},
	}
	for _, tc := range tests {
		for name, wrap := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "half": iotest.HalfReader, "byte": iotest.OneByteReader,
		} {
			f := NewFramer(wrap(strings.NewReader(lit(tc.head)+body+" X)\r\n* 2 EXISTS\r\n")), &Options{Limits: Limits{Inline: int64(len(body)) - 1}})
			var w bytes.Buffer
			asked := 0
			f.Stream = func(head []byte, size int64) io.Writer {
				if string(head) != lit(tc.head) || size != int64(len(body)) {
					t.Errorf("asked with %q, %d", head, size)
				}
				asked++
				return &w
			}
			fr, err := f.Next()
			if err != nil {
				t.Fatal(err)
			}
			want := lit(tc.head) + " X)"
			if !tc.streamed {
				want = lit(tc.head) + body + " X)"
			}
			if string(fr.Data) != want || len(fr.Literals) != 1 || fr.Literals[0].Streamed != tc.streamed {
				t.Errorf("%s %s: %.80q %+v", tc.head, name, fr.Data, fr.Literals)
			}
			if tc.streamed != (w.String() == body) || asked > 1 {
				t.Errorf("%s %s: wrote %d bytes, asked %d times", tc.head, name, w.Len(), asked)
			}
			if fr, err := f.Next(); string(fr.Data) != "* 2 EXISTS" {
				t.Errorf("%s %s: then %q, %v", tc.head, name, fr.Data, err)
			}
		}
	}
}

func TestStreamSurvivesFailingWriterAndDeadlines(t *testing.T) {
	body := strings.Repeat("x", 300)
	in := "* 1 FETCH (BODY[] {300}\r\n" + body + " UID 5)\r\n* 2 EXISTS\r\n"
	for _, n := range []int{0, 100, 300} {
		for i := 1; i < len(in); i++ {
			f := NewFramer(&chunkReader{chunks: [][]byte{[]byte(in[:i]), []byte(in[i:])}}, &Options{Limits: Limits{Inline: 10}})
			w := &failingWriter{n: n}
			f.Stream = func([]byte, int64) io.Writer { return w }
			got, err := resume(f, i%2 == 0)
			checkFrames(t, got, err, []string{"* 1 FETCH (BODY[] {300}\r\n UID 5)", "* 2 EXISTS"})
			if n == 300 && w.String() != body {
				t.Fatalf("split at %d: wrote %d bytes", i, w.Len())
			}
		}
	}
}

func TestStreamNeedsConstantMemory(t *testing.T) {
	const size = 256 << 20
	body := &io.LimitedReader{R: readerFunc(func(p []byte) (int, error) { return len(p), nil }), N: size}
	f := NewFramer(io.MultiReader(strings.NewReader(fmt.Sprintf("* 1 FETCH (BODY[] {%d}\r\n", size)), body, strings.NewReader(")\r\n")), nil)
	var n int64
	f.Stream = func([]byte, int64) io.Writer {
		return writerFunc(func(p []byte) (int, error) { n += int64(len(p)); return len(p), nil })
	}
	if _, err := f.Next(); err != nil || n != size {
		t.Fatal(n, err)
	}
	if len(f.buf) != bufferSize {
		t.Error("buffer of", len(f.buf))
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestStreamThatDeclinesFallsBackToLimits(t *testing.T) {
	f := NewFramer(strings.NewReader("* 1 FETCH (BODY[] {20}\r\n01234567890123456789)\r\n* 2 EXISTS\r\n"), &Options{Limits: Limits{Inline: 5, Literal: 10}})
	f.Stream = func([]byte, int64) io.Writer { return nil }
	if e, ok := errors.AsType[*LimitError](second(f.Next())); !ok || !e.Skipped {
		t.Fatal(e)
	}
	if fr, _ := f.Next(); string(fr.Data) != "* 2 EXISTS" {
		t.Errorf("%q", fr.Data)
	}
}

func TestServersAreAskedForLiterals(t *testing.T) {
	refuse := errors.New("refused")
	tests := []struct {
		in    string
		calls string
		want  []string
		err   error
	}{
		{"a APPEND x {3}\r\nabc {2+}\r\nde\r\nb NOOP\r\n", "3 true,2 false,", []string{"a APPEND x {3}\r\nabc {2+}\r\nde", "b NOOP"}, nil},
		{"a APPEND x {4}\r\nb NOOP\r\n", "4 true,", []string{"b NOOP"}, refuse},
		{"a APPEND x {4+}\r\na\r\n\n\r\nb NOOP\r\n", "4 false,", []string{"b NOOP"}, refuse},
		{"a APPEND x {11}\r\nb NOOP\r\n", "", []string{"b NOOP"}, &LimitError{}},
		{"a APPEND x {11+}\r\n01234567890\r\nb NOOP\r\n", "", []string{"b NOOP"}, &LimitError{}},
		{"a APPEND x {11+}\r\n01234567890 {3}\r\nb NOOP\r\n", "", []string{"b NOOP"}, &LimitError{}},
	}
	for _, tc := range tests {
		f := NewFramer(iotest.OneByteReader(strings.NewReader(tc.in)), &Options{Limits: Limits{Literal: 10}})
		var calls string
		f.Literal = func(size int64, sync bool) error {
			calls += fmt.Sprintf("%d %v,", size, sync)
			if size == 4 {
				return refuse
			}
			return nil
		}
		got, err := frames(f)
		if tc.err != nil {
			if errors.Is(err, refuse) != (tc.err == refuse) || err == io.EOF {
				t.Errorf("%q: %v", tc.in, err)
			}
			got, err = frames(f)
		}
		checkFrames(t, got, err, tc.want)
		if calls != tc.calls {
			t.Errorf("%q: calls %q", tc.in, calls)
		}
	}
}

func TestReadySaysWhatNextCanDoWithoutReading(t *testing.T) {
	for i := range len(sessionBytes) + 1 {
		var reads int
		part := sessionBytes[:i]
		r := readerFunc(func(p []byte) (int, error) {
			if reads++; reads > 1 {
				return 0, os.ErrDeadlineExceeded
			}
			return copy(p, part), nil
		})
		f := NewFramer(r, nil)
		if i == 0 {
			if f.Ready() {
				t.Error("ready without a byte")
			}
			continue
		}
		_, _ = f.Next()
		for n := 0; n < len(session)+1; n++ {
			ready, before := f.Ready(), reads
			_, err := f.Next()
			if ready != (err == nil && reads == before) {
				t.Errorf("after %d bytes: ready %v, Next: %v", i, ready, err)
			}
			if err != nil {
				break
			}
		}
	}
}

func TestReleaseKeepsPartialResponseInItsSize(t *testing.T) {
	f := NewFramer(&chunkReader{chunks: [][]byte{[]byte("* 1 EXISTS\r\n* 2 EX"), []byte("ISTS\r\n")}}, nil)
	for _, want := range []string{"", "* 1 EXISTS", ""} {
		if fr, _ := f.Next(); string(fr.Data) != want {
			t.Fatalf("%q, want %q", fr.Data, want)
		}
	}
	f.Release()
	if len(f.buf) != len("* 2 EX") || cap(f.buf) > 16 || f.Buffered() != 6 {
		t.Errorf("keeps %d bytes of %d", len(f.buf), cap(f.buf))
	}
	f.Release()
	if fr, err := f.Next(); string(fr.Data) != "* 2 EXISTS" {
		t.Fatalf("%q, %v", fr.Data, err)
	}
	f.Release()
	if f.buf != nil || f.array != nil || f.lits != nil {
		t.Error("keeps a buffer")
	}
}

func TestTakeBufferedAndReset(t *testing.T) {
	f := NewFramer(strings.NewReader("a OK begin TLS\r\n* OK injected\r\n* 1 EX"), nil)
	if _, err := f.Next(); err != nil {
		t.Fatal(err)
	}
	if got := string(f.TakeBuffered()); got != "* OK injected\r\n* 1 EX" {
		t.Errorf("took %q", got)
	}
	if f.Buffered() != 0 {
		t.Error("still has", f.Buffered())
	}
	f.Reset(strings.NewReader("* 2 EXISTS\r\n* 3"))
	if fr, err := f.Next(); string(fr.Data) != "* 2 EXISTS" {
		t.Errorf("%q, %v", fr.Data, err)
	}
	f.Reset(strings.NewReader("* 4 EXISTS\r\n"))
	if fr, err := f.Next(); string(fr.Data) != "* 4 EXISTS" {
		t.Errorf("%q, %v", fr.Data, err)
	}
}

func TestResetForgetsAFatalError(t *testing.T) {
	data := iotest.DataErrReader(strings.NewReader("* X {99999999999}\r\n"))
	f := NewFramer(data, nil)
	for range 2 {
		if e, ok := errors.AsType[*LimitError](second(f.Next())); !ok || e.Skipped {
			t.Fatal(e)
		}
	}
	f.Reset(strings.NewReader("* 2 EXISTS\r\n"))
	if fr, err := f.Next(); string(fr.Data) != "* 2 EXISTS" {
		t.Errorf("%q, %v", fr.Data, err)
	}
}

// chunked cuts b at random places.
func chunked(b []byte, rnd *rand.Rand) [][]byte {
	var out [][]byte
	for len(b) > 0 {
		n := min(len(b), 1+rnd.IntN(1+rnd.IntN(40)))
		out, b = append(out, b[:n]), b[n:]
	}
	return out
}

// record reads everything and notes each frame and each error.
func record(f *Framer, release func() bool) (out []string) {
	for range 10_000 {
		fr, err := f.Next()
		switch e, isLimit := errors.AsType[*LimitError](err); {
		case err == nil:
			out = append(out, fmt.Sprintf("%q %v", fr.Data, fr.Literals))
		case errors.Is(err, os.ErrDeadlineExceeded):
			if release() {
				f.Release()
			}
		case isLimit:
			out = append(out, e.Limit, fmt.Sprint(e.Skipped))
			if !e.Skipped {
				return out
			}
		default:
			return append(out, err.Error())
		}
	}
	return out
}

func FuzzFramer(f *testing.F) {
	f.Add(sessionBytes, uint64(1))
	for _, tc := range limitCases {
		f.Add([]byte(tc.within+"\r\n"+tc.beyond+"\r\n* 5 EXISTS\r\n"), uint64(2))
	}
	f.Add([]byte("* 1 FETCH (BODY[] {5}\r\nabc\r\n\r\n\r\n)\r\n"), uint64(3))
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		if len(data) > 2000 {
			return
		}
		rnd := rand.New(rand.NewPCG(seed, 0))
		opts := &Options{Limits: Limits{Line: 60, Literal: 40, Inline: 20, Response: 120, Skip: 200, Tokens: 5}}
		streams := seed%2 == 0
		open := func(r io.Reader) (*Framer, *bytes.Buffer) {
			f, w := NewFramer(r, opts), new(bytes.Buffer)
			if streams {
				f.Stream = func([]byte, int64) io.Writer { return w }
			}
			return f, w
		}
		whole, w1 := open(bytes.NewReader(data))
		split, w2 := open(&chunkReader{chunks: chunked(data, rnd)})
		a := record(whole, nil)
		b := record(split, func() bool { return rnd.IntN(2) == 0 })
		if !slices.Equal(a, b) || w1.String() != w2.String() {
			t.Errorf("%q\nwhole: %q\nsplit: %q", data, a, b)
		}
	})
}

func BenchmarkFramer(b *testing.B) {
	in := bytes.Repeat(sessionBytes, 1000)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		f := NewFramer(bytes.NewReader(in), nil)
		for {
			if _, err := f.Next(); err != nil {
				break
			}
		}
		f.Release()
	}
}
