package imap

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime/quotedprintable"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

func TestDecodeTransfer(t *testing.T) {
	for _, tt := range []struct{ encoding, in, want string }{
		{"base64", "aGVsbG8gd29ybGQ=", "hello world"},
		{"BASE64 ", "aGVs\r\nbG8g\r\nd29y bGQ", "hello world"},
		{"base64", "aGVsbG8gd29ybGQ", "hello world"},
		{"base64", "aGVsbG8gd29yb", "hello wor"},   // cut
		{"base64", "aA==aGk=", "hhi"},              // two pieces
		{"base64", "a!G-V_s", "hel"},               // rubbish
		{"base64", "aGVsbG8=\r\n-- \r\n", "hello"}, // a line that somebody put at the end
		{"quoted-printable", "f=C3=BCr=20=\r\nalle=3d", "für alle="},
		{"Quoted-Printable", "a = b =zz =", "a = b =zz "},
		{"quoted-printable", "a=  \t\r\nb=\nc", "abc"},
		{"quoted-printable", "cut=C", "cut=C"},
		{"quoted-printable", "line\r\nline\n", "line\r\nline\n"},
		{"7bit", "=41=", "=41="},
		{"", "=41=", "=41="},
		{"x-uuencode", "=41=", "=41="},
	} {
		got, err := io.ReadAll(iotest.OneByteReader(DecodeTransfer(tt.encoding, iotest.OneByteReader(strings.NewReader(tt.in)))))
		if string(got) != tt.want || err != nil {
			t.Errorf("%s %q: %q, %v; want %q", tt.encoding, tt.in, got, err, tt.want)
		}
	}
}

func TestDecodeTransferAgreesWithEncoders(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOf(rapid.Byte()).Draw(t, "content")
		var qp bytes.Buffer
		w := quotedprintable.NewWriter(&qp)
		w.Binary = true
		_, _ = w.Write(want)
		_ = w.Close()
		for encoding, text := range map[string]string{"base64": base64.StdEncoding.EncodeToString(want), "quoted-printable": qp.String()} {
			got, err := io.ReadAll(DecodeTransfer(encoding, strings.NewReader(text)))
			if !bytes.Equal(got, want) || err != nil {
				t.Fatalf("%s %q: %q, %v; want %q", encoding, text, got, err, want)
			}
			cut := rapid.IntRange(0, len(text)).Draw(t, "cut")
			got, _ = io.ReadAll(DecodeTransfer(encoding, strings.NewReader(text[:cut])))
			if !bytes.HasPrefix(append(want, '='), got) && encoding == "base64" {
				t.Fatalf("%s %q: %q is no beginning of %q", encoding, text[:cut], got, want)
			}
		}
	})
}

func TestDecodeTransferTellsTheReadersError(t *testing.T) {
	broken := errors.New("broken")
	for _, encoding := range []string{"base64", "quoted-printable", "8bit"} {
		r := DecodeTransfer(encoding, io.MultiReader(strings.NewReader("aGVsbG8g"), iotest.ErrReader(broken)))
		if got, err := io.ReadAll(r); !errors.Is(err, broken) || len(got) < 6 {
			t.Errorf("%s: %q, %v", encoding, got, err)
		}
	}
}

func TestDecodeText(t *testing.T) {
	for _, tt := range []struct{ encoding, charset, in, want string }{
		{"quoted-printable", "utf-8", "f=C3=BCr\r\nalle", "für\nalle"},
		{"quoted-printable", "UTF-8", "f=C3=BCr=C3", "für"},
		{"base64", "iso-8859-1", "ZvxyIIA=", "für €"},
		{"8bit", "", "f\xfcr", "für"},
		{"8bit", "us-ascii", "für \xe2\x82", "für "},
		{"8bit", "x-strange", "f\xfcr", "für"},
		{"8bit", "x-strange", "für", "für"},
		{"8bit", "koi8-r", "abc", "KOI8-R:abc"},
	} {
		p := &BodyPart{Type: "TEXT", Subtype: "PLAIN", Encoding: tt.encoding}
		if tt.charset != "" {
			p.Params = []Param{{"CHARSET", tt.charset}}
		}
		got := p.DecodeText([]byte(tt.in), func(label string, r io.Reader) (io.Reader, error) {
			if !strings.EqualFold(label, "koi8-r") {
				return nil, errors.New("unknown")
			}
			return io.MultiReader(strings.NewReader("KOI8-R:"), r), nil
		})
		if got != tt.want {
			t.Errorf("%+v: %q", tt, got)
		}
	}
}
