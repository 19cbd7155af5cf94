package imapsort_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pushmail/pushmail/imapsort"
	"github.com/pushmail/pushmail/internal/linear"
)

func TestBaseSubject(t *testing.T) {
	for _, test := range []struct {
		subject, base string
		reply         bool
	}{
		{"", "", false},
		{" ", "", false},
		{"Lunch", "Lunch", false},
		{"  Lunch \t at\r\n  noon ", "Lunch at noon", false},

		{"Re: Lunch", "Lunch", true},
		{"RE:Lunch", "Lunch", true},
		{"re : Lunch", "Lunch", true},
		{"Re: re: RE: Lunch", "Lunch", true},
		{"Fw: Lunch", "Lunch", true},
		{"FWD: Lunch", "Lunch", true},
		{"Re: ", "", true},
		{"Regarding: Lunch", "Regarding: Lunch", false},
		{"Re", "Re", false},
		{"Fwdx: Lunch", "Fwdx: Lunch", false},
		{"AW: Lunch", "AW: Lunch", false}, // RFC 5256 section 7: translations are not removed

		{"Re[2]: Lunch", "Lunch", true},
		{"Re [2] : Lunch", "Lunch", true},
		{"Re[2[: Lunch", "Re[2[: Lunch", false},
		{"[list] Lunch", "Lunch", false},
		{"[list] Re: Lunch", "Lunch", true},
		{"Re: [list] Lunch", "Lunch", true},
		{"Re: [list] Re: [a][b] Fwd: Lunch", "Lunch", true},
		{"[a][b]  [c]Lunch", "Lunch", false},
		{"[list]", "[list]", false},
		{"[a][b]", "[b]", false},
		{"Re: [list]", "[list]", true},
		{"[list] (fwd)", "[list]", true},
		{"[a[b]] Lunch", "[a[b]] Lunch", false},
		{"[a] [b Lunch", "[b Lunch", false},
		{"Lunch [a]", "Lunch [a]", false},

		{"Lunch (fwd)", "Lunch", true},
		{"Lunch (FWD) (fwd)  ", "Lunch", true},
		{"(fwd)", "", true},
		{"Lunch (fwd) x", "Lunch (fwd) x", false},

		{"[fwd: Lunch]", "Lunch", true},
		{"[Fwd: Re: Lunch (fwd)]", "Lunch", true},
		{"[fwd: [fwd: [list] Lunch]]", "Lunch", true},
		{"Re: [fwd: Lunch]", "Lunch", true},
		{"[fwd: Lunch] (fwd)", "Lunch", true},
		{"[fwd: Lunch", "[fwd: Lunch", false},
		{"[fwd: a] b", "b", false}, // a blob, not a forward
		{"[fwd:]", "", true},

		{"Grüße aus Köln", "Grüße aus Köln", false},
		{"Re: [日本] 昼食", "昼食", true},
	} {
		base, reply := imapsort.BaseSubject(test.subject)
		if base != test.base || reply != test.reply {
			t.Errorf("%q: got %q, reply %v; want %q, %v", test.subject, base, reply, test.base, test.reply)
		}
	}
}

// A base subject has nothing left to remove, and pieces that are removed do not change it.
func TestBaseSubjectIsFinal(t *testing.T) {
	piece := rapid.SampledFrom([]string{"Re:", "re ", "Fwd: ", "fw[1]:", "[a]", "[a ", "] ", "[fwd:", "]", "(fwd)", " ", "\t", "x", "lunch ", ":", "ü"})
	rapid.Check(t, func(t *rapid.T) {
		subject := strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(t, "pieces"), "")
		base, _ := imapsort.BaseSubject(subject)
		if again, reply := imapsort.BaseSubject(base); again != base || reply {
			t.Fatalf("%q became %q and that %q", subject, base, again)
		}
		replies := []string{"Re: " + subject, subject + " (fwd)"}
		if !strings.ContainsAny(subject, "[]") {
			replies = append(replies, "[fwd: "+subject+"]")
		}
		for _, more := range replies {
			if other, reply := imapsort.BaseSubject(more); other != base || !reply {
				t.Fatalf("%q became %q, and %q %q (reply %v)", subject, base, more, other, reply)
			}
		}
	})
}

func TestLongSubjectsCostWhatTheyAreLong(t *testing.T) {
	for name, of := range map[string]struct{ before, again, after, end string }{
		"blobs":         {again: "[a]", after: "x"},
		"only blobs":    {again: "[a] "},
		"open blobs":    {again: "["},
		"replies":       {again: "Re: ", after: "x"},
		"blob replies":  {again: "[a]re[b]:", after: "x"},
		"open replies":  {again: "re["},
		"trailers":      {before: "x", again: " (fwd)"},
		"forwards":      {again: "[fwd:", after: "x", end: "]"},
		"open forwards": {again: "[fwd:"},
		"spaces":        {again: " \t", after: "x"},
	} {
		linear.Check(t, name, 200_000, func(n int) {
			base, _ := imapsort.BaseSubject(of.before + strings.Repeat(of.again, n) + of.after + strings.Repeat(of.end, n))
			if len(base) > 10 && !strings.HasPrefix(name, "open") {
				t.Errorf("%s: base subject of %d bytes", name, len(base))
			}
		})
	}
}
