package imapclient

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

// compressedBy compresses texts with a flush after each, at a level of compress/flate.
func compressedBy(t testing.TB, level int, texts ...string) []byte {
	var buf bytes.Buffer
	z, err := flate.NewWriter(&buf, level)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		_, _ = io.WriteString(z, text)
		_ = z.Flush()
	}
	_ = z.Close()
	return buf.Bytes()
}

// texts are what a server may say.
func texts() map[string]string {
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 80_000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	skewed := make([]byte, 100_000)
	for i := range skewed {
		skewed[i] = byte(r.ExpFloat64() * 12)
	}
	return map[string]string{
		"nothing":         "",
		"one line":        "* 23 EXISTS\r\n",
		"repetition":      strings.Repeat("x", 100_000),
		"lines":           strings.Repeat("* 1 FETCH (UID 5 FLAGS (\\Seen) RFC822.SIZE 1234)\r\n", 2000),
		"noise":           string(noise),
		"long codes":      string(skewed),
		"far repetition":  string(noise[:32768]) + string(noise[:32768]),
		"too far to copy": string(noise[:40000]) + string(noise[:40000]),
	}
}

func TestInflateIsWhatDeflateWas(t *testing.T) {
	for name, text := range texts() {
		for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, flate.BestSpeed, flate.DefaultCompression, flate.BestCompression} {
			data := compressedBy(t, level, text[:len(text)/3], text[len(text)/3:])
			for how, src := range map[string]io.Reader{
				"at once":      bytes.NewReader(data),
				"byte by byte": iotest.OneByteReader(bytes.NewReader(data)),
				"with errors":  iotest.TimeoutReader(iotest.HalfReader(bytes.NewReader(data))),
			} {
				z := newInflater(src, nil)
				var got bytes.Buffer
				_, err := got.ReadFrom(z)
				if errors.Is(err, iotest.ErrTimeout) {
					_, err = got.ReadFrom(z) // goes on
				}
				if err != nil || got.String() != text {
					t.Errorf("%s, level %d, %s: %d bytes, want %d: %v", name, level, how, got.Len(), len(text), err)
				}
			}
		}
	}
}

// stopped is a reader whose peer says nothing more.
type stopped struct{ data []byte }

var errSilence = errors.New("silence")

func (s *stopped) Read(p []byte) (int, error) {
	if len(s.data) == 0 {
		return 0, errSilence
	}
	n := copy(p, s.data)
	s.data = s.data[n:]
	return n, nil
}

// These were made with zlib 1.2.13, level 6, window 15: "* OK hello\r\n" and "* 1 EXISTS\r\n", with the flush that
// the name says after each.
var flushes = map[string]string{
	"Z_SYNC_FLUSH":    "\xd2\x52\xf0\xf7\x56\xc8\x48\xcd\xc9\xc9\xe7\xe5\x02\x00\x00\x00\xff\xff\xd2\x52\x30\x54\x70\x8d\xf0\x0c\x0e\x09\xe6\xe5\x02\x00\x00\x00\xff\xff",
	"Z_PARTIAL_FLUSH": "\xd2\x52\xf0\xf7\x56\xc8\x48\xcd\xc9\xc9\xe7\xe5\x02\x08\x20\x2d\x05\x43\x05\xd7\x08\xcf\xe0\x90\x60\x5e\x2e\x80\x00",
	"Z_FULL_FLUSH":    "\xd2\x52\xf0\xf7\x56\xc8\x48\xcd\xc9\xc9\xe7\xe5\x02\x00\x00\x00\xff\xff\xd2\x52\x30\x54\x70\x8d\xf0\x0c\x0e\x09\xe6\xe5\x02\x00\x00\x00\xff\xff",
}

func TestInflateGivesWhatHasCome(t *testing.T) {
	for name, data := range flushes {
		z := newInflater(&stopped{[]byte(data)}, nil)
		var got bytes.Buffer
		_, err := got.ReadFrom(z)
		if got.String() != "* OK hello\r\n* 1 EXISTS\r\n" || !errors.Is(err, errSilence) {
			t.Errorf("%s: %q, %v", name, got.String(), err)
		}
	}
}

func TestInflateOfWhatIsNotDeflated(t *testing.T) {
	for name, data := range map[string]string{
		"a reserved kind of block":        "\x07",
		"a length without its complement": "\x01\x05\x00\x00\x00hello",
		"a copy from before the start":    "\x03\x02\x00",
		"text":                            "* BAD what?\r\n",
		"too many symbols":                "\xfd\xff\xff\xff\xff",
		"codes that are not complete":     "\x05\xe0\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
	} {
		_, err := io.Copy(io.Discard, newInflater(&stopped{[]byte(data)}, nil))
		if !errors.Is(err, errInflate) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever it reads, it agrees with compress/flate, and gives what that gives.
func FuzzInflate(f *testing.F) {
	for _, text := range texts() {
		f.Add(compressedBy(f, 6, text[:min(len(text), 2000)]))
	}
	for _, data := range flushes {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		want, wantErr := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(data)), 1<<20))
		got, gotErr := io.ReadAll(io.LimitReader(newInflater(bytes.NewReader(data), nil), 1<<20))
		if !bytes.HasPrefix(got, want) {
			t.Fatalf("%d bytes, and compress/flate %d", len(got), len(want))
		}
		if wantErr == nil && (gotErr != nil || len(got) != len(want)) {
			t.Fatalf("%d bytes and %v, and compress/flate %d", len(got), gotErr, len(want))
		}
		if errors.As(wantErr, new(flate.CorruptInputError)) && gotErr == nil && len(got) < 1<<20 {
			t.Fatalf("no error, and compress/flate %v", wantErr)
		}
	})
}

func BenchmarkInflate(b *testing.B) {
	text := texts()["lines"]
	data := compressedBy(b, 6, text)
	for name, open := range map[string]func(io.Reader) io.Reader{
		"ours":           func(r io.Reader) io.Reader { return newInflater(r, nil) },
		"compress/flate": func(r io.Reader) io.Reader { return flate.NewReader(r) },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			buf := make([]byte, 16<<10)
			for b.Loop() {
				if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, open(bytes.NewReader(data)), buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
