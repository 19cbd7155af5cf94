package imap_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/internal/linear"
)

// params reads "name=value|name=value".
func params(text string) []imap.Param {
	var out []imap.Param
	for p := range strings.SplitSeq(text, "|") {
		name, value, _ := strings.Cut(p, "=")
		out = append(out, imap.Param{Name: name, Value: value})
	}
	return out
}

func TestDecodeParam(t *testing.T) {
	const none = "(none)"
	for _, c := range []struct{ in, want string }{
		{"filename=a.pdf", "a.pdf"},
		{"FileName=a.pdf", "a.pdf"},
		{"name=a.pdf", none},
		{"filenamex=a|filename**=b|filename*x=c", none},
		// RFC 2231 sections 3 to 4.1.
		{"filename*0=a very |filename*1=long name", "a very long name"},
		{"filename*1=long name|filename*0=a very ", "a very long name"},
		{"filename*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A", "This is ***fun***"},
		{"filename*0*=us-ascii'en'This%20is%20even%20more%20|filename*1*=%2A%2A%2Afun%2A%2A%2A%20|filename*2=isn't it!", "This is even more ***fun*** isn't it!"},
		{"filename*=UTF-8''Gr%C3%BC%C3%9Fe.pdf", "Grüße.pdf"},
		{"filename*=iso-8859-1''Gr%FC%DFe.pdf", "Grüße.pdf"},
		{"filename*0*=UTF-8''Gr%C3|filename*1*=%BC%C3%9Fe.pdf", "Grüße.pdf"},
		{"filename*=x-upper''A%42C", "abc"},
		// The extended form wins wherever it is, as does a whole one over pieces.
		{"filename=Gr__e.pdf|filename*=UTF-8''Gr%C3%BC%C3%9Fe.pdf", "Grüße.pdf"},
		{"filename=x|filename*0=a|filename*1=b", "ab"},
		// Against the rules.
		{"filename==?utf-8?Q?Gr=C3=BC=C3=9Fe.pdf?=", "Grüße.pdf"},
		{"filename*0==?utf-8?Q?Gr=C3=BC|filename*1==C3=9Fe.pdf?=", "Grüße.pdf"},
		{"filename*=plain.pdf", "plain.pdf"},
		{"filename*=it's.pdf", "it's.pdf"},
		{"filename*=Gr%FC%DFe.pdf", "Grüße.pdf"},
		{"filename*=''100%.pdf", "100%.pdf"},
		{"filename*=x-nobody''Gr%C3%BC.pdf", "Grü.pdf"},
		{"filename*0=a|filename*2=c", "a"},
		{"filename*0=a|filename*0=b", "a"},
		{"filename*1=b", none},
		{"filename*99999999999999999999=b", none},
		{"filename=Gr\xfc\xdfe.pdf", "Grüße.pdf"},
		{"filename=", ""},
	} {
		got, ok := imap.DecodeParam(params(c.in), "filename", testCharsets)
		if !ok {
			got = none
		}
		if got != c.want {
			t.Errorf("DecodeParam(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestDecodeParamIsLinearInSections(t *testing.T) {
	linear.Check(t, "sections", 200_000, func(n int) {
		var list []imap.Param
		for i := range n {
			list = append(list, imap.Param{Name: "filename*" + strconv.Itoa(i%65536) + "*", Value: "x"})
		}
		if got, _ := imap.DecodeParam(list, "filename", nil); len(got) != min(n, 65536) {
			t.Errorf("%d bytes of %d sections", len(got), n)
		}
	})
}

func ExampleDecodeParam() {
	disposition := []imap.Param{{Name: "filename*0*", Value: "utf-8''Gr%C3%BC"}, {Name: "filename*1*", Value: "%C3%9Fe.pdf"}}
	name, ok := imap.DecodeParam(disposition, "filename", nil)
	fmt.Println(name, ok)
	// Output: Grüße.pdf true
}
