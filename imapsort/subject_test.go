package imapsort_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pushmail/pushmail/imapsort"
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

func TestLongSubjectsAreQuick(t *testing.T) {
	const n = 200_000
	for name, subject := range map[string]string{
		"blobs":         strings.Repeat("[a]", n) + "x",
		"only blobs":    strings.Repeat("[a] ", n),
		"open blobs":    strings.Repeat("[", n),
		"replies":       strings.Repeat("Re: ", n) + "x",
		"blob replies":  strings.Repeat("[a]re[b]:", n) + "x",
		"open replies":  strings.Repeat("re[", n),
		"trailers":      "x" + strings.Repeat(" (fwd)", n),
		"forwards":      strings.Repeat("[fwd:", n) + "x" + strings.Repeat("]", n),
		"open forwards": strings.Repeat("[fwd:", n),
		"spaces":        strings.Repeat(" \t", n) + "x",
	} {
		start := time.Now()
		base, _ := imapsort.BaseSubject(subject)
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		if len(base) > 10 && !strings.HasPrefix(name, "open") {
			t.Errorf("%s: base subject of %d bytes", name, len(base))
		}
	}
}
