package imapsort_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/imapsort"
	"github.com/pushmail/pushmail/internal/linear"
)

func TestMessageIDs(t *testing.T) {
	for _, test := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{"<a@b>", []string{"a@b"}},
		{"<a@b> <c@d>\r\n\t<e@f>", []string{"a@b", "c@d", "e@f"}},
		{"<a@b><c@d>", []string{"a@b", "c@d"}},
		// RFC 5256 section 3: quoting does not count.
		{`<"01KF8JCEOCBS0045PS"@xxx.yyy.com>`, []string{"01KF8JCEOCBS0045PS@xxx.yyy.com"}},
		{`<"a\"b"@c>`, []string{`a"b@c`}},
		{`<a."b"@c>`, []string{"a.b@c"}},
		{"< a@b >", []string{"a@b"}},
		{"<a@\r\n b>", []string{"a@b"}},
		{"<A@b>", []string{"A@b"}}, // case counts
		{"<a@b> (<c@d>)", []string{"a@b", "c@d"}},
		{"Your message of Friday <a@b> \"jo <j\"", []string{"a@b"}},
		{"Jo's message <a@b> of <jo@example.org>", []string{"a@b", "jo@example.org"}},
		{"<nothing>", nil},
		{"<@b>", nil},
		{"<a@>", nil},
		{`<""@b>`, nil},
		{`<"a@b">`, nil},
		{"<a@b", nil},
		{"<a@b <c@d>", []string{"c@d"}},
		{`<"a@b> <c@d>`, []string{"c@d"}}, // a quote too many costs one
		{"<a@b@c>", []string{"a@b@c"}},
		{`<a\b@c>`, []string{`a\b@c`}},
	} {
		if got := imapsort.MessageIDs(test.text); !slices.Equal(got, test.want) {
			t.Errorf("%q: got %q, want %q", test.text, got, test.want)
		}
	}
}

func TestLongReferencesCostWhatTheyAreLong(t *testing.T) {
	for _, piece := range []string{"<", `<"`, "<a@b>", `<"a@b> `, "<a@", `<\`, "@"} {
		linear.Check(t, piece, 1<<20, func(n int) { imapsort.MessageIDs(strings.Repeat(piece, n)) })
	}
}
